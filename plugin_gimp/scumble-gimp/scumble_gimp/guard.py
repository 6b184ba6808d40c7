"""Steps that GTK and GLib call. Left to GLib, an exception ends the timer that it comes from, and with it the panel."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from gi.repository import GLib

from .wording import failed_inside

Step = ParamSpec("Step")


class Teller(Protocol):
    """Who can tell the painter something."""

    def say(self, sentence: str) -> None: ...


T = TypeVar("T", bound=Teller)


def told(step: Callable[Concatenate[T, Step], None]) -> Callable[Concatenate[T, Step], None]:
    """Tell the painter of our own faults in a line, and the log where they are from; nothing is raised."""

    @functools.wraps(step)
    def guarded(teller: T, /, *arguments: Step.args, **named: Step.kwargs) -> None:
        try:
            step(teller, *arguments, **named)
        except Exception as error:
            traceback.print_exc()
            teller.say(failed_inside(error))

    return guarded


def repeat(every_ms: int, step: Callable[[], None]) -> None:
    """Call a guarded step for as long as the process lives."""

    def again() -> bool:
        step()
        return True

    GLib.timeout_add(every_ms, again)
