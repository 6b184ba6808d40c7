"""Drive one run from a terminal: find or start the engine, show progress, take Ctrl+C for a cancel, end in a layer or an error."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from scumble_protocol import __version__
from scumble_protocol.client.host import Host
from scumble_protocol.client.lasting import lasting_session
from scumble_protocol.client.launcher import ENGINE_VARIABLE, find, find_or_start
from scumble_protocol.client.request import Request
from scumble_protocol.client.run import EditRun
from scumble_protocol.client.session import Session
from scumble_protocol.connection import process_alive
from scumble_protocol.errors import Cancelled, EngineError, error_for
from scumble_protocol.messages import Edit, Failure, Guessed, PromptPair

from ..install import scumble_command

OPEN_TIMEOUT_S = 15.0
CANCEL_GRACE_S = 10.0
LOOK_S = 0.1


@dataclass(frozen=True)
class Timings:
    """Seconds from the sending of an edit; `first_preview_s` is None when none came."""

    first_preview_s: float | None
    result_s: float


@contextmanager
def engine_session(stop: bool = False) -> Iterator[Session]:
    """Open a session with the engine that runs, or with a new one. Raises EngineError or ProtocolError.

    With `stop` the engine ends afterwards, unless another program uses it.
    """
    command = None if os.environ.get(ENGINE_VARIABLE) else [*scumble_command(), "engine"]
    session = lasting_session(find_or_start(command), f"scumble {__version__}", command)
    try:
        session.wait_until_open(OPEN_TIMEOUT_S)
        yield session
    finally:
        session.close(shutdown=stop)


def stop_running_engine(timeout_s: float = 15.0) -> bool:
    """End the engine that runs and wait until it is gone; False when there is none. Raises EngineError when it stays."""
    info = find()
    if info is None:
        return False
    session = Session(info, f"scumble {__version__}")
    session.wait_until_open(OPEN_TIMEOUT_S)
    session.stop_engine()
    deadline = time.monotonic() + timeout_s
    while process_alive(info.pid):
        if time.monotonic() > deadline:
            raise EngineError(f"The engine (process {info.pid}) has not stopped; end it by its process.", "engine-hung")
        time.sleep(LOOK_S)
    return True


def conduct(session: Session, host: Host, request: Request, show: Callable[[EditRun], None]) -> tuple[EditRun, Timings]:
    """Send the request and wait until its layer is placed; `show` is called as things change. Raises the run's error.

    Ctrl+C cancels the job and raises Cancelled once the engine has let go of it; a second one does not wait.
    """
    started, previewed = time.monotonic(), None
    run = EditRun(host, session, request)
    try:
        while not run.over:
            _take(session, run)
            if previewed is None and run.preview is not None:
                previewed = time.monotonic() - started
            show(run)
    except KeyboardInterrupt:
        _cancel(session, run)
        raise Cancelled from None
    if run.error is not None:
        raise run.error
    return run, Timings(previewed, time.monotonic() - started)


def reading_line(pair: PromptPair) -> str:
    """Say how words were read: what kind of change, of what, into what."""
    kind = f"Read as {pair.kind}" if pair.kind else "Read"
    return f"{kind}: from “{pair.source}” to “{pair.target}”." if pair.source else f"{kind}: “{pair.target}”."


def ask_guess(session: Session, edit: Edit) -> Guessed:
    """Ask what the strokes of an edit show. Raises the error that the engine answers with."""
    job = session.guess(edit)
    while True:
        for event in session.wait(LOOK_S):
            if isinstance(event, Guessed) and event.job == job:
                return event
            if isinstance(event, Failure) and event.job == job:
                raise error_for(event.code, event.sentence)


def _take(session: Session, run: EditRun) -> None:
    for event in session.wait(LOOK_S):
        run.take(event)
    if not run.over and session.phase in ("lost", "closed") and run.job not in session.live_jobs:
        run.fail(session.error or EngineError("The engine has stopped; try again.", "engine-lost"))


def _cancel(session: Session, run: EditRun) -> None:
    run.cancel()
    deadline = time.monotonic() + CANCEL_GRACE_S
    while not run.over and time.monotonic() < deadline:
        _take(session, run)


class ProgressBar:
    """A bar on the terminal's error stream: stage, share and seconds left. Where that is no terminal, one line at the end.

    It appears with the first that there is to show, and leaves no trace when an error ends it: the sentence speaks alone.
    """

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(30),
            TextColumn("{task.percentage:>3.0f}%  {task.fields[stage]}"),
        )
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task(title, total=1.0, stage="")

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._progress.stop()
            return
        self._progress.live.transient = True
        self._progress.live.stop()

    def show(self, run: EditRun) -> None:
        """Show how far a run is."""
        self.move(run.fraction, _stage(run))

    def move(self, fraction: float, stage: str) -> None:
        """Show a share (0..1; negative: unknown) and what is being done."""
        self._progress.start()  # nothing happens if it has started
        self._progress.update(self._task, completed=max(0.0, fraction), stage=stage)


def _stage(run: EditRun) -> str:
    if run.over:
        return "done" if run.phase == "placed" else run.phase
    if run.phase == "queued" and run.ahead:
        return f"waiting for {run.ahead} other{'s' if run.ahead > 1 else ''}"
    if run.progress is None:
        return "waiting for the engine"
    left = run.progress.seconds_left
    return run.progress.stage + (f", {left:.0f} s left" if left >= 1 else "")
