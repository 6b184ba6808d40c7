"""Who runs next, without any process."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scumble_engine.scheduler import PREVIEWS_IN_A_ROW, Job, Limits, Scheduler
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Edit, Guess, Instruction, Purpose, Read, Submit
from scumble_protocol.pixels import Picture, Plane

EDIT = Edit(Picture(Plane(1, 1, 1, "u8", b"\0")), (Instruction("x"),))


def job(client: str, name: str, purpose: Purpose = "final", size: int = 0) -> Job:
    return Job(client.encode(), Submit(name, EDIT, purpose), size)


def drained(scheduler: Scheduler) -> list[str]:
    order = []
    while (taken := scheduler.take()) is not None:
        order.append(taken.work.job)
        scheduler.finish()
    return order


def test_clients_take_turns_however_many_jobs_one_of_them_sends() -> None:
    scheduler = Scheduler()
    for name in ("a1", "a2", "a3"):
        scheduler.add(job("a", name))
    scheduler.add(job("b", "b1"))
    scheduler.add(job("c", "c1"))
    assert drained(scheduler) == ["a1", "b1", "c1", "a2", "a3"]


def test_a_client_that_was_served_does_not_jump_the_line_by_sending_again() -> None:
    scheduler = Scheduler()
    scheduler.add(job("a", "a1"))
    scheduler.add(job("b", "b1"))
    assert scheduler.take() == job("a", "a1")
    scheduler.add(job("a", "a2"))
    scheduler.finish()
    assert drained(scheduler) == ["b1", "a2"]


def test_a_client_that_was_never_served_goes_before_one_that_was() -> None:
    scheduler = Scheduler()
    scheduler.add(job("a", "a1"))
    scheduler.take()
    scheduler.add(job("a", "a2"))
    scheduler.add(job("b", "b1"))
    scheduler.finish()
    assert drained(scheduler) == ["b1", "a2"]


def test_a_session_for_every_edit_does_not_go_before_a_painter_who_waits() -> None:
    """Two programs that greet anew for each edit, one painter with one job: the painter's turn comes after those who were there."""
    scheduler = Scheduler()
    scheduler.add(job("painter", "an hour ago"))
    assert drained(scheduler) == ["an hour ago"]
    for loop in "xy":
        scheduler.add(job(f"{loop}0", "loop"))
    scheduler.take()
    scheduler.add(job("painter", "mine"))
    waited = 0
    for number in range(1, 1000):
        scheduler.finish()
        taken = scheduler.take()
        assert taken is not None
        if taken.work.job == "mine":
            break
        scheduler.forget_client(taken.client)
        scheduler.add(job(f"x{number}", "loop"))
        waited += 1
    assert waited <= 2


def test_an_old_client_is_not_passed_by_newcomers_either() -> None:
    scheduler = Scheduler()
    scheduler.add(job("painter", "first"))
    assert drained(scheduler) == ["first"]
    scheduler.add(job("other", "running"))
    scheduler.take()
    scheduler.add(job("painter", "mine"))
    for number in range(5):
        scheduler.add(job(f"new{number}", f"new{number}"))
    scheduler.finish()
    assert drained(scheduler)[0] == "mine"


def test_the_order_of_a_full_house_is_found_in_milliseconds() -> None:
    """By the processor's time, so that a busy machine does not matter; picking over all jobs each time took 97 ms for 480."""
    scheduler = Scheduler(Limits(jobs_per_client=64))
    for client in range(32):
        for number in range(64):
            scheduler.add(job(str(client), str(number)))
    started = time.thread_time()
    positions = scheduler.positions()
    assert time.thread_time() - started < 0.1
    assert sorted(positions.values()) == list(range(2048))
    assert [key[0] for key, _ in sorted(positions.items(), key=lambda item: item[1])][:32] == [
        str(client).encode() for client in range(32)
    ]


@pytest.mark.parametrize(
    "quick",
    [Submit("quick", EDIT, "preview"), Guess("quick", EDIT), Read("quick", Instruction("make it green"))],
    ids=lambda work: type(work).__name__,
)
def test_quick_work_goes_before_layers_of_every_client(quick: Submit | Guess | Read) -> None:
    scheduler = Scheduler()
    scheduler.add(job("a", "a1"))
    scheduler.add(job("b", "b1"))
    scheduler.add(Job(b"b", quick))
    assert drained(scheduler) == ["quick", "a1", "b1"]


def test_a_stream_of_previews_does_not_starve_a_layer() -> None:
    scheduler = Scheduler()
    scheduler.add(job("a", "layer"))
    order = []
    for number in range(PREVIEWS_IN_A_ROW + 3):
        scheduler.add(job("b", f"p{number}", "preview"))
        taken = scheduler.take()
        assert taken is not None
        order.append(taken.work.job)
        scheduler.finish()
    assert order.index("layer") == PREVIEWS_IN_A_ROW


def test_a_preview_replaces_the_same_clients_waiting_previews_and_nothing_else() -> None:
    scheduler = Scheduler()
    scheduler.add(job("a", "running", "preview"))
    scheduler.take()
    scheduler.add(job("a", "old", "preview"))
    scheduler.add(job("a", "layer"))
    scheduler.add(job("b", "other", "preview"))
    assert scheduler.add(job("a", "new", "preview")) == [job("a", "old", "preview")]
    assert scheduler.running == job("a", "running", "preview")
    scheduler.finish()
    assert sorted(drained(scheduler)) == ["layer", "new", "other"]


