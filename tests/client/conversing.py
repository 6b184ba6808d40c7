"""What session tests share: an engine that answers dutifully, and ways to wait for what a session says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from scumble_protocol.client.pulse import Pace
from scumble_protocol.client.session import Session
from scumble_protocol.geometry import Point
from scumble_protocol.messages import (
    FINAL_EVENTS,
    Accepted,
    Cancel,
    Echo,
    Echoed,
    Edit,
    EngineMessage,
    Event,
    Failure,
    Guess,
    Guessed,
    Handle,
    Message,
    PromptPair,
    Read,
    Reading,
    SubtractStrokes,
)
from scumble_protocol.pixels import Picture, Plane

EDIT = Edit(Picture(Plane(8, 8, 4, "u8", bytes(256))), (Handle(Point(1, 1), Point(5, 5)),))
STROKES = Edit(EDIT.picture, (SubtractStrokes(Plane(8, 8, 1, "u8", b"\xff" * 64)),))
HASTY = Pace(ping_every_s=0.05, welcome_within_s=5.0, lost_after_s=1.0)
IMPATIENT = replace(HASTY, welcome_within_s=0.3)


def dutiful(message: Message) -> Sequence[EngineMessage]:
    """Answer everything that asks for an answer."""
    if isinstance(message, Echo):
        return (Accepted(message.job), Echoed(message.job, message.plane))
    if isinstance(message, Guess):
        return (Guessed(message.job, ("a hat",), (1.0,)),)
    if isinstance(message, Read):
        return (Reading(message.job, PromptPair("a", message.instruction.text)),)
    if isinstance(message, Cancel):
        return (Failure(message.job, "cancelled", "The edit was cancelled."),)
    return ()


def collect(session: Session, until: Callable[[list[Event]], bool], timeout_s: float = 5.0) -> list[Event]:
    events: list[Event] = []
    deadline = time.monotonic() + timeout_s
    while not until(events):
        assert time.monotonic() < deadline, f"only {events}"
        events += session.wait(0.1)
    return events


def ended(job: str) -> Callable[[list[Event]], bool]:
    return lambda events: any(isinstance(e, FINAL_EVENTS) and e.job == job for e in events)


def lost(session: Session) -> Failure:
    """Wait for the failure that speaks of the session itself."""
    events = collect(session, lambda got: any(isinstance(e, Failure) and e.job == "" for e in got))
    assert session.phase == "lost"
    last = events[-1]
    assert isinstance(last, Failure)
    assert session.error is not None
    assert (session.error.code, session.error.sentence) == (last.code, last.sentence)
    return last
