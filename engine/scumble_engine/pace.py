"""How long a job will still take: from its own steps, and from how long the same steps took in an earlier job. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

UNKNOWN_S = -1.0
ENOUGH_STEPS = 2  # of one stage, before they are taken for typical
_NEWEST = 0.5  # weight of the newest step

# Seconds of each step, by the kind of job, how many steps it has, and which one it is.
Memory = dict[tuple[Hashable, int, int], float]


@dataclass
class Pace:
    """Follow one job. `kind` tells jobs apart that take other steps; `memory` is kept from job to job."""

    kind: Hashable = ""
    memory: Memory = field(default_factory=dict)
    _stage: str = ""
    _done: int = -1
    _at_s: float = 0.0
    _seen: int = 0
    _step_s: float = 0.0
    _elapsed_s: float = 0.0
    _expected_s: float = 0.0  # what the same steps took earlier

    def seconds_left(self, done: int, of: int, stage: str, now_s: float) -> float:
        """Return the seconds that `of - done` steps will take; negative when nothing like them was seen yet."""
        if self._done >= 0 and done == self._done + 1:
            self._learn(of, now_s - self._at_s)
        if stage != self._stage:
            self._seen = 0
        if (stage, done) != (self._stage, self._done):
            self._stage, self._done, self._at_s = stage, done, now_s
        return self._remembered(done, of) or self._extrapolated(done, of)

    def _learn(self, of: int, step_s: float) -> None:
        key = (self.kind, of, self._done)
        earlier = self.memory.get(key)
        if earlier is not None:
            self._elapsed_s, self._expected_s = self._elapsed_s + step_s, self._expected_s + earlier
        self.memory[key] = step_s
        self._step_s = step_s if self._seen == 0 else _NEWEST * step_s + (1 - _NEWEST) * self._step_s
        self._seen += 1

    def _remembered(self, done: int, of: int) -> float | None:
        """Sum what the steps to come took earlier, stretched as those behind us were; None when one is not known."""
        steps = [self.memory.get((self.kind, of, step)) for step in range(done, of)]
        known = [step for step in steps if step is not None]
        if not known or len(known) < len(steps):
            return None
        return sum(known) * (self._elapsed_s / self._expected_s if self._expected_s > 0 else 1.0)

    def _extrapolated(self, done: int, of: int) -> float:
        if done >= of:
            return 0.0
        return (of - done) * self._step_s if self._seen >= ENOUGH_STEPS else UNKNOWN_S
