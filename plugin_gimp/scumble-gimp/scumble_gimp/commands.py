"""Menu entries that need no picture and take no arguments: Panel, which stays open, and Stop engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp, GimpUi
from scumble_protocol.client.launcher import find
from scumble_protocol.client.session import Session
from scumble_protocol.errors import RequestError, ScumbleError

from . import outcome, single_panel
from .needs import ALWAYS
from .waiting import client_name
from .wording import _

GREETING_TIMEOUT_S = 5.0  # an engine that works still answers at once, for its server does nothing else


@dataclass(frozen=True)
class Command:
    """A procedure without arguments; `label` and `blurb` are asked for when the language is known."""

    label: Callable[[], str]
    blurb: Callable[[], str]
    act: Callable[[Gimp.Procedure, Gimp.RunMode, Gimp.Image | None], Gimp.ValueArray]
    NEEDS: Gimp.ProcedureSensitivityMask = ALWAYS

    def add_arguments(self, procedure: Gimp.Procedure) -> None:
        """There is nothing to say."""

    def run(
        self,
        procedure: Gimp.Procedure,
        mode: Gimp.RunMode,
        image: Gimp.Image | None,
        _drawables: list[Gimp.Drawable],
        _config: Gimp.ProcedureConfig,
        _data: Any,
    ) -> Gimp.ValueArray:
        """Do it, and hand GIMP the sentence where it can't be done."""
        try:
            return self.act(procedure, mode, image)
        except ScumbleError as error:
            return outcome.refused(procedure, error)


def stop_engine(procedure: Gimp.Procedure, _mode: Gimp.RunMode, _image: Gimp.Image | None) -> Gimp.ValueArray:
    """Tell the engine to end, whose memory is free then; a success also when none runs."""
    info = find()
    if info is not None:
        session = Session(info, client_name())
        session.wait_until_open(GREETING_TIMEOUT_S)
        session.stop_engine()
    return outcome.made(procedure)


def show_panel(procedure: Gimp.Procedure, mode: Gimp.RunMode, image: Gimp.Image | None) -> Gimp.ValueArray:
    """Show the panel, which stays in this process until it is closed, or the one that is open. A script has no use for it.

    Closing it counts as a cancel: after a success GIMP notes on the picture what ran, and that may long have been closed.
    """
    if mode == Gimp.RunMode.NONINTERACTIVE:
        raise RequestError(_("The panel needs a person."), "no-person")
    if single_panel.bring_to_front(image):
        return outcome.cancelled(procedure)
    GimpUi.init("scumble-gimp")
    from .panel import Panel  # GTK must not be touched before GimpUi has set it up

    panel = Panel(image)
    single_panel.offer(procedure.get_plug_in(), panel.present)
    panel.run()
    return outcome.cancelled(procedure)


PANEL = Command(
    lambda: _("_Panel"),
    lambda: _("Open Scumble's panel, which stays open: tools, a line of text, and one button"),
    show_panel,
)
STOP = Command(
    lambda: _("Stop en_gine"),
    lambda: _("Ends the engine, also for other programs, and frees its memory; the next edit starts it again"),
    stop_engine,
)
