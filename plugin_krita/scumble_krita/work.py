"""Jobs on the way: finds or starts the engine, sends edits, and hands back what becomes of them. No Qt and no Krita here.

The docker's timer calls `tick`; nothing waits. One final edit a document at a time; only the newest live preview counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from scumble_protocol.client.host import Host
from scumble_protocol.client.lasting import lasting_session
from scumble_protocol.client.launcher import Launcher
from scumble_protocol.client.request import Request
from scumble_protocol.client.run import EditRun
from scumble_protocol.client.session import Session
from scumble_protocol.connection import ConnectionInfo
from scumble_protocol.errors import Cancelled, ScumbleError
from scumble_protocol.messages import Edit, EngineState, Event, Failure, Guessed

from .words import say

STOPPED = "The engine was stopped, and with it this edit. Nothing was changed."
GONE = "The engine stopped. Nothing was changed; press Edit, and it is started again."

EnginePhase = Literal["off", "starting", "ready", "busy", "failed"]


@dataclass
class Job:
    """One edit of one document, from the button on; `run` is None while the engine is still starting."""

    host: Host
    request: Request
    document: str
    replaces: str = ""
    run: EditRun | None = None
    error: ScumbleError | None = None
    begun: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        return self.error is not None or (self.run is not None and self.run.over)

    @property
    def sentence(self) -> str:
        """Why there is no layer; "" when there is one or the job goes on."""
        return plain(self.failure) if self.failure is not None else ""

    @property
    def failure(self) -> ScumbleError | None:
        return self.error or (self.run.error if self.run else None)

    @property
    def cancelled(self) -> bool:
        return isinstance(self.failure, Cancelled)


class Work:
    """Everything between the docker's buttons and the engine."""

    def __init__(
        self,
        client: str,
        launcher: Callable[[], Launcher] = Launcher,
        session: Callable[[ConnectionInfo, str], Session] = lasting_session,
    ) -> None:
        """`client` names the host for people: "krita 5.2.9"."""
        self._client, self._new_launcher, self._new_session = client, launcher, session
        self._launcher: Launcher | None = None
        self._session: Session | None = None
        self._trouble = ""
        self.jobs: dict[str, Job] = {}
        self.finished: list[Job] = []
        self.live: EditRun | None = None
        self._next_live: tuple[Host, Request] | None = None
        self._next_guess: Edit | None = None
        self._guess_job = ""
        self.guessed: tuple[str, ...] = ()

    # ---- what the docker shows --------------------------------------------------------------------------------------

    @property
    def state(self) -> EngineState | None:
        """What the engine last said of itself; None while there is none."""
        return self._session.state if self._session and self._session.phase == "open" else None

    @property
    def phase(self) -> EnginePhase:
        state = self.state
        if state is not None:
            return "starting" if state.phase == "starting" else "busy" if self._is_busy(state) else "ready"
        if self._launcher is not None:
            return "starting"
        return "failed" if self._trouble else "off"

    @property
    def trouble(self) -> str:
        """Why there is no engine, in a sentence; "" when nothing is wrong."""
        return self._trouble

    def _is_busy(self, state: EngineState) -> bool:
        return state.phase == "busy" or bool(self.jobs)

    # ---- what the painter does --------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Have an engine ready soon; does nothing when there is one or one is starting."""
        if self._session is None and self._launcher is None:
            self._trouble = ""
            self._launcher = self._new_launcher()

    def begin(self, host: Host, request: Request, document: str, replaces: str = "") -> Job:
        """Take on an edit; it is sent as soon as there is an engine."""
        self.wake()
        job = self.jobs[document] = Job(host, request, document, replaces)
        return job

    def preview(self, host: Host, request: Request) -> None:
        """Ask for a quick look; an older one that has not been sent is forgotten. Never starts an engine."""
        self._next_live = (host, request)

    def stop_preview(self) -> None:
        """Forget the live preview that is shown or under way."""
        self._next_live = self.live = None

    def guess(self, edit: Edit) -> None:
        """Ask what the strokes show; the answer appears in `guessed`."""
        self._next_guess = edit

    def cancel(self, document: str) -> None:
        """Stop this document's edit; one that has not been sent ends at once."""
        job = self.jobs.get(document)
        if job is None or job.over:
            return
        if job.run is None:
            job.error = Cancelled()
        else:
            job.run.cancel()

    def close(self) -> None:
        """Say goodbye to the engine, which cancels what was under way and goes on for others."""
        session, self._session, self._launcher = self._session, None, None
        if session is not None:
            session.close(timeout_s=0.2)

    def stop_engine(self) -> None:
        """End the engine, so that its memory is free; edits under way are cancelled, and the next one starts it again."""
        session, self._session = self._session, None
        if session is None:
            return
        session.stop_engine(timeout_s=0.2)
        self._lose(Cancelled(STOPPED))
        self._trouble = ""

    # ---- the timer --------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Go on with everything by one small step."""
        self._seek()
        if self._session is not None:
            self._hand_out(self._session)
        if self._session is not None:  # it may have been lost just now
            self._send(self._session)
        for document, job in list(self.jobs.items()):
            if job.over:
                del self.jobs[document]
                self.finished.append(job)

    def _seek(self) -> None:
        """Look for the engine, and notice when it is lost."""
        if self._launcher is None or self._session is not None:
            return
        try:
            info = self._launcher.poll()
        except ScumbleError as error:
            self._lose(error)
            return
        if info is not None:
            self._session = self._new_session(info, self._client)

    def _hand_out(self, session: Session) -> None:
        for event in session.poll():
            if isinstance(event, Failure) and not event.job and session.phase == "lost":
                continue
            self._hand_to_runs(event)
        if session.phase == "lost":
            self._session = None
            self._lose(session.error)

    def _hand_to_runs(self, event: Event) -> None:
        runs = [job.run for job in self.jobs.values() if job.run is not None]
        for run in [*runs, *((self.live,) if self.live else ())]:
            run.take(event)
        if getattr(event, "job", "") == self._guess_job and isinstance(event, Guessed | Failure):
            self._guess_job = ""
            self.guessed = event.words if isinstance(event, Guessed) else ()

    def _send(self, session: Session) -> None:
        if session.phase != "open":
            return
        for job in self.jobs.values():
            if job.run is None and not job.over:
                job.run = _sent(job, session)
        if self._next_live is not None and (self.live is None or self.live.over):
            host, request = self._next_live
            self._next_live = None
            self.live = EditRun(host, session, request, "preview")
        if self._next_guess is not None and not self._guess_job:
            self._guess_job, self._next_guess = session.guess(self._next_guess), None

    def _lose(self, error: ScumbleError | None) -> None:
        """There is no engine: every job that waits for one ends with its sentence, and the next edit looks again."""
        self._launcher, self._session = None, None
        self._trouble = plain(error) if error else say(GONE)
        self.stop_preview()
        self._next_guess, self._guess_job = None, ""
        for job in self.jobs.values():
            if not job.over:
                job.error = error or Cancelled(self._trouble)


def plain(error: ScumbleError) -> str:
    """Return an error's sentence in the painter's language; of a broken connection they need only know what it means."""
    return say(GONE if error.code == "engine-lost" else error.sentence)


def _sent(job: Job, session: Session) -> EditRun | None:
    try:
        return EditRun(job.host, session, job.request)
    except ScumbleError as error:
        job.error = error
        return None
