"""Filters > Scumble > Stroke layers, and `plug-in-scumble-strokes` for scripts: make the layers to scribble on."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp, GObject
from scumble_protocol.errors import ScumbleError

from . import outcome, stroke_layers
from .needs import ANY_PICTURE
from .source import source_of
from .wording import _

NEEDS = ANY_PICTURE
READ_WRITE = GObject.ParamFlags.READWRITE


def label() -> str:
    return _("_Stroke layers")


def blurb() -> str:
    return _("Make three layers to scribble on: what should appear, what should go, and in which colours")


def add_arguments(procedure: Gimp.Procedure) -> None:
    for kind in stroke_layers.KINDS:
        name = stroke_layers.names()[kind]
        procedure.add_layer_return_value(f"{kind}-layer", name, name, True, READ_WRITE)


def run(
    procedure: Gimp.Procedure,
    _mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    _config: Gimp.ProcedureConfig,
    _data: Any,
) -> Gimp.ValueArray:
    try:
        source = source_of(image, drawables)
        with stroke_layers.one_step(image):
            made = [stroke_layers.make_ready(image, source, kind) for kind in reversed(stroke_layers.KINDS)]
    except ScumbleError as error:
        return outcome.refused(procedure, error)
    return outcome.made(procedure, *reversed(made))