def test_a_guess_is_not_replaced_by_a_preview() -> None:
    scheduler = Scheduler()
    scheduler.add(Job(b"a", Guess("guess", EDIT)))
    assert scheduler.add(job("a", "new", "preview")) == []


def test_nothing_is_taken_while_a_job_runs() -> None:
    scheduler = Scheduler()
    scheduler.add(job("a", "a1"))
    scheduler.add(job("a", "a2"))
    assert scheduler.take() is not None
    assert scheduler.take() is None
    assert scheduler.finish() == job("a", "a1")
    assert scheduler.take() == job("a", "a2")


def test_only_its_own_client_can_withdraw_a_job() -> None:
    scheduler = Scheduler()
    scheduler.add(job("a", "same name"))
    assert scheduler.withdraw((b"b", "same name")) is None
    assert len(scheduler) == 1
    assert scheduler.withdraw((b"a", "same name")) == job("a", "same name")
    assert scheduler.idle


def test_the_same_name_of_two_clients_is_two_jobs() -> None:
    scheduler = Scheduler()
    scheduler.add(job("a", "x"))
    assert scheduler.knows((b"a", "x"))
    assert not scheduler.knows((b"b", "x"))
    scheduler.add(job("b", "x"))
    assert len(scheduler) == 2


def test_a_client_that_leaves_takes_its_waiting_jobs_along() -> None:
    scheduler = Scheduler()
    for client, name in (("a", "a1"), ("b", "b1"), ("a", "a2")):
        scheduler.add(job(client, name))
    scheduler.take()
    scheduler.forget_client(b"a")
    assert scheduler.running == job("a", "a1")  # that one is the worker's to stop
    scheduler.finish()
    assert drained(scheduler) == ["b1"]


def test_positions_count_the_running_job_and_all_that_come_before() -> None:
    scheduler = Scheduler()
    for name in ("a1", "a2"):
        scheduler.add(job("a", name))
    scheduler.take()
    scheduler.add(job("b", "b1"))
    scheduler.add(job("b", "p", "preview"))
    assert scheduler.positions() == {(b"b", "p"): 1, (b"a", "a2"): 2, (b"b", "b1"): 3}


def test_too_many_jobs_of_one_client_are_refused_in_words_and_others_are_served() -> None:
    scheduler = Scheduler(Limits(jobs_per_client=2))
    scheduler.add(job("a", "a1"))
    scheduler.add(job("a", "a2"))
    with pytest.raises(RequestError, match="already holds 2 of your edits") as refused:
        scheduler.add(job("a", "a3"))
    assert refused.value.code == "too-many-jobs"
    scheduler.add(job("b", "b1"))
    assert len(scheduler) == 3


def test_a_preview_that_replaces_another_fits_where_one_more_job_would_not() -> None:
    scheduler = Scheduler(Limits(jobs_per_client=1))
    scheduler.add(job("a", "old", "preview"))
    scheduler.add(job("a", "new", "preview"))
    assert drained(scheduler) == ["new"]


@pytest.mark.parametrize("client", ["a", "b"], ids=["its own share", "everybody's share"])
def test_too_many_bytes_are_refused(client: str) -> None:
    scheduler = Scheduler(Limits(bytes_per_client=100, bytes_in_all=150))
    scheduler.add(job("a", "a1", size=90))
    with pytest.raises(RequestError, match="too large together"):
        scheduler.add(job(client, "x", size=61))
    assert len(scheduler) == 1


def test_a_refused_preview_leaves_the_older_one_waiting() -> None:
    scheduler = Scheduler(Limits(bytes_per_client=100))
    scheduler.add(job("a", "old", "preview", size=50))
    with pytest.raises(RequestError):
        scheduler.add(job("a", "new", "preview", size=101))
    assert drained(scheduler) == ["old"]


STEP = st.one_of(
    st.tuples(st.just("add"), st.sampled_from("abc"), st.sampled_from(["final", "preview"])),
    st.tuples(st.sampled_from(["take", "finish"]), st.just(""), st.just("")),
    st.tuples(st.sampled_from(["forget", "withdraw"]), st.sampled_from("abc"), st.just("")),
)


@given(st.lists(STEP, max_size=60))
def test_positions_tell_the_order_in_which_jobs_are_really_taken(steps: list[tuple[str, str, str]]) -> None:
    scheduler = Scheduler(Limits(jobs_per_client=5))
    for number, (what, client, purpose) in enumerate(steps):
        _do(scheduler, what, client, purpose, number)
    promised = sorted(scheduler.positions().items(), key=lambda item: item[1])
    first = 0 if scheduler.running is None else 1
    assert [position for _, position in promised] == list(range(first, first + len(promised)))
    scheduler.finish()
    assert drained(scheduler) == [key[1] for key, _ in promised]


def _do(scheduler: Scheduler, what: str, client: str, purpose: str, number: int) -> None:
    if what == "add":
        try:
            scheduler.add(job(client, str(number), "preview" if purpose == "preview" else "final"))
        except RequestError:
            assert sum(key[0] == client.encode() for key in scheduler.positions()) >= 4
    elif what == "take":
        scheduler.take()
    elif what == "finish":
        scheduler.finish()
    elif what == "forget":
        scheduler.forget_client(client.encode())
    else:
        scheduler.withdraw((client.encode(), str(number - 1)))
