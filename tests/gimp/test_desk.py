"""The desk: from a request to its end with an engine that is there, starts late, can't be started, or dies. Without GIMP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import scumble_gimp.desk as desk_module
from scumble_gimp.desk import Desk, engine_line, progress_line
from scumble_protocol.client.host import Canvas, LayerPlan, Marks, Snapshot
from scumble_protocol.client.request import Request, build
from scumble_protocol.connection import ConnectionInfo
from scumble_protocol.errors import Cancelled, EngineError, RequestError
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import (
    Edit,
    EngineState,
    Event,
    Failure,
    Guessed,
    Handle,
    Progress,
    Provenance,
    Purpose,
    Queued,
    Result,
)
from scumble_protocol.pixels import Picture, Plane

SIZE = Bounds(0, 0, 8, 8)
INFO = ConnectionInfo("ipc:///nowhere", bytes(32), 1, "0", (1,), 0.0)
STATE = EngineState("0", "ready", "a model", "cpu", ("Handle", "AddStrokes"))
MADE_BY = Provenance("0", "warp", "none", "", "", 0, 0, "cpu")


class Host:
    """A host that keeps what is placed, or refuses it."""

    def __init__(self, refuses: str = "") -> None:
        self.placed: list[LayerPlan] = []
        self._refuses = refuses

    def canvas(self) -> Canvas:
        return Canvas("1", SIZE, "2", "Background", SIZE)

    def marks(self) -> Marks:
        return Marks()

    def read(self, canvas: Canvas, bounds: Bounds) -> Snapshot:
        raise NotImplementedError

    def place(self, plan: LayerPlan) -> None:
        if self._refuses:
            raise RequestError(self._refuses)
        self.placed.append(plan)


class Session:
    """A session that says what the test gives it."""

    def __init__(self) -> None:
        self.phase = "open"
        self.state = STATE
        self.sent: list[Edit] = []
        self.cancelled: list[str] = []
        self.events: list[Event] = []
        self.closed = self.stopped = False

    def submit(self, edit: Edit, purpose: Purpose = "final") -> str:
        self.sent.append(edit)
        return "job"

    def guess(self, edit: Edit) -> str:
        return "guess"

    def cancel(self, job: str) -> None:
        self.cancelled.append(job)

    def poll(self) -> Sequence[Event]:
        events, self.events = self.events, []
        return events

    def close(self) -> None:
        self.closed = True

    def stop_engine(self) -> None:
        self.stopped, self.phase = True, "closed"
        self.events.append(Failure("job", "cancelled", "The session was closed."))


class Search:
    """A launcher that answers after some polls, or with an error."""

    def __init__(self, polls: int = 0, error: EngineError | None = None) -> None:
        self._polls, self._error = polls, error

    def poll(self) -> ConnectionInfo | None:
        if self._error:
            raise self._error
        self._polls -= 1
        return INFO if self._polls < 0 else None


def request() -> Request:
    plane = Plane(8, 8, 4, "u8", bytes(256))
    drag = Handle(Point(1, 1), Point(5, 5))
    return build(Snapshot(Host().canvas(), SIZE, Picture(plane), handles=(drag,)))


def result() -> Result:
    return Result("job", SIZE, Plane(8, 8, 4, "u8", bytes(256)), MADE_BY)


@pytest.fixture
def engine_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that can be found."""
    monkeypatch.setattr(desk_module, "find", lambda: INFO)


@pytest.fixture
def session() -> Session:
    return Session()


def desk_with(session: Session, search: Search | None = None) -> Desk:
    found = search or Search()
    return Desk("test", lambda: found, lambda _info, _client: session)  # type: ignore[arg-type,return-value]


