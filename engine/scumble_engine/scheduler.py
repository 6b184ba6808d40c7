"""Who runs next: a queue of jobs that is fair between clients. Pure: no sockets, no processes, no clock."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Guess, Read, Submit
from scumble_protocol.wording import said

Work = Submit | Guess | Read
ClientKey = bytes
JobKey = tuple[ClientKey, str]

PREVIEWS_IN_A_ROW = 8


@dataclass(frozen=True)
class Limits:
    """What clients may queue. Bytes count pictures and cues on their way in, of waiting and running jobs, and answers on their way out."""

    jobs_per_client: int = 16
    bytes_per_client: int = 2 * 2**30
    bytes_in_all: int = 4 * 2**30
    unread_bytes: int = 2**27  # results that a client has not taken, before nothing new of it is accepted


@dataclass(frozen=True)
class Held:
    """Bytes that no job holds: one client's on their way in and out, those of them on their way out, and everybody's."""

    own: int = 0
    unread: int = 0
    in_all: int = 0


NOTHING_HELD = Held()


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

    Clients take turns: first whoever was served longest ago. A newcomer counts as served just before the latest turn, so that
    opening a session for each edit gains nothing. Quick jobs go before finished layers, but after `PREVIEWS_IN_A_ROW` of them
    a waiting layer has its turn.
    """

    limits: Limits = field(default_factory=Limits)
    running: Job | None = None
    changes: int = 0  # grows whenever positions may have changed
    _waiting: dict[JobKey, Job] = field(default_factory=dict)
    _served: dict[ClientKey, float] = field(default_factory=dict)  # the number of the last turn of each client
    _turn: int = 0
    _quick_in_a_row: int = 0

    def __len__(self) -> int:
        """Count the jobs that wait."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        return self.running is None and not self._waiting

    def knows(self, key: JobKey) -> bool:
        return key in self._waiting or (self.running is not None and self.running.key == key)

    def add(self, job: Job, held: Held = NOTHING_HELD) -> list[Job]:
        """Queue a job and return the waiting previews that it replaces. `held`: bytes that are on their way in or out.

        Raises RequestError "too-many-jobs" when the client, or all of them together, hold too much already.
        """
        replaced = self._replaced_by(job)
        alive = [other for other in self._alive() if other not in replaced]
        self._check_count(job.client, alive)
        self._check_bytes(job.client, job.size, held, alive)
        for other in replaced:
            del self._waiting[other.key]
        self._waiting[job.key] = job
        self._served.setdefault(job.client, self._turn - 0.5)
        self.changes += 1
        return replaced

    def take(self) -> Job | None:
        """Start the next job and return it; None while one runs or nothing waits."""
        if self.running is not None or not self._waiting:
            return None
        line = _Line(self._waiting.values(), self._served, self._turn, self._quick_in_a_row)
        job = line.next()
        del self._waiting[job.key]
        self._turn, self._quick_in_a_row = line.turn, line.quick_in_a_row
        self._served[job.client] = self._turn
        self.running = job
        self.changes += 1
        return job

    def finish(self) -> Job | None:
        """Forget the running job and return it."""
        job, self.running = self.running, None
        self.changes += 1
        return job

    def withdraw(self, key: JobKey) -> Job | None:
        """Take a waiting job out of the queue; None when no such job of that client waits."""
        self.changes += 1
        return self._waiting.pop(key, None)

    def withdraw_all(self) -> list[Job]:
        """Empty the queue and return what waited."""
        waiting, self._waiting = list(self._waiting.values()), {}
        self.changes += 1
        return waiting

    def forget_client(self, client: ClientKey) -> None:
        """Take everything of a client that is gone out of the queue. Its running job, if any, is the caller's to stop."""
        self._waiting = {key: job for key, job in self._waiting.items() if job.client != client}
        self._served.pop(client, None)
        self.changes += 1

    def positions(self) -> dict[JobKey, int]:
        """Say for each waiting job how many will run before it, the running one included, if nothing else is added."""
        line = _Line(self._waiting.values(), self._served, self._turn, self._quick_in_a_row)
        ahead = 0 if self.running is None else 1
        return {line.next().key: ahead + place for place in range(len(self._waiting))}

    def _alive(self) -> list[Job]:
        return [*([] if self.running is None else [self.running]), *self._waiting.values()]

    def _replaced_by(self, job: Job) -> list[Job]:
        if not job.preview:
            return []
        return [other for other in self._waiting.values() if other.preview and other.client == job.client]

    def check_room(self, client: ClientKey, size: int, held: Held) -> None:
        """Raise RequestError "too-many-jobs" when `size` bytes more would be too many."""
        self._check_bytes(client, size, held, self._alive())

    def _check_count(self, client: ClientKey, alive: list[Job]) -> None:
        own = sum(other.client == client for other in alive)
        if own >= self.limits.jobs_per_client:
            raise RequestError(
                said("The engine already holds {own} of your edits; wait for one to finish or cancel some.", own=own),
                "too-many-jobs",
            )

    def _check_bytes(self, client: ClientKey, size: int, held: Held, alive: list[Job]) -> None:
        if held.unread >= self.limits.unread_bytes:
            raise RequestError(
                "The engine holds results that your program has not taken; take them first.", "too-many-jobs"
            )
        own = size + held.own + sum(other.size for other in alive if other.client == client)
        in_all = size + held.in_all + sum(other.size for other in alive)
        if own > self.limits.bytes_per_client or in_all > self.limits.bytes_in_all:
            raise RequestError(
                "The pictures that wait in the engine are too large together; wait for an edit to finish.",
                "too-many-jobs",
            )


class _Line:
    """The order in which waiting jobs will run: `next` again and again. Each turn costs what a heap costs, not a look at every job."""

    def __init__(
        self, waiting: Iterable[Job], served: Mapping[ClientKey, float], turn: int, quick_in_a_row: int
    ) -> None:
        self.turn, self.quick_in_a_row = turn, quick_in_a_row
        self._served = dict(served)
        self._jobs: dict[tuple[bool, ClientKey], deque[tuple[int, Job]]] = {}
        for number, job in enumerate(waiting):
            self._jobs.setdefault((job.quick, job.client), deque()).append((number, job))
        self._heaps: dict[bool, list[tuple[float, int, ClientKey]]] = {True: [], False: []}
        for quick, client in self._jobs:
            self._line_up(quick, client)

    def next(self) -> Job:
        """Pick a kind (quick or layer), then the client whose turn it is, then that client's oldest job."""
        layers_turn = bool(self._heaps[False]) and self.quick_in_a_row >= PREVIEWS_IN_A_ROW
        quick = bool(self._heaps[True]) and not layers_turn
        client = self._next_client(quick)
        _, job = self._jobs[quick, client].popleft()
        self.turn += 1
        self._served[client] = self.turn
        self.quick_in_a_row = self.quick_in_a_row + 1 if quick else 0
        self._line_up(quick, client)
        return job

    def _next_client(self, quick: bool) -> ClientKey:
        while True:
            turn, _, client = heapq.heappop(self._heaps[quick])
            if turn == self._served[client]:
                return client
            self._line_up(quick, client)  # it was served in the other line meanwhile

    def _line_up(self, quick: bool, client: ClientKey) -> None:
        if jobs := self._jobs[quick, client]:
            heapq.heappush(self._heaps[quick], (self._served[client], jobs[0][0], client))
