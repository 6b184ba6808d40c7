"""Who runs next: a queue of jobs that is fair between clients. Pure: no sockets, no processes, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Guess, Read, Submit

Work = Submit | Guess | Read
ClientKey = bytes
JobKey = tuple[ClientKey, str]

PREVIEWS_IN_A_ROW = 8


@dataclass(frozen=True)
class Limits:
    """What clients may queue. Bytes count pictures and cues of waiting and running jobs."""

    jobs_per_client: int = 16
    bytes_per_client: int = 2 * 2**30
    bytes_in_all: int = 4 * 2**30


@dataclass(frozen=True)
class Job:
    """One client's work. `size` is the number of bytes its message holds."""

    client: ClientKey
    work: Work
    size: int = 0

    @property
    def key(self) -> JobKey:
        return (self.client, self.work.job)

    @property
    def preview(self) -> bool:
        return isinstance(self.work, Submit) and self.work.purpose == "preview"

    @property
    def quick(self) -> bool:
        """Someone waits with the pen in hand: a preview, a guess or a reading, never a finished layer."""
        return self.preview or not isinstance(self.work, Submit)


@dataclass
class Scheduler:
    """Hold waiting jobs and the one that runs.

    Clients take turns: first whoever was served longest ago, or never. Quick jobs go before finished layers, but after
    `PREVIEWS_IN_A_ROW` of them a waiting layer has its turn.
    """

    limits: Limits = field(default_factory=Limits)
    running: Job | None = None
    _waiting: list[Job] = field(default_factory=list)
    _served: dict[ClientKey, int] = field(default_factory=dict)  # the number of the last turn of each client
    _quick_in_a_row: int = 0

    def __len__(self) -> int:
        """Count the jobs that wait."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        return self.running is None and not self._waiting

    def knows(self, key: JobKey) -> bool:
        return any(job.key == key for job in self._alive())

    def add(self, job: Job) -> list[Job]:
        """Queue a job and return the waiting previews that it replaces.

        Raises RequestError "too-many-jobs" when the client, or all of them together, hold too much already.
        """
        replaced = self._replaced_by(job)
        self._check_room(job, replaced)
        self._waiting = [other for other in self._waiting if other not in replaced]
        self._waiting.append(job)
        return replaced

    def take(self) -> Job | None:
        """Start the next job and return it; None while one runs or nothing waits."""
        if self.running is not None or not self._waiting:
            return None
        job = _choose(self._waiting, self._served, self._quick_in_a_row)
        self._waiting.remove(job)
        self._quick_in_a_row = _quick_after(job, self._quick_in_a_row)
        self._served[job.client] = _next_turn(self._served)
        self.running = job
        return job

    def finish(self) -> Job | None:
        """Forget the running job and return it."""
        job, self.running = self.running, None
        return job

    def withdraw(self, key: JobKey) -> Job | None:
        """Take a waiting job out of the queue; None when no such job of that client waits."""
        for job in self._waiting:
            if job.key == key:
                self._waiting.remove(job)
                return job
        return None

    def withdraw_all(self) -> list[Job]:
        """Empty the queue and return what waited."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def forget_client(self, client: ClientKey) -> None:
        """Take everything of a client that is gone out of the queue. Its running job, if any, is the caller's to stop."""
        self._waiting = [job for job in self._waiting if job.client != client]
        self._served.pop(client, None)

    def positions(self) -> dict[JobKey, int]:
        """Say for each waiting job how many will run before it, the running one included, if nothing else is added."""
        waiting, served, quick = list(self._waiting), dict(self._served), self._quick_in_a_row
        ahead = 0 if self.running is None else 1
        positions: dict[JobKey, int] = {}
        while waiting:
            job = _choose(waiting, served, quick)
            positions[job.key] = ahead + len(positions)
            waiting.remove(job)
            quick = _quick_after(job, quick)
            served[job.client] = _next_turn(served)
        return positions

    def _alive(self) -> list[Job]:
        return self._waiting if self.running is None else [self.running, *self._waiting]

    def _replaced_by(self, job: Job) -> list[Job]:
        if not job.preview:
            return []
        return [other for other in self._waiting if other.preview and other.client == job.client]

    def _check_room(self, job: Job, replaced: list[Job]) -> None:
        alive = [other for other in self._alive() if other not in replaced]
        own = [other for other in alive if other.client == job.client]
        if len(own) >= self.limits.jobs_per_client:
            raise RequestError(
                f"The engine already holds {len(own)} of your edits; wait for one to finish or cancel some.",
                "too-many-jobs",
            )
        own_bytes, all_bytes = (sum(other.size for other in jobs) + job.size for jobs in (own, alive))
        if own_bytes > self.limits.bytes_per_client or all_bytes > self.limits.bytes_in_all:
            raise RequestError(
                "The pictures that wait in the engine are too large together; wait for an edit to finish.",
                "too-many-jobs",
            )


def _choose(waiting: list[Job], served: dict[ClientKey, int], quick_in_a_row: int) -> Job:
    """Pick a kind (quick or layer), then the client whose turn it is, then that client's oldest job."""
    quick = [job for job in waiting if job.quick]
    layers = [job for job in waiting if not job.quick]
    layers_turn = bool(layers) and quick_in_a_row >= PREVIEWS_IN_A_ROW
    candidates = layers if layers_turn or not quick else quick
    return min(candidates, key=lambda job: served.get(job.client, 0))  # the first of equals


def _next_turn(served: dict[ClientKey, int]) -> int:
    return max(served.values(), default=0) + 1


def _quick_after(job: Job, quick_in_a_row: int) -> int:
    return quick_in_a_row + 1 if job.quick else 0
