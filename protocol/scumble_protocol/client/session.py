"""The doorway: send and return at once. A thread of its own holds the connection, hashes, seals and opens.

The host's thread only appends to a list (`submit`) and empties another (`poll`).
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Literal

from ..connection import ConnectionInfo
from ..errors import Cancelled, EngineError, RequestError, ScumbleError, error_for
from ..messages import (
    FINAL_EVENTS,
    Accepted,
    Cancel,
    ClientMessage,
    Echo,
    Echoed,
    Edit,
    EngineState,
    Event,
    Failure,
    Goodbye,
    Guess,
    Guessed,
    Hello,
    Instruction,
    Message,
    Ping,
    Pong,
    Preview,
    Progress,
    Purpose,
    Queued,
    Read,
    Reading,
    Result,
    Submit,
    Took,
    Welcome,
)
from ..parcel import Parcel, Sender, is_part
from ..pixels import Buffer, Plane
from ..wire import KNOWN_TO_CLIENTS, NONCE_BYTES, SPOKEN_MAJORS, Channel, RefusedMessage, choose_version
from ..wording import said
from .line import Line, opened
from .outgoing import Outgoing, check, job_of
from .pulse import Pace, Pulse
from .transport import Connect, Transport, connect

JobEvent = Accepted | Queued | Progress | Preview | Result | Guessed | Reading | Echoed | Failure
Phase = Literal["connecting", "open", "lost", "closed"]
Again = Callable[[ConnectionInfo | None], ConnectionInfo]  # find an engine that is not this one, which does not greet
_GONE = ("engine-lost", "engine-unreachable")


class Session:
    """One host's conversation with one engine; it ends with its connection, and then the host opens another.

    With `again` it looks for another engine by itself, once: when it was never greeted, or for what no engine has accepted.

    Every job that was submitted gets exactly one final event (`Result`, `Guessed`, `Reading`, `Echoed` or `Failure`) out of
    `poll`, whatever happens to the engine. Safe to use from any thread.
    """

    def __init__(
        self,
        info: ConnectionInfo,
        client: str,
        *,
        connect: Connect = connect,
        pace: Pace | None = None,
        again: Again | None = None,
    ) -> None:
        """Start connecting and return at once. `client` names the host for people: "krita 5.2.9"."""
        self._info, self._client, self._pace = info, client, pace or Pace()
        self._connect = connect
        self._again = again
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._outgoing = Outgoing(keeps=again is not None)
        self._inbox: list[JobEvent] = []
        self._live: set[str] = set()
        self._phase: Phase = "connecting"
        self._state: EngineState | None = None
        self._error: ScumbleError | None = None
        self._transport: Transport | None = None
        self._thread = threading.Thread(target=self._run, name="scumble-session", daemon=True)
        self._thread.start()

    # ---- what a host calls ------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """Where the session is in its life; once "lost" or "closed" it stays so."""
        return self._phase

    @property
    def state(self) -> EngineState | None:
        """What the engine last said about itself; None until it has answered."""
        return self._state

    @property
    def error(self) -> ScumbleError | None:
        """Why the session was lost, with a sentence for the painter; None while it is not."""
        return self._error

    @property
    def live_jobs(self) -> frozenset[str]:
        """The jobs that still owe a final event."""
        with self._lock:
            return frozenset(self._live)

    def submit(self, edit: Edit, purpose: Purpose = "final") -> str:
        """Queue an edit and return its job id at once. Its planes must not change until the job has ended.

        A bad edit is not raised here but answered by a `Failure`, as the checking happens in the session's thread.
        """
        job = _new_job()
        if purpose == "preview":
            with self._lock:
                self._withdrawn(self._outgoing.withdraw(previews=True), "A newer preview took its place.")
        return self._post(job, Submit(job, edit, purpose))

    def guess(self, edit: Edit) -> str:
        """Ask what the strokes show; answered by `Guessed`."""
        job = _new_job()
        return self._post(job, Guess(job, edit))

    def read_instruction(self, text: str, picture_words: str = "") -> str:
        """Ask how an instruction would be read; answered by `Reading`."""
        job = _new_job()
        return self._post(job, Read(job, Instruction(text), picture_words))

    def echo(self, plane: Plane) -> str:
        """Ask for a plane back as it is; answered by `Echoed`."""
        job = _new_job()
        return self._post(job, Echo(job, plane))

    def cancel(self, job: str) -> None:
        """Ask the engine to stop a job; its final event follows. Nothing happens if it has ended."""
        with self._lock:
            if job not in self._live:
                return
            unsent = self._outgoing.withdraw(job)
            self._withdrawn(unsent, "The edit was cancelled.")
            if not unsent:
                self._outgoing.settled(job)
                self._outgoing.put(Cancel(job))
        self._wake()

    def poll(self) -> list[Event]:
        """Return what has happened to jobs since the last call; never waits.

        Of each job's undelivered progress and previews only the newest is kept. A session that is lost says so once, in a
        `Failure` whose job is "", after the failures of its live jobs.
        """
        with self._lock:
            events, self._inbox = self._inbox, []
        return list(events)

    def wait(self, timeout_s: float) -> list[Event]:
        """Like `poll`, but wait for the first event, at most `timeout_s`. For command lines, never for a host's main thread."""
        with self._lock:
            self._news.wait_for(lambda: self._inbox, timeout_s)
            events, self._inbox = self._inbox, []
        return list(events)

    def wait_until_open(self, timeout_s: float) -> EngineState:
        """Wait for the engine's answer. Raises the error of a lost session, or EngineError after the timeout."""
        with self._lock:
            self._news.wait_for(lambda: self._phase != "connecting", timeout_s)
        if self._state is None or self._phase != "open":
            raise self._error or EngineError("The engine has not answered yet.", "engine-unreachable")
        return self._state

    def close(self, shutdown: bool = False, timeout_s: float = 0.5) -> None:
        """Say goodbye; the engine cancels what was under way. Waits at most `timeout_s` for the farewell to leave."""
        self._leave(Goodbye(shutdown), timeout_s)

    def stop_engine(self, timeout_s: float = 0.5) -> None:
        """Close, and have the engine end itself even if other programs use it; its memory is free soon after.

        Waits at most `timeout_s` for the farewell to leave. A session that is not open yet is only closed.
        """
        self._leave(Goodbye(stop=True), timeout_s)

    # ---- between the threads ----------------------------------------------------------------------------------------

    def _leave(self, farewell: Goodbye, timeout_s: float) -> None:
        with self._lock:
            if self._phase in ("lost", "closed"):
                return
            self._outgoing.clear()
            if self._phase == "open":
                self._outgoing.put(farewell)
            self._fail_live("cancelled", "The session was closed.")
            self._phase = "closed"
            self._news.notify_all()
        self._wake()
        self._thread.join(timeout_s)

    def _post(self, job: str, message: ClientMessage) -> str:
        with self._lock:
            if self._phase in ("lost", "closed"):
                error = self._error or EngineError("The session was closed.", "engine-lost")
                self._deliver(Failure(job, error.code, error.sentence))
                return job
            self._live.add(job)
            self._outgoing.put(message)
        self._wake()
        return job

    def _withdrawn(self, jobs: list[str], sentence: str) -> None:
        """Say of jobs that have not been sent why they never will be; the lock is held."""
        for job in jobs:
            self._live.discard(job)
            self._deliver(Failure(job, Cancelled.default_code, sentence))

    def _wake(self) -> None:
        transport = self._transport
        if transport is not None:
            transport.wake()

    def _deliver(self, event: JobEvent) -> None:
        """Put an event where `poll` finds it; the lock is held."""
        if isinstance(event, Progress | Preview | Queued):
            self._inbox = [e for e in self._inbox if type(e) is not type(event) or e.job != event.job]
        self._inbox.append(event)
        self._news.notify_all()

    def _fail_live(self, code: str, sentence: str) -> None:
        for job in sorted(self._live):
            self._deliver(Failure(job, code, sentence))
        self._live.clear()

    # ---- the session's own thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        error = self._talk(lambda: self._info)
        again = self._again
        if error is not None and again is not None and error.code in _GONE and self._take_back(error):
            silent, first = None if self._state else self._info, error
            error = self._talk(lambda: again(silent))
            if error is not None and silent is not None:  # neither that one nor another: both reasons are wanted
                error = EngineError(f"{first.sentence} {error.sentence}", error.code)
        if error is not None:
            self._lose(error)

    def _talk(self, find: Callable[[], ConnectionInfo]) -> ScumbleError | None:
        """Hold one conversation; return why it ended, None when it was closed."""
        try:
            self._info = find()
            self._converse()
        except ScumbleError as exc:
            return exc
        except ConnectionError as exc:
            return EngineError(str(exc), "engine-lost")
        except Exception as exc:  # a host must hear of our own faults too, or its jobs would wait for ever
            return EngineError(said("The connection to the engine failed ({exc}).", exc=exc), "engine-lost")
        finally:
            if self._transport is not None:
                self._transport.close()
        return None

    def _take_back(self, error: ScumbleError) -> bool:
        """Have what no engine has accepted ready to be sent again, and fail the rest; say whether that is worth a try."""
        with self._lock:
            again = self._outgoing.to_send_again(self._live)
            if self._phase not in ("connecting", "open") or (self._phase == "open" and not again):
                return False
            self._phase = "connecting"
            self._outgoing.begin_again(self._live)
            for job in sorted(self._live - again.keys()):
                self._deliver(Failure(job, error.code, error.sentence))
            self._live &= again.keys()
            return True

    def _lose(self, error: ScumbleError) -> None:
        with self._lock:
            if self._phase == "closed":
                return
            self._phase, self._error = "lost", error
            self._outgoing.clear()
            self._fail_live(error.code, error.sentence)
            self._deliver(Failure("", error.code, error.sentence))

    def _converse(self) -> None:
        choose_version(self._info.protocols)
        try:
            transport = self._connect(self._info)
        except ConnectionError as exc:
            raise EngineError(str(exc), "engine-unreachable") from exc
        self._transport = transport
        nonce = os.urandom(NONCE_BYTES)
        channel = Channel(self._info.key, nonce, "client", time.time_ns())
        transport.send(channel.seal(Hello(self._client, SPOKEN_MAJORS, nonce, KNOWN_TO_CLIENTS)))
        self._await_welcome(transport, channel)
        wire = Line(transport, channel, Sender(channel, announces=True), Parcel())
        pulse = Pulse(self._pace)
        while self._phase == "open":
            self._beat(wire, pulse)
        wire.sender.drop_large()
        self._flush(wire)

    def _await_welcome(self, transport: Transport, channel: Channel) -> None:
        deadline = time.monotonic() + self._pace.welcome_within_s
        while self._phase == "connecting":
            message = opened(channel, transport.receive(max(0.0, deadline - time.monotonic())))
            if isinstance(message, Welcome):
                self._begin(message)
            elif isinstance(message, Failure):
                raise error_for(message.code, message.sentence)
            elif time.monotonic() >= deadline:
                raise EngineError(
                    "The engine does not answer: it is busy starting, or its key has changed. "
                    "Connect again; if that does not help, restart the engine.",
                    "engine-unreachable",
                )

    def _begin(self, welcome: Welcome) -> None:
        with self._lock:
            self._state = welcome.state
            if self._phase == "connecting":
                self._phase = "open"
            self._news.notify_all()

    def _beat(self, wire: Line, pulse: Pulse) -> None:
        """Send what waits, take one message or a part of one, and mind the heartbeat."""
        self._flush(wire)
        if pulse.due():
            wire.transport.send(wire.channel.seal(Ping(pulse.begin())))
        frames = wire.transport.receive(pulse.rest_s())
        if frames is None:
            pulse.check()
        elif is_part(frames):
            if wire.laid(frames):
                pulse.heard()
        elif (message := self._opened_or_failed(wire.channel, wire.parcel.joined(frames))) is not None:
            pulse.heard()
            self._handle(message, wire.sender)

    def _flush(self, wire: Line) -> None:
        while (message := self._next_outgoing()) is not None:
            try:
                check(message)
                if isinstance(message, Cancel) and wire.sender.drop(message.job):
                    self._finish(Failure(message.job, Cancelled.default_code, "The edit was cancelled."))
                wire.sender.push(message)
            except RequestError as exc:
                self._finish(Failure(job_of(message), exc.code, exc.sentence))
        while (frames := wire.sender.next()) is not None:
            wire.transport.send(frames)

    def _next_outgoing(self) -> ClientMessage | None:
        with self._lock:
            return self._outgoing.next(self._live)

    def _opened_or_failed(self, channel: Channel, frames: Sequence[Buffer]) -> Message | None:
        try:
            return opened(channel, frames)
        except RefusedMessage as exc:
            sentence = f"The engine answered in a way that this version does not know ({exc.sentence}) Update both to one release."
            self._finish(Failure(exc.job, exc.code, sentence))
            return None

    def _handle(self, message: Message, sender: Sender) -> None:
        if isinstance(message, Pong):
            self._state = message.state
        elif isinstance(message, Took):
            sender.took(message.size)
        elif isinstance(message, Failure) and not message.job:
            raise error_for(message.code, message.sentence)
        elif isinstance(message, JobEvent):
            if isinstance(message, Failure):
                sender.drop(message.job)
            self._finish(message)

    def _finish(self, event: JobEvent) -> None:
        """Deliver a job's event, unless that job has ended already (a cancelled one may still be talking)."""
        with self._lock:
            self._outgoing.settled(event.job)
            if event.job not in self._live:
                return
            if isinstance(event, FINAL_EVENTS):
                self._live.discard(event.job)
            self._deliver(event)


def _new_job() -> str:
    return uuid.uuid4().hex
