"""Filters > Scumble > Panel: opens the panel, which stays in this process until it is closed, or shows the one that is open."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp, GimpUi
from scumble_protocol.errors import RequestError

from . import outcome, single_panel
from .needs import ALWAYS
from .wording import _

NEEDS = ALWAYS


def label() -> str:
    return _("_Panel")


def blurb() -> str:
    return _("Open Scumble's panel, which stays open: tools, a line of text, and one button")


def add_arguments(procedure: Gimp.Procedure) -> None:
    """The panel takes none."""


def run(
    procedure: Gimp.Procedure,
    mode: Gimp.RunMode,
    image: Gimp.Image | None,
    _drawables: list[Gimp.Drawable],
    _config: Gimp.ProcedureConfig,
    _data: Any,
) -> Gimp.ValueArray:
    """Show the panel until it is closed. A script has no use for it.

    Closing it counts as a cancel: after a success GIMP notes on the picture what ran, and that may long have been closed.
    """
    if mode == Gimp.RunMode.NONINTERACTIVE:
        return outcome.refused(procedure, RequestError(_("The panel needs a person."), "no-person"))
    if single_panel.bring_to_front(image):
        return outcome.cancelled(procedure)
    GimpUi.init("scumble-gimp")
    from .panel import Panel  # GTK must not be touched before GimpUi has set it up

    panel = Panel(image)
    single_panel.offer(procedure.get_plug_in(), panel.present)
    panel.run()
    return outcome.cancelled(procedure)
