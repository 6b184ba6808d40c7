"""From a request to its end: find or start the engine, send, and be asked how it goes. Polled; never waits; no GIMP, no GTK."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Literal, Protocol

from scumble_protocol.client.host import Host
from scumble_protocol.client.lasting import lasting_session
from scumble_protocol.client.launcher import Launcher, find
from scumble_protocol.client.request import Request
from scumble_protocol.client.run import EditRun
from scumble_protocol.client.session import Session
from scumble_protocol.connection import ConnectionInfo
from scumble_protocol.errors import Cancelled, EngineError, ScumbleError
from scumble_protocol.messages import EngineState, Event, Guessed
from scumble_protocol.pixels import Plane

from .wording import _, aloud, counted, failed_inside

LOST = "engine-lost"
Phase = Literal["off", "starting", "ready", "busy"]


class Search(Protocol):
    """What a desk needs of `client.launcher.Launcher`."""

    def poll(self) -> ConnectionInfo | None: ...


class Desk:
    """One edit at a time. Call `tick` from a timer; read `over`, `fraction`, `status`, `error` and `run` between ticks."""

    def __init__(
        self,
        client: str,
        search: Callable[[], Search] = Launcher,
        connect: Callable[[ConnectionInfo, str], Session] = lasting_session,
    ) -> None:
        """`client` names the host for people, e.g. "gimp 3.0.4"."""
        self.run: EditRun | None = None
        self.error: ScumbleError | None = None
        self.guessed = ""
        self._client = client
        self._search, self._connect = search, connect
        self._launcher: Search | None = None  # kept: it is the parent of the engine that it started
        self._searching = False
        self._wanted = False
        self._info: ConnectionInfo | None = None
        self._closed_to_us: ConnectionInfo | None = None
        self._session: Session | None = None
        self._waiting: tuple[Host, Request] | None = None
        self._guess_job = ""

    # ---- doing ------------------------------------------------------------------------------------------------------

    def look_around(self) -> None:
        """Connect to an engine that runs already, so that its state can be shown. Never starts one."""
        info = find() if self._session is None and not self._searching else None
        if info is not None and info != self._closed_to_us:
            self._open(info)

    def wake(self) -> None:
        """Have an engine ready soon; why there is none is for the edit to say that will need it."""
        self._wanted = self._session is None

    def begin(self, host: Host, request: Request) -> None:
        """Take an edit; it is sent as soon as there is an engine. The one before must be over."""
        assert self.over, "one edit at a time"
        self.run, self.error = None, None
        self._waiting = (host, request)
        self.tick()

    def tick(self) -> None:
        """Advance a little. What goes wrong ends the edit with a sentence in `error`; nothing is raised."""
        self._leave_lost_engine()
        try:
            self._reach_engine()
            self._send()
        except ScumbleError as error:
            self._give_up(error)
        if self._session:
            self._take_news(self._session)
        self._leave_lost_engine()

    def _leave_lost_engine(self) -> None:
        """Let go of a session that has ended, once no event of our edit is left in it."""
        if self._session is None or self._session.phase not in ("lost", "closed") or not self._sent_is_over:
            return
        if self._session.state is None:  # it never let us in: another version, another key
            self._closed_to_us = self._info
        self._session = None

    @property
    def _sent_is_over(self) -> bool:
        return self.run is None or self.run.over

    def _take_news(self, session: Session) -> None:
        events = session.poll()
        self._take_guess(events)
        if self.run:
            for event in events:
                _take(self.run, event)
            self.error = _in_plain_words(self.run.error)

    def cancel(self) -> None:
        """Stop the edit; it is over when the engine says so, or at once when it was not sent yet."""
        if self._waiting:
            self._give_up(Cancelled())
        elif self.run:
            self.run.cancel()

    def close(self) -> None:
        """Leave the engine, which cancels what it still does for us."""
        if self._session:
            self._session.close()
        self._session, self._searching, self._wanted = None, False, False

    def stop_engine(self) -> None:
        """End the engine, whoever uses it; what is under way is cancelled. The next edit starts another."""
        self.cancel()
        self._searching = self._wanted = False
        if self._session:
            self._session.stop_engine()
            self._closed_to_us = self._info  # it takes a moment to be gone

    def _reach_engine(self) -> None:
        if self._session or not (self._waiting or self._wanted):
            return
        if self._launcher is None or not self._searching:
            self._launcher, self._searching = self._search(), True
        info = self._launcher.poll()
        if info is not None:
            self._open(info)

    def _open(self, info: ConnectionInfo) -> None:
        self._searching = self._wanted = False
        self._info, self._session = info, self._connect(info, self._client)

    def _send(self) -> None:
        if self._session and self._waiting:
            host, request = self._waiting
            self.run = EditRun(host, self._session, request)
            self._waiting = None

    def _give_up(self, error: ScumbleError) -> None:
        if self._waiting:
            self.error = error
        self._waiting, self._searching, self._wanted = None, False, False

    def guess(self, request: Request) -> None:
        """Ask what the strokes show, if the engine is there and can say; `guessed` has the answer later."""
        if self._session and self.over and self.state and "AddStrokes" in self.state.cues:
            self._guess_job = self._session.guess(request.edit)

    def forget_guess(self) -> None:
        """Nothing is drawn any more: neither what was guessed nor an answer that is still to come counts."""
        self.guessed, self._guess_job = "", ""

    def _take_guess(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Guessed) and event.job == self._guess_job:
                self.guessed = event.words[0] if event.words else ""

    # ---- telling ----------------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        return self._waiting is None and self._sent_is_over

    @property
    def phase(self) -> Phase:
        """What the engine is, as far as we know."""
        if self._waiting or self._searching:
            return "starting"
        if self._session is None or self.state is None:
            return "off"
        if not self.over or self.state.phase == "busy":
            return "busy"
        return "ready" if self.state.phase == "ready" else "starting"

    @property
    def state(self) -> EngineState | None:
        return self._session.state if self._session else None

    @property
    def preview(self) -> Plane | None:
        """The newest rough look at the layer to come, sRGB u8 RGBA."""
        return self.run.preview.plane if self.run and self.run.preview else None

    @property
    def fraction(self) -> float:
        """How much of the edit is done, 0..1; negative while that can't be said."""
        return self.run.fraction if self.run and self.run.phase == "working" else -1.0

    @property
    def status(self) -> str:
        """One line about the edit that is under way ("" when none is)."""
        if self._waiting:
            return _("Starting the engine…")
        run = self.run
        if run is None or run.over:
            return ""
        if run.phase != "working" or run.progress is None:
            return (
                counted(run.ahead, "{number} edit before this one", "{number} edits before this one")
                if run.ahead
                else _("Sent…")
            )
        return progress_line(run.progress.stage, run.progress.seconds_left)