def test_an_edit_is_sent_and_its_result_placed(session: Session) -> None:
    desk, host = desk_with(session), Host()
    desk.begin(host, request())
    session.events = [Progress("job", 1, 4, 3.2, "dragging")]
    desk.tick()
    status, fraction, phase = desk.status, desk.fraction, desk.phase
    session.events = [result()]
    desk.tick()

    assert (status, fraction, phase) == ("dragging – 3 seconds left", 0.25, "busy")
    assert desk.over
    assert desk.error is None
    assert [plan.name for plan in host.placed] == ["Drag 1 handle"]
    assert (desk.status, desk.phase) == ("", "ready")


def test_an_engine_that_starts_late_is_waited_for_without_blocking(session: Session) -> None:
    desk = desk_with(session, Search(polls=2))
    desk.begin(Host(), request())
    before = (desk.phase, desk.status, len(session.sent))
    desk.tick()
    desk.tick()

    assert before == ("starting", "Starting the engine…", 0)
    assert len(session.sent) == 1


def test_an_engine_that_cannot_be_started_ends_the_edit_with_its_sentence(session: Session) -> None:
    desk = desk_with(session, Search(error=EngineError("There is no engine.", "engine-not-found")))
    desk.begin(Host(), request())

    assert desk.over
    assert desk.error is not None
    assert desk.error.sentence == "There is no engine."
    assert desk.phase == "off"


def test_taking_up_a_tool_wakes_the_engine_once_and_stays_silent_when_there_is_none(session: Session) -> None:
    desk = desk_with(session, Search(polls=2))
    desk.wake()
    desk.tick()
    assert (desk.phase, desk.over) == ("starting", True)
    for _ in range(3):
        desk.tick()
    assert (desk.phase, session.sent) == ("ready", [])

    session.phase = "lost"
    desk.tick()
    desk.tick()
    assert desk.phase == "off"  # nobody has asked for it again

    without = desk_with(session, Search(error=EngineError("Install it.")))
    without.wake()
    without.tick()
    assert (without.phase, without.error, without.over) == ("off", None, True)


def test_what_waits_before_it_is_said(session: Session) -> None:
    desk = desk_with(session)
    desk.begin(Host(), request())
    session.events = [Queued("job", 2)]
    desk.tick()

    assert desk.status == "2 edits before this one"
    assert desk.fraction < 0


def test_a_lost_engine_is_said_plainly_and_the_next_edit_looks_for_a_new_one(session: Session) -> None:
    searches = [Search(), Search()]
    desk = Desk("test", lambda: searches.pop(0), lambda _info, _client: session)  # type: ignore[arg-type,return-value]
    desk.begin(Host(), request())
    session.events, session.phase = [Failure("job", "engine-lost", "ipc:///tmp/x was closed")], "lost"
    desk.tick()

    assert desk.over
    assert desk.error is not None
    assert desk.error.sentence.startswith("The engine has stopped; nothing was changed.")
    session.phase = "open"
    desk.begin(Host(), request())
    assert searches == []
    assert len(session.sent) == 2


def test_an_engine_that_was_lost_between_two_edits_is_not_sent_to(session: Session) -> None:
    other = Session()
    sessions = [session, other]
    desk = Desk("test", Search, lambda _info, _client: sessions.pop(0))  # type: ignore[arg-type,return-value]
    desk.begin(Host(), request())
    session.events = [result()]
    desk.tick()
    session.phase = "lost"
    desk.begin(Host(), request())

    assert (len(session.sent), len(other.sent)) == (1, 1)
    assert desk.error is None


def test_an_engine_that_does_not_let_us_in_is_not_asked_again_and_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[ConnectionInfo] = []
    monkeypatch.setattr(desk_module, "find", lambda: INFO)
    desk = Desk("test", Search, lambda info, _client: opened.append(info) or session)  # type: ignore[arg-type,return-value,func-returns-value]
    session.phase, session.state = "lost", None  # type: ignore[assignment]
    for _ in range(3):
        desk.look_around()
        desk.tick()

    assert opened == [INFO]


