"""Look after the worker: start it, give it one job at a time, hear its heart, cancel, and replace it when it dies or hangs."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from scumble_protocol.errors import Cancelled, EngineError, ProtocolError, RequestError, ScumbleError, error_for
from scumble_protocol.messages import (
    FINAL_EVENTS,
    Cancel,
    EngineMessage,
    EngineState,
    Failure,
    Goodbye,
    Guess,
    Message,
    Ping,
    Pong,
    Preview,
    Progress,
    Read,
    Submit,
    Welcome,
)
from scumble_protocol.wording import said

from .boot import OUT_OF_MEMORY
from .child import Child

# Nothing may be imported from the current folder, and Python 3.10 does not know PYTHONSAFEPATH yet.
_START = "import sys; sys.path[:] = filter(None, sys.path); from scumble_engine.worker import main; main()"
WORKER_COMMAND = (sys.executable, "-c", _START)
STARTS_IN_A_ROW = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long the server waits for its worker before it does something about it, in seconds."""

    heartbeat_s: float = 1.0
    silence_s: float = 30.0  # from a ping to any word, once it has spoken
    start_s: float = 300.0  # from start to ready
    step_s: float = 600.0  # between two steps of a job; loading a large model is one step
    cancel_s: float = 8.0  # from a cancel to the kill, or two steps' time where that is longer,
    cancel_most_s: float = 60.0  # but no longer than this
    stop_s: float = 2.0  # from goodbye to the kill
    rest_s: float = 300.0  # from the last job, or from ready, to the worker's end, so that its memory is free
    retry_s: float = 30.0  # between starts, once several in a row have failed


@dataclass
class _Task:
    """The job at the worker. `alias` is what the worker calls it: clients' own names may be the same, or come again."""

    job: str
    alias: str
    stepped_s: float
    step_s: float = 0.0  # how long its last step took
    cancelled_s: float | None = None


