"""The engine's waiting room: greet, check, queue, hand to the worker, pass its answers on. No torch, and no pixel is touched."""

from __future__ import annotations

import contextlib
import logging
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import zmq
from scumble_protocol import __version__
from scumble_protocol.connection import RUNTIME_DIR_VARIABLE, own_runtime_dir, publish, remove_if_ours, runtime_dir
from scumble_protocol.errors import Cancelled, EngineError, RequestError, ScumbleError
from scumble_protocol.messages import (
    FINAL_EVENTS,
    Accepted,
    Cancel,
    Echo,
    Echoed,
    Edit,
    EngineMessage,
    EngineState,
    Failure,
    Goodbye,
    Guess,
    Message,
    Ping,
    Pong,
    Progress,
    Queued,
    Read,
    Sending,
    Submit,
)
from scumble_protocol.pixels import Plane
from scumble_protocol.rules import check_edit, check_text

from .awake import AwakeClock
from .child import Child
from .curve import curve_keys as load_curve_keys
from .device import check_device_name
from .listen import Door, Guest
from .lock import RuntimeLock
from .logs import logging_to, user_log_dir
from .scheduler import Job, JobKey, Limits, Scheduler
from .stopping import stopping_on_signals
from .supervisor import WORKER_COMMAND, Patience, Supervisor

TICK_MS = 250
REFRESH_S = 1.0  # a running job's guest hears from it this often, so that a guest that is gone is noticed
PROBE_S = 5.0
POSITIONS_S = 0.25  # between two tellings of the queue's order: hundreds of jobs may wait, and short ones end often,
TELLING_SHARE = 20  # or so many times as long as the last telling took: it never costs more than a 20th of the time
GUEST_SILENCE_S = 60.0
MANY_FILES = 16_384

log = logging.getLogger(__name__)


