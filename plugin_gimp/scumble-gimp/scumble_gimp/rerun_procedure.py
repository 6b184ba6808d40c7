"""Filters > Scumble > Re-run, and `plug-in-scumble-rerun` for scripts: make a result layer again from its recipe."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp, GObject
from scumble_protocol.client.recipe import from_json
from scumble_protocol.client.request import Request
from scumble_protocol.client.run import plan_rerun
from scumble_protocol.errors import RequestError, ScumbleError

from . import outcome
from .canvas import GimpHost
from .needs import ANY_PICTURE
from .notes import RECIPE, note
from .source import beneath, check_layer, check_picture
from .waiting import carry_out
from .wording import _

NEEDS = ANY_PICTURE
READ_WRITE = GObject.ParamFlags.READWRITE


def label() -> str:
    return _("_Re-run")


def blurb() -> str:
    return _("Make a layer of Scumble's again from its recipe, above it")


def add_arguments(procedure: Gimp.Procedure) -> None:
    changes = _("Lines like seed=7 or say=make it blue")
    procedure.add_string_argument("changes", _("_Changes"), changes, "", READ_WRITE)
    procedure.add_layer_return_value("layer", _("Layer"), _("The new layer"), True, READ_WRITE)


def run(
    procedure: Gimp.Procedure,
    mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: Any,
) -> Gimp.ValueArray:
    """Make the chosen result again. A script may say what should be different, one change a line."""
    try:
        check_picture(image)
        changes = config.get_property("changes") if mode == Gimp.RunMode.NONINTERACTIVE else ""
        host, request = planned(
            image, _chosen(image, drawables), [line for line in changes.splitlines() if line.strip()]
        )
        done = carry_out(host, request)
    except ScumbleError as error:
        return outcome.refused(procedure, error)
    return outcome.edited(procedure, mode, done, host.placed)


def planned(image: Gimp.Image, result: Gimp.Layer, changes: list[str]) -> tuple[GimpHost, Request]:
    """Return who places the new layer, and the request. Raises RequestError when the layer can't be made again."""
    text = note(result, RECIPE)
    if not text:
        sentence = _("“{name}” is not a layer that Scumble made; choose one that is.")
        raise RequestError(sentence.format(name=result.get_name()), "no-recipe")
    source = beneath(result)
    if source is None:
        sentence = _("The layer that “{name}” was made from is gone; make the edit anew.")
        raise RequestError(sentence.format(name=result.get_name()), "source-gone")
    check_layer(source)
    host = GimpHost(image, source, over=result)
    return host, plan_rerun(host, from_json(text).with_changes(changes))


def _chosen(image: Gimp.Image, drawables: list[Gimp.Drawable]) -> Gimp.Layer:
    chosen = [item for item in drawables or image.get_selected_layers() if isinstance(item, Gimp.Layer)]
    if len(chosen) != 1:
        raise RequestError(_("Choose the one layer to make again in the Layers dialog."), "no-layer")
    return chosen[0]