def test_cancel_before_and_after_sending(session: Session) -> None:
    waiting = desk_with(session, Search(polls=9))
    waiting.begin(Host(), request())
    waiting.cancel()
    sent = desk_with(session)
    sent.begin(Host(), request())
    sent.cancel()

    assert isinstance(waiting.error, Cancelled)
    assert waiting.over
    assert session.cancelled == ["job"]
    assert not sent.over  # the engine has the last word


def test_a_host_that_refuses_the_layer_is_an_error_not_a_success(session: Session) -> None:
    desk = desk_with(session)
    desk.begin(Host("The picture was closed; nothing was changed."), request())
    session.events = [result()]
    desk.tick()

    assert desk.over
    assert desk.error is not None
    assert desk.error.sentence == "The picture was closed; nothing was changed."


def test_a_host_that_breaks_over_the_layer_ends_the_edit_with_a_line(session: Session) -> None:
    host = Host()
    host.place = lambda plan: None + 1  # type: ignore[method-assign,operator]
    desk = desk_with(session)
    desk.begin(host, request())
    session.events = [result()]
    desk.tick()

    assert desk.over
    assert desk.error is not None
    assert desk.error.sentence.startswith("Scumble failed inside: TypeError: ")


def test_a_guess_is_kept_only_for_what_was_asked(session: Session) -> None:
    desk = desk_with(session)
    desk.begin(Host(), request())
    session.events = [result()]
    desk.tick()
    desk.guess(request())
    session.events = [Guessed("other", ("dog",), (0.5,)), Guessed("guess", ("cat", "fox"), (0.6, 0.2))]
    desk.tick()

    assert desk.guessed == "cat"


def test_a_guess_is_forgotten_with_what_was_drawn(session: Session) -> None:
    desk = desk_with(session)
    desk.begin(Host(), request())
    session.events.append(result())
    desk.tick()

    desk.guess(request())
    desk.forget_guess()
    session.events.append(Guessed("guess", ("late",), (1.0,)))
    desk.tick()

    assert desk.guessed == ""


@pytest.mark.usefixtures("engine_file")
def test_stopping_the_engine_cancels_the_edit_and_does_not_go_back_to_it(session: Session) -> None:
    desk = desk_with(session)
    desk.begin(Host(), request())
    desk.stop_engine()
    for _ in range(2):
        desk.tick()
        desk.look_around()  # its file is there for a moment still

    assert session.stopped
    assert isinstance(desk.error, Cancelled)
    assert (desk.over, desk.phase) == (True, "off")


def test_an_edit_that_waits_for_an_engine_is_cancelled_when_it_is_stopped(session: Session) -> None:
    desk = desk_with(session, Search(polls=9))
    desk.begin(Host(), request())
    desk.stop_engine()

    assert isinstance(desk.error, Cancelled)
    assert desk.phase == "off"


def test_after_a_stop_the_next_edit_finds_an_engine_again(session: Session) -> None:
    opened = [session, Session()]
    desk = Desk("test", Search, lambda _info, _client: opened.pop(0))  # type: ignore[arg-type,return-value]
    desk.begin(Host(), request())
    desk.stop_engine()
    desk.tick()
    desk.begin(Host(), request())

    assert opened == []
    assert desk.status == "Sent…"


def test_closing_leaves_the_engine(session: Session) -> None:
    desk = desk_with(session)
    desk.begin(Host(), request())
    desk.close()
    assert session.closed


@pytest.mark.parametrize(
    ("stage", "seconds", "line"),
    [
        ("filling", -1, "filling"),
        ("", 0.2, "1 second left"),
        ("", -1, ""),
        ("filling", 61.0, "filling – 61 seconds left"),
    ],
)
def test_progress_is_said_only_as_far_as_it_is_known(stage: str, seconds: float, line: str) -> None:
    assert progress_line(stage, seconds) == line


def test_the_engine_is_named_with_its_model() -> None:
    assert engine_line("ready", STATE) == "Engine: ready – a model (cpu)"
    assert engine_line("busy", replace(STATE, model="auto")) == "Engine: busy – Scumble's own models (cpu)"
    assert engine_line("off", None) == "Engine: off"