def _take(run: EditRun, event: Event) -> None:
    """Hand on what has come in; where the host breaks over it, the edit is over, and says so."""
    try:
        run.take(event)
    except Exception as error:
        traceback.print_exc()
        run.fail(EngineError(failed_inside(error), "plug-in-failed"))


def _in_plain_words(error: ScumbleError | None) -> ScumbleError | None:
    """Say that the engine is gone without the address of its socket."""
    if error is None or error.code != LOST:
        return error
    return EngineError(
        _("The engine has stopped; nothing was changed. Press Edit again: a new one will be started."), LOST
    )


def progress_line(stage: str, seconds_left: float) -> str:
    """Say what is being done and how long it may take ("" for nothing known)."""
    stage = aloud(stage)
    if seconds_left < 0:
        return stage
    left = counted(max(1, round(seconds_left)), "{number} second left", "{number} seconds left")
    return f"{stage} – {left}" if stage else left


def engine_line(phase: Phase, state: EngineState | None) -> str:
    """Say what the engine is, for the foot of the panel."""
    words = {"off": _("off"), "starting": _("starting"), "ready": _("ready"), "busy": _("busy")}
    line = _("Engine: {state}").format(state=words[phase])
    if state is None or not state.model:
        return line
    model = _("Scumble's own models") if state.model == "auto" else state.model
    return f"{line} – {model} ({state.device})"
