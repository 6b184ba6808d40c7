"""An edit's walk from request to layer, and every way in which it can end early."""

from __future__ import annotations

import pytest
from client.fake_host import FakeHost, FakeSession, layer_result, painted, patterned
from scumble_protocol.client.recipe import from_json
from scumble_protocol.client.run import EditRun, plan_edit, plan_rerun, poll_all
from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Accepted, Failure, Preview, Progress, Queued, Settings
from scumble_protocol.pixels import Plane

SPOT = Bounds(600, 500, 20, 20)


def erasing_host() -> FakeHost:
    return FakeHost(patterned(900, 800), subtract=painted(900, 800, SPOT))


def started() -> tuple[FakeHost, FakeSession, EditRun]:
    host, session = erasing_host(), FakeSession()
    return host, session, EditRun(host, session, plan_edit(host, settings=Settings(seed=7)))


def test_the_host_is_read_once_and_only_where_the_edit_needs_it() -> None:
    host, session, run = started()
    assert len(host.reads) == 1
    assert host.reads[0].width == 512
    assert session.sent == [(run.job, run.request.edit, "final")]


def test_a_run_shows_queue_progress_and_preview_and_places_its_layer() -> None:
    host, session, run = started()
    session.answer(Accepted(""), Queued("", 2))
    run.poll()
    assert (run.phase, run.ahead, run.fraction) == ("queued", 2, 0.0)
    sketch = Plane(1, 1, 4, "u8", b"\1\2\3\4")
    session.answer(Progress("", 1, 4, 3.0, "filling"), Preview("", Bounds(5, 6, 7, 8), sketch))
    run.poll()
    assert (run.phase, run.fraction, run.progress.stage) == ("working", 0.25, "filling")
    corner = host.reads[0]
    assert run.preview_bounds == Bounds(corner.x + 5, corner.y + 6, 7, 8)
    assert not run.over
    session.answer(layer_result(Bounds(0, 0, 9, 8), notes=("Done by hand.",)))
    run.poll()
    assert (run.phase, run.over, run.fraction, run.sentence) == ("placed", True, 1.0, "")
    assert host.placed == [run.layer]
    assert run.notes == ("Done by hand.",)


def test_a_preview_run_places_nothing() -> None:
    host, session = erasing_host(), FakeSession()
    run = EditRun(host, session, plan_edit(host), "preview")
    session.answer(layer_result(Bounds(0, 0, 9, 8)))
    run.poll()
    assert run.phase == "previewed"
    assert run.layer is not None
    assert run.layer.recipe == ""
    assert host.placed == []


def test_a_failure_ends_the_run_with_its_sentence() -> None:
    host, session, run = started()
    session.answer(Failure("", "engine-memory", "The device ran out of memory."), layer_result(Bounds(0, 0, 9, 8)))
    run.poll()
    assert (run.phase, run.sentence) == ("failed", "The device ran out of memory.")
    assert isinstance(run.error, EngineError)
    assert host.placed == []


def test_cancel_asks_for_this_job_and_waits_for_the_answer() -> None:
    host, session, run = started()
    run.cancel()
    assert session.cancelled == [run.job]
    assert not run.over
    session.answer(Failure("", "cancelled", "The edit was cancelled."))
    run.poll()
    assert run.phase == "cancelled"
    run.cancel()
    assert session.cancelled == [run.job]
    assert host.placed == []


def test_a_document_closed_meanwhile_ends_the_run_with_the_hosts_sentence() -> None:
    host, session, run = started()
    host.closed = True
    session.answer(layer_result(Bounds(0, 0, 9, 8)))
    run.poll()
    assert (run.phase, run.sentence) == ("failed", "The document was closed before the edit was done.")


def test_a_lost_engine_ends_the_run() -> None:
    _, session, run = started()
    session.broken = EngineError("The engine has stopped.", "engine-lost")
    run.poll()
    assert (run.phase, run.sentence) == ("failed", "The engine has stopped.")


def test_an_answer_that_does_not_fit_is_not_placed() -> None:
    host, session, run = started()
    session.answer(layer_result(Bounds(510, 0, 9, 8)))
    run.poll()
    assert run.phase == "failed"
    assert host.placed == []


def test_two_runs_share_a_session_without_touching_each_other() -> None:
    host, session, first = started()
    second = EditRun(host, session, first.request)
    session.answer(layer_result(Bounds(0, 0, 9, 8)), job=second.job)
    session.answer(Progress("", 1, 2), job=first.job)
    poll_all(session, (first, second))
    assert (first.phase, second.phase) == ("working", "placed")
    assert len(host.placed) == 1


def test_a_rerun_sends_the_very_same_edit() -> None:
    host, session, run = started()
    session.answer(layer_result(Bounds(0, 0, 9, 8)))
    run.poll()
    host.subtract = None  # the painter has thrown the strokes away since
    again = plan_rerun(host, from_json(host.placed[0].recipe))
    assert again.edit == run.request.edit
    assert again.made_by == run.result.provenance
    assert again.notes == ()


def test_a_rerun_over_a_changed_picture_says_so() -> None:
    host, session, run = started()
    session.answer(layer_result(Bounds(0, 0, 9, 8)))
    run.poll()
    host.picture = Plane(900, 800, 4, "u8", bytes(900 * 800 * 4))
    again = plan_rerun(host, from_json(host.placed[0].recipe))
    assert "has changed" in again.notes[0]


def test_a_rerun_over_a_smaller_picture_is_refused() -> None:
    host, session, run = started()
    session.answer(layer_result(Bounds(0, 0, 9, 8)))
    run.poll()
    host.picture, host.subtract = patterned(300, 200), None
    with pytest.raises(RequestError, match="300×200 now"):
        plan_rerun(host, from_json(host.placed[0].recipe))