class Supervisor:
    """Keep one worker alive. `open_child` starts a new process; the server calls `look_after` often."""

    def __init__(
        self,
        open_child: Callable[[], Child],
        state: EngineState,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = state  # the worker's last words about itself
        self.trouble: ScumbleError | None = None  # why there is no worker, once several starts have failed
        self.refusal: RequestError | None = None  # what the worker found wrong with the engine's own settings
        self.child: Child | None = None
        self._open_child = open_child
        self._asleep = state
        self._patience = patience
        self._clock = clock
        self._task: _Task | None = None
        self._begun = 0
        self._last_words: ScumbleError | None = None
        self._spent: EngineError | None = None  # its memory is full: it is to be replaced
        self._failed_starts = 0
        self._started_s = self._pinged_s = self._ended_s = clock()
        self._asked_s: float | None = None  # when the first ping left that nothing was heard after
        self._used_s: float = clock()  # when the worker was last ready or at work
        self._rested_s: float | None = None  # since when there is no worker because nobody needed it
        self._spoke = False

    # ---- what the server asks for

    @property
    def ready(self) -> bool:
        return self.child is not None and self.state.phase == "ready" and not self.resting

    @property
    def resting(self) -> bool:
        """The worker went, or is about to go, because nobody needed it; `wake` starts another."""
        return self._rested_s is not None

    @property
    def busy(self) -> bool:
        return self._task is not None

    def begin(self, work: Submit | Guess | Read) -> None:
        """Hand a job to the ready and idle worker."""
        assert self.child is not None
        assert self._task is None
        self._begun += 1
        self._task = _Task(work.job, f"job {self._begun}", self._clock())
        self.child.send(replace(work, job=self._task.alias))

    def cancel(self) -> None:
        """Ask the running job to stop at its next step; `look_after` kills it when it does not."""
        if self._task is not None and self._task.cancelled_s is None and self.child is not None:
            self._task.cancelled_s = self._clock()
            self.child.send(Cancel(self._task.alias))

    def look_after(self) -> list[EngineMessage]:
        """Hear the worker and see to its health. Returns what its job said, a Failure included when the job was lost."""
        if self.child is None or self._went_to_rest(self.child):
            self._start_unless_hopeless()
            return []
        exit_code = self.child.exit_code()  # asked first: what it said before it ended still counts
        events = self._hear(self.child)
        illness = self._illness(exit_code)
        if illness is not None:
            events += self._replace(illness)
        elif self._clock() - self._pinged_s >= self._patience.heartbeat_s:
            self._pinged_s = self._clock()
            self._asked_s = self._pinged_s if self._asked_s is None else self._asked_s
            self.child.send(Ping(0))
        return events

    def wake(self) -> None:
        """Start the worker that rests, or try once more after several failed starts, if some time has passed.

        Called when somebody wants a job done.
        """
        if self.child is None and (self.resting or self._clock() - self._ended_s >= self._patience.retry_s):
            self._start()

    def stop(self) -> None:
        """Say goodbye to the worker, and kill it when it does not go."""
        if self.child is not None:
            self.child.send(Goodbye())
            if self.ready and not self.busy:
                self.child.wait(self._patience.stop_s)
            self.child.end()
            self.child = None

    # ---- how

    def _start_unless_hopeless(self) -> None:
        if self._failed_starts < STARTS_IN_A_ROW and self.refusal is None and not self.resting:
            self._start()

    def _went_to_rest(self, child: Child) -> bool:
        """Send a worker home that nobody has needed for long: a process that ends gives back all of its memory."""
        now = self._clock()
        if self._rested_s is None:
            self._used_s = now if self.busy or not self.ready else self._used_s
            if now - self._used_s < self._patience.rest_s:
                return False
            log.info("no job for %.0f s: the worker goes, its memory is free", self._patience.rest_s)
            self._rested_s = now
            child.send(Goodbye())
        if child.exit_code() is not None or now - self._rested_s > self._patience.stop_s:
            child.end()
            self.child = None
        return True

    def _start(self) -> None:
        self._started_s = self._pinged_s = self._clock()
        self._spoke, self._asked_s, self._last_words, self._rested_s = False, None, None, None
        self.state = replace(self._asleep, cues=self.state.cues)
        try:
            self.child = self._open_child()
        except EngineError as exc:
            self._count_failed_start(exc)

    def _hear(self, child: Child) -> list[EngineMessage]:
        events: list[EngineMessage] = []
        try:
            for message in child.heard():
                self._asked_s, self._spoke = None, True
                events += self._sort(message)
        except ProtocolError as exc:
            log.error("the worker sent what is not a message: %s", exc.sentence)
            self._spent = EngineError("The engine's worker lost its way; the edit can be tried again.", "engine-worker")
        return events

    def _sort(self, message: Message) -> list[EngineMessage]:
        """Keep what the worker says about itself; return what its job says."""
        if isinstance(message, Welcome | Pong):
            if message.state.phase == "ready" and self.state.phase != "ready":
                log.info("worker ready on %s", message.state.device)
            self.state, self.trouble = message.state, None if message.state.phase == "ready" else self.trouble
        elif isinstance(message, Failure) and not message.job:
            self._last_words = error_for(message.code, message.sentence)
        elif isinstance(message, (Progress, Preview, *FINAL_EVENTS)) and self._task and message.job == self._task.alias:
            return [self._follow(replace(message, job=self._task.job))]
        return []

    def _follow(self, event: EngineMessage) -> EngineMessage:
        assert self._task is not None
        now = self._clock()
        if isinstance(event, Progress):
            self._task.step_s = now - self._task.stepped_s
        self._task.stepped_s = now
        if isinstance(event, FINAL_EVENTS):
            self._task, self._failed_starts = None, 0
        if isinstance(event, Failure) and event.code == OUT_OF_MEMORY:
            self._spent = EngineError(event.sentence, event.code)
        return event

    def _illness(self, exit_code: int | None) -> EngineError | None:
        """Say what is wrong with the worker, or None."""
        now, patience, task = self._clock(), self._patience, self._task
        if self._spent is not None or exit_code is not None:
            return self._spent or death(exit_code or 0)
        if task is not None and task.cancelled_s is not None and now - task.cancelled_s > self._grace_s(task):
            return Cancelled()
        if task is not None and now - task.stepped_s > patience.step_s:
            return EngineError(
                said(
                    "The engine's worker made no step for {step_s} s and was ended; a new one starts, and the edit "
                    "can be tried again.",
                    step_s=f"{patience.step_s:.0f}",
                ),
                "engine-hung",
            )
        if self._spoke and self._asked_s is not None and now - self._asked_s > patience.silence_s:
            return EngineError(
                said(
                    "The engine's worker gave no sign of life for {silence_s} s and was ended; a new one starts, and "
                    "the edit can be tried again.",
                    silence_s=f"{patience.silence_s:.0f}",
                ),
                "engine-hung",
            )
        if self.state.phase != "ready" and now - self._started_s > patience.start_s:
            return EngineError(
                said("The engine's worker was not ready after {start_s} s.", start_s=f"{patience.start_s:.0f}"),
                "engine-worker",
            )
        return None

    def _grace_s(self, task: _Task) -> float:
        """Where steps are long, waiting for one to end is cheaper than loading the model anew."""
        return max(self._patience.cancel_s, min(2 * task.step_s, self._patience.cancel_most_s))

    def _replace(self, illness: EngineError) -> list[EngineMessage]:
        """End the worker, fail its job, and start another unless it never gets as far as being ready."""
        assert self.child is not None
        was_ready, task = self.ready, self._task
        log.warning("worker ended: %s", illness.sentence)
        self.child.end()
        self.child, self._task, self._spent, self._ended_s = None, None, None, self._clock()
        self.state = replace(self._asleep, cues=self.state.cues)
        if not was_ready:
            self._count_failed_start(self._last_words or illness)
        self._start_unless_hopeless()
        if task is None:
            return []
        told = Cancelled() if task.cancelled_s is not None else illness
        return [Failure(task.job, told.code, told.sentence)]

    def _count_failed_start(self, reason: ScumbleError) -> None:
        self._failed_starts += 1
        self._ended_s = self._clock()
        if isinstance(reason, RequestError):
            self.refusal = reason
        if self._failed_starts >= STARTS_IN_A_ROW:
            log.error("no worker after %d starts: %s", self._failed_starts, reason.sentence)
            self.trouble = reason


def death(exit_code: int) -> EngineError:
    """Tell in words how a worker died, from its exit code (negative: the signal)."""
    if exit_code == -getattr(signal, "SIGKILL", 9):
        return EngineError(
            "The engine's worker was killed, most likely because memory ran out; try a smaller region or close other programs.",
            "engine-killed",
        )
    if exit_code < 0:
        return EngineError(
            said(
                "The engine's worker crashed (signal {signal}); a new one starts, and the edit can be tried again.",
                signal=-exit_code,
            ),
            "engine-crashed",
        )
    return EngineError(
        said(
            "The engine's worker ended by itself (exit code {exit_code}); a new one starts, and the edit can "
            "be tried again.",
            exit_code=exit_code,
        ),
        "engine-crashed",
    )
