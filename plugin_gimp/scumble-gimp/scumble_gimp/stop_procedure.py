"""Filters > Scumble > Stop engine, and `plug-in-scumble-stop` for scripts: end the engine, whose memory is free then."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp
from scumble_protocol.client.launcher import find
from scumble_protocol.client.session import Session
from scumble_protocol.errors import ScumbleError

from . import outcome
from .needs import ALWAYS
from .waiting import client_name
from .wording import _

NEEDS = ALWAYS
GREETING_TIMEOUT_S = 5.0  # an engine that works still answers at once, for its server does nothing else


def label() -> str:
    return _("Stop en_gine")


def blurb() -> str:
    return _("Ends the engine, also for other programs, and frees its memory; the next edit starts it again")


def add_arguments(procedure: Gimp.Procedure) -> None:
    """There is one engine, so there is nothing to say."""


def run(
    procedure: Gimp.Procedure,
    _mode: Gimp.RunMode,
    _image: Gimp.Image | None,
    _drawables: list[Gimp.Drawable],
    _config: Gimp.ProcedureConfig,
    _data: Any,
) -> Gimp.ValueArray:
    """Tell the engine to end; a success also when none runs."""
    info = find()
    try:
        if info is not None:
            session = Session(info, client_name())
            session.wait_until_open(GREETING_TIMEOUT_S)
            session.stop_engine()
    except ScumbleError as error:
        return outcome.refused(procedure, error)
    return outcome.made(procedure)