class Server:
    """Join door, queue and worker. `run` returns when the engine should exit; it raises what the worker finds wrong with its settings."""

    def __init__(
        self,
        door: Door,
        scheduler: Scheduler,
        supervisor: Supervisor,
        idle_exit_s: float,
        announce: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stopping = False
        self._door = door
        self._scheduler = scheduler
        self._supervisor = supervisor
        self._idle_exit_s = idle_exit_s
        self._announce = announce
        self._announced = ""
        self._clock = clock
        self._used_s = clock()
        self._progress = Progress("", 0, 0)
        self._progress_s = self._told_s = clock()
        self._positions: dict[JobKey, int] = {}
        self._positions_due_s = -math.inf
        self._changes = 0

    def run(self) -> None:
        while not self.stopping:
            self._wait()
            for event in self._supervisor.look_after():
                self._pass_on(event)
            for guest, message in self._door.arrivals(self.state):
                self._answer(guest, message)
            self._see_to_guests()
            self._advance()
            if self._supervisor.refusal is not None:
                self._fail_all(self._supervisor.refusal)
                raise self._supervisor.refusal
            self._announce_worker()
            self._exit_when_idle()

    def stop(self) -> None:
        """Have `run` return after this turn; safe in a signal's handler."""
        self.stopping = True

    def state(self) -> EngineState:
        """Say what the engine is now."""
        worker, trouble = self._supervisor.state, self._supervisor.trouble
        able = self._supervisor.ready or self._supervisor.resting
        phase = "starting" if not able else "busy" if self._scheduler.running else "ready"
        note = trouble.sentence if trouble else worker.note
        return replace(worker, phase=phase, queued=len(self._scheduler), note=note)

    # ---- each turn

    def _wait(self) -> None:
        """Sleep until a socket has something, or a tick has passed."""
        poller = zmq.Poller()
        poller.register(self._door.socket, zmq.POLLIN)
        poller.register(self._door.gate.socket, zmq.POLLIN)
        if self._supervisor.child is not None:
            poller.register(self._supervisor.child.socket, zmq.POLLIN)
        poller.poll(TICK_MS)

    def _see_to_guests(self) -> None:
        """Send what waits, prove that silent guests are still there, and let go of those that are not."""
        now = self._clock()
        running = self._scheduler.running
        if running is not None and now - self._told_s >= REFRESH_S:
            self._tell(running, self._running_progress(now))
        for guest in list(self._door.guests.values()):
            self._door.flush(guest)
            if now - max(guest.heard_s, guest.told_s) >= PROBE_S:
                self._door.send(guest, Pong(0, self.state()))
            if guest.lost or now - guest.heard_s >= GUEST_SILENCE_S or guest.unmoved_s(now) >= GUEST_SILENCE_S:
                self._let_go(guest)

    def _running_progress(self, now: float) -> Progress:
        """Repeat the last progress with the seconds that have gone by since taken off."""
        left_s = self._progress.seconds_left
        if left_s < 0:
            return self._progress
        return replace(self._progress, seconds_left=max(0.0, left_s - (now - self._progress_s)))

    def _advance(self) -> None:
        """Give the worker its next job, and tell those who wait how many are before them."""
        if not self._scheduler.idle:
            self._supervisor.wake()
        if self._supervisor.trouble is not None and self._supervisor.child is None:
            self._fail_all(self._supervisor.trouble)
        while self._supervisor.ready and not self._supervisor.busy and (job := self._scheduler.take()) is not None:
            self._begin(job)
        if self._scheduler.changes != self._changes and self._clock() >= self._positions_due_s:
            self._tell_positions()

    def _tell_positions(self) -> None:
        self._changes, began_s = self._scheduler.changes, self._clock()
        positions = self._scheduler.positions()
        for key, position in positions.items():
            if self._positions.get(key) != position and key[0] in self._door.guests:
                self._door.send(self._door.guests[key[0]], Queued(key[1], position))
        self._positions = positions
        now = self._clock()
        self._positions_due_s = now + max(POSITIONS_S, TELLING_SHARE * (now - began_s))

    def _begin(self, job: Job) -> None:
        """Tell the guest that its job begins and, if that reached it, hand the job to the worker."""
        self._keep_progress(Progress(job.work.job, 0, 0, stage="starting"))
        guest = self._door.guests.get(job.client)
        if guest is not None:
            self._tell(job, self._progress)
        if guest is None or guest.lost:
            self._scheduler.finish()
            return
        log.info("a job of guest %r begins", guest.name)
        self._supervisor.begin(job.work)

    def _announce_worker(self) -> None:
        """Say at the terminal when the worker is ready, and what is wrong with it or its model."""
        state = self.state()
        ready = f"Ready on {state.device}" + ("." if state.note else f", model {state.model}.")
        sentence = " ".join(filter(None, (ready if self._supervisor.ready else "", state.note)))
        if sentence and sentence != self._announced:
            self._announced = sentence
            self._announce(sentence)

    def _exit_when_idle(self) -> None:
        now = self._clock()
        if self._door.guests or not self._scheduler.idle:
            self._used_s = now
        elif now - self._used_s >= self._idle_exit_s:
            log.info("idle for %.0f s: exiting", self._idle_exit_s)
            self.stopping = True

    # ---- what guests say

    def _answer(self, guest: Guest, message: Message) -> None:
        if isinstance(message, Submit | Guess | Read):
            self._queue(guest, message)
        elif isinstance(message, Sending):
            self._expect(guest, message)
        elif isinstance(message, Cancel):
            self._cancel(guest, message.job)
        elif isinstance(message, Echo):
            self._echo(guest, message)
        elif isinstance(message, Ping):
            self._door.send(guest, Pong(message.number, self.state()))
        elif isinstance(message, Goodbye):
            self._let_go(guest)
            self.stopping = self.stopping or message.stop or (message.shutdown and not self._door.guests)

    def _queue(self, guest: Guest, work: Submit | Guess | Read) -> None:
        if self._scheduler.knows((guest.key, work.job)):  # an answer would end the first one of that name
            log.warning("guest %r sent job %r twice", guest.name, work.job)
            return
        try:
            replaced = self._scheduler.add(_checked(guest.key, work), self._door.held(guest))
        except RequestError as exc:
            self._door.send(guest, Failure(work.job, exc.code, exc.sentence))
            return
        self._door.send(guest, Accepted(work.job))
        for job in replaced:
            self._door.send(guest, Failure(job.work.job, "superseded", "A newer preview took this one's place."))

    def _expect(self, guest: Guest, sending: Sending) -> None:
        """Make room for the planes that a guest is about to send, or refuse them before anything is allocated."""
        try:
            self._scheduler.check_room(guest.key, sending.size, self._door.held(guest))
        except RequestError as exc:
            guest.expect("", 0)
            self._door.send(guest, Failure(sending.job, exc.code, exc.sentence))
            return
        guest.expect(sending.job, sending.size)

    def _echo(self, guest: Guest, echo: Echo) -> None:
        try:
            self._scheduler.check_room(guest.key, memoryview(echo.plane.data).nbytes, self._door.held(guest))
        except RequestError as exc:
            self._door.send(guest, Failure(echo.job, exc.code, exc.sentence))
            return
        self._door.send(guest, Echoed(echo.job, echo.plane))

    def _cancel(self, guest: Guest, job: str) -> None:
        key = (guest.key, job)
        if guest.expected == job:
            guest.expect("", 0)
            self._door.send(guest, Failure(job, Cancelled.default_code, Cancelled().sentence))
        waiting = self._scheduler.withdraw(key)
        if waiting is not None:
            self._fail(waiting, Cancelled())
        elif self._scheduler.running is not None and self._scheduler.running.key == key:
            self._supervisor.cancel()

    def _let_go(self, guest: Guest) -> None:
        """Forget a guest; its waiting jobs go with it and its running one is cancelled."""
        self._door.forget(guest)
        self._scheduler.forget_client(guest.key)
        if self._scheduler.running is not None and self._scheduler.running.client == guest.key:
            self._supervisor.cancel()

    # ---- what the worker says

    def _pass_on(self, event: EngineMessage) -> None:
        job = self._scheduler.running
        if job is None:
            return
        if isinstance(event, Progress):
            self._keep_progress(event)
        if isinstance(event, FINAL_EVENTS):
            self._scheduler.finish()
        self._tell(job, event)

    def _keep_progress(self, progress: Progress) -> None:
        self._progress, self._progress_s = progress, self._clock()

    def _tell(self, job: Job, event: EngineMessage) -> None:
        self._told_s = self._clock()
        if job.client in self._door.guests:
            self._door.send(self._door.guests[job.client], event)

    def _fail(self, job: Job, error: ScumbleError) -> None:
        self._tell(job, Failure(job.work.job, error.code, error.sentence))

    def _fail_all(self, error: ScumbleError) -> None:
        running = self._scheduler.finish()
        for job in [*([running] if running else []), *self._scheduler.withdraw_all()]:
            self._fail(job, error)

    def close(self) -> None:
        """Tell whoever still waits that the engine stops, close the door, and end the worker, which may take a while."""
        self._fail_all(EngineError("The engine was stopped before this edit was done.", "engine-stopped"))
        self._door.close()
        self._supervisor.stop()


def serve(
    *,
    model: str = "auto",
    device: str = "auto",
    listen: str = "",
    curve_keys: Path | None = None,
    idle_exit_s: float = 600.0,
    log_dir: Path | None = None,
    announce: Callable[[str], None] = lambda sentence: None,
    worker_command: Sequence[str] = WORKER_COMMAND,
    patience: Patience | None = None,
    limits: Limits | None = None,
) -> None:
    """Be an engine until it is idle for long enough, told to stop (SIGTERM, SIGINT, a guest's shutdown), or can't go on.

    `listen`: "" (this machine's own way), "tcp" (loopback, any port) or an address; one that other machines reach needs
    `curve_keys`, a folder. `announce` is told what a person at a terminal wants to know, a sentence at a time.
    Raises RequestError (a device that is not there, an address that can't be used) and EngineError (another engine runs).
    """
    check_device_name(device)
    curve = load_curve_keys(curve_keys) if curve_keys else None
    _allow_many_files()
    folder, logs = _usable_runtime_dir(), log_dir or user_log_dir()
    lock = RuntimeLock(folder, announce=announce)
    with contextlib.ExitStack() as stack:
        stack.callback(lock.release)
        lock.clear()
        stack.enter_context(logging_to(logs / "engine.log"))
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.term)
        clock = AwakeClock()
        door = Door(context, listen, curve, clock)
        stack.callback(door.close)
        open_child = partial(Child, worker_command, model, device, folder, logs / "worker.log")
        asleep = EngineState(__version__, "starting", model, device, ())
        supervisor = Supervisor(open_child, asleep, patience or Patience(), clock)
        server = Server(door, Scheduler(limits or Limits()), supervisor, idle_exit_s, announce, clock)
        stack.enter_context(stopping_on_signals(server.stop))
        stack.callback(server.close)
        # At the end this comes first of all: who looks for an engine then starts another.
        stack.callback(remove_if_ours, door.info)
        publish(door.info)
        announce(f"The engine listens at {door.address}.")
        _run_logged(server)


