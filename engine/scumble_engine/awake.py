"""A clock that stands still while the machine sleeps or this process is stopped: such a pause is nobody's silence."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_TURN_S = (
    5.0  # the server looks at its clock several times a second; hashing the largest message takes under two
)


class AwakeClock:
    """Seconds that this process was awake, as far as it asked: of a longer gap between two looks only `LONGEST_TURN_S` count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_s = clock()
        self._awake_s = 0.0

    def __call__(self) -> float:
        now = self._clock()
        self._awake_s += min(now - self._looked_s, LONGEST_TURN_S)
        self._looked_s = now
        return self._awake_s
