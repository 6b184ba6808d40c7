"""The heartbeat of a session: how patient it is, when to ping, and when silence means that the engine is gone."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..errors import EngineError


@dataclass(frozen=True)
class Pace:
    """How patient a session is, in seconds. An engine answers pings while it works, so silence means that it is gone."""

    ping_every_s: float = 1.0
    welcome_within_s: float = 5.0
    lost_after_s: float = 10.0


class Pulse:
    """When to ping, and when silence has lasted too long. It counts from an unanswered ping, so our own pauses do not matter."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._number = 0
        self._pinged_at = time.monotonic()
        self._waiting_since: float | None = None

    def due(self) -> bool:
        return self.rest_s() <= 0

    def rest_s(self) -> float:
        return max(0.0, self._pinged_at + self._pace.ping_every_s - time.monotonic())

    def begin(self) -> int:
        """Note that a ping leaves now and return its number."""
        self._number, self._pinged_at = self._number + 1, time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = self._pinged_at
        return self._number

    def heard(self) -> None:
        self._waiting_since = None

    def check(self) -> None:
        """Raise EngineError when the engine has been silent for too long."""
        if self._waiting_since is not None and time.monotonic() - self._waiting_since > self._pace.lost_after_s:
            raise EngineError(
                "The engine has stopped answering. Try again: a new engine will be started.", "engine-lost"
            )