def _allow_many_files() -> None:
    """Have room for connections that never get through the door: each is an open file until its time is over."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _usable_runtime_dir() -> Path:
    """Make the runtime folder and try to write there. Raises RequestError or ProtocolError with a sentence."""
    try:
        folder = own_runtime_dir()
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as exc:
        raise RequestError(
            f"The engine can't write to {runtime_dir()} ({exc.strerror}); "
            f"make room there, or set {RUNTIME_DIR_VARIABLE} to another folder.",
            "bad-runtime-dir",
        ) from exc
    return folder


def _run_logged(server: Server) -> None:
    try:
        server.run()
    except ScumbleError:
        raise
    except Exception as exc:
        log.exception("the server failed")
        raise EngineError("The engine stopped because of an error of its own; its log has the details.") from exc


def _checked(client: bytes, work: Submit | Guess | Read) -> Job:
    """Make a job of a request that the rules allow. Raises RequestError."""
    if isinstance(work, Read):
        check_text(work.instruction.text)
        return Job(client, work)
    check_edit(work.edit)
    return Job(client, work, _size(work.edit))


def _size(edit: Edit) -> int:
    """Count the bytes of an edit's planes."""
    planes = [
        edit.picture.plane,
        *(value for cue in edit.cues for value in vars(cue).values() if isinstance(value, Plane)),
    ]
    return sum(memoryview(plane.data).nbytes for plane in planes) + len(edit.picture.icc)
