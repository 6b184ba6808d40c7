"""A run at a terminal: it ends in a layer or an error, Ctrl+C cancels the job, and a lost engine does not hang it."""

from __future__ import annotations

import pytest
from client.fake_host import FakeHost, FakeSession, layer_result, painted, patterned
from scumble_engine.headless.conduct import ask_guess, conduct
from scumble_protocol.client.request import Request
from scumble_protocol.client.run import EditRun, plan_edit
from scumble_protocol.errors import Cancelled, EngineError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, Event, Failure, Guessed, Preview, Progress
from scumble_protocol.pixels import Plane


class TerminalSession(FakeSession):
    """A session whose answers come one a wait; at a cancel it answers as an engine does."""

    phase = "open"
    error: EngineError | None = None

    @property
    def live_jobs(self) -> frozenset[str]:
        return frozenset() if self.phase == "lost" else frozenset(job for job, _, _ in self.sent)

    def wait(self, timeout_s: float) -> list[Event]:
        return [self.waiting.pop(0)] if self.waiting else []

    def cancel(self, job: str) -> None:
        super().cancel(job)
        self.answer(Failure("", "cancelled", "The edit was cancelled."), job=job)

    def guess(self, edit: Edit) -> str:
        return self.submit(edit)


def request_of(host: FakeHost) -> Request:
    return plan_edit(host)


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(patterned(64, 64), subtract=painted(64, 64, Bounds(9, 9, 4, 4)))


def nothing(run: EditRun) -> None:
    return None


def test_it_ends_with_the_layer_placed_and_times_the_first_preview(host: FakeHost) -> None:
    session, seen = TerminalSession(), []
    preview = Preview("", Bounds(0, 0, 1, 1), Plane(1, 1, 4, "u8", bytes(4)))
    session.answer(Progress("", 1, 2), preview, layer_result(Bounds(0, 0, 9, 8)))
    run, timings = conduct(session, host, request_of(host), lambda run: seen.append(run.fraction))
    assert host.placed == [run.layer]
    assert seen == [0.5, 0.5, 1.0]
    assert timings.first_preview_s is not None
    assert timings.first_preview_s <= timings.result_s


def test_without_a_preview_there_is_no_time_of_one(host: FakeHost) -> None:
    session = TerminalSession()
    session.answer(layer_result(Bounds(0, 0, 9, 8)))
    assert conduct(session, host, request_of(host), nothing)[1].first_preview_s is None


def test_a_failure_is_raised_as_what_it_was(host: FakeHost) -> None:
    session = TerminalSession()
    session.answer(Failure("", "engine-out-of-memory", "There was no memory left."))
    with pytest.raises(EngineError, match="no memory left"):
        conduct(session, host, request_of(host), nothing)
    assert host.placed == []


def test_ctrl_c_cancels_the_job(host: FakeHost) -> None:
    session = TerminalSession()
    session.answer(Progress("", 1, 9))

    def interrupt(run: EditRun) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Cancelled):
        conduct(session, host, request_of(host), interrupt)
    assert session.cancelled == ["job-1"]
    assert host.placed == []


def test_a_lost_session_ends_the_run(host: FakeHost) -> None:
    session = TerminalSession()
    session.phase, session.error = "lost", EngineError("The engine has stopped answering.", "engine-lost")
    with pytest.raises(EngineError, match="stopped answering"):
        conduct(session, host, request_of(host), nothing)


def test_a_guess_is_waited_for_and_its_failure_raised(host: FakeHost) -> None:
    session, edit = TerminalSession(), request_of(host).edit
    session.answer(Guessed("", ("tree",), (0.9,)), job="another")
    session.answer(Guessed("", ("apple",), (0.8,)))
    assert ask_guess(session, edit).words == ("apple",)
    session.answer(Failure("", "engine-failed", "No guesser."), job="job-2")
    with pytest.raises(EngineError, match="No guesser"):
        ask_guess(session, edit)
