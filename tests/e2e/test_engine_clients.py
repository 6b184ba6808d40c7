"""Several programs at one engine: turns, ownership, cancels, limits, and those that leave without a word."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting.engine import ActingEngine, edit, events_of, eventually, final_of
from acting.stranger import Stranger
from scumble_protocol.client.session import Session
from scumble_protocol.messages import Accepted, Cancel, Event, Failure, Progress, Queued, Result, Submit

LIMITS = {"jobs_per_client": 4, "bytes_per_client": 2**20, "bytes_in_all": 3 * 2**19}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActingEngine]:
    folder = tmp_path_factory.mktemp("c")
    folder.chmod(0o700)
    with ActingEngine(folder, limits=LIMITS, patience={"cancel_s": 30.0}) as engine:
        yield engine


@pytest.fixture
def one(engine: ActingEngine) -> Iterator[Session]:
    session = engine.session("one")
    yield session
    session.close()


@pytest.fixture
def other(engine: ActingEngine) -> Iterator[Session]:
    session = engine.session("other")
    yield session
    session.close()


def running(session: Session, job: str) -> None:
    """Wait until a job is at work."""
    eventually(lambda: any(isinstance(e, Progress) and e.of and e.job == job for e in session.wait(0.05)))


def all_events(session: Session, jobs: set[str], timeout_s: float = 20.0) -> list[Event]:
    """Collect events until each of these jobs has ended."""
    events: list[Event] = []
    deadline = time.monotonic() + timeout_s
    while jobs and time.monotonic() < deadline:
        for event in session.wait(0.05):
            events.append(event)
            if isinstance(event, Result | Failure):
                jobs = jobs - {event.job}
    assert not jobs, f"still open: {jobs}; {events}"
    return events


def test_waiting_jobs_are_told_how_many_are_before_them_as_that_changes(one: Session, other: Session) -> None:
    first = one.submit(edit("steps 10 0.1"))
    running(one, first)
    second = one.submit(edit("steps 4 0.1"))
    eventually(lambda: any(isinstance(e, Accepted) and e.job == second for e in one.wait(0.05)))
    third = other.submit(edit("steps 1 0"))
    told = [event.position for event in events_of(other, third) if isinstance(event, Queued)]
    assert told in ([1], [1, 0]), "the other client's turn comes before the first one's second job"
    all_events(one, {second})


def test_a_job_can_only_be_cancelled_by_the_client_that_sent_it(one: Session, other: Session) -> None:
    job = one.submit(edit("steps 10 0.1"))
    running(one, job)
    other._live.add(job)  # a session refuses to cancel what it never sent: make it believe that it did
    other.cancel(job)
    assert isinstance(final_of(one, job), Result)


def heard_of(stranger: Stranger, kind: type | tuple[type, ...], timeout_s: float = 20.0) -> Any:
    """Wait for a message of a kind (with a number of steps, where it is progress)."""

    def heard() -> Any:
        message = stranger.hear(0.1)
        return message if isinstance(message, kind) and getattr(message, "of", 1) else None

    return eventually(heard, timeout_s)


def test_a_cancel_hits_neither_another_clients_job_of_that_name_nor_the_next_one(engine: ActingEngine) -> None:
    with Stranger(engine.info) as one, Stranger(engine.info) as other:
        one.enter()
        other.enter()
        one.say(Submit("job-1", edit("steps 100 0.05")))
        heard_of(one, Progress)
        one.say(Cancel("job-1"))
        assert heard_of(one, Failure).code == "cancelled"
        other.say(Submit("job-1", edit("steps 2 0")))
        assert isinstance(heard_of(other, (Result, Failure)), Result)
        one.say(Submit("job-1", edit("steps 2 0")))
        assert isinstance(heard_of(one, (Result, Failure)), Result)


def test_a_waiting_job_is_cancelled_at_once_and_the_running_one_goes_on(one: Session) -> None:
    works = one.submit(edit("steps 10 0.1"))
    running(one, works)
    waits = one.submit(edit("steps 1 0"))
    one.cancel(waits)
    events = all_events(one, {works, waits})
    ends = [event for event in events if isinstance(event, Result | Failure)]
    assert [event.job for event in ends] == [waits, works]
    assert isinstance(ends[0], Failure)
    assert ends[0].code == "cancelled"
    assert isinstance(ends[1], Result)


def test_newer_previews_take_the_place_of_waiting_ones(one: Session) -> None:
    works = one.submit(edit("steps 10 0.1"))
    running(one, works)
    events: list[Event] = []
    previews: list[str] = []

    def accepted() -> bool:
        events.extend(one.wait(0.05))
        return any(isinstance(event, Accepted) and event.job == previews[-1] for event in events)

    for _ in range(4):  # each when the engine has the one before, or the session would not even send that one
        previews.append(one.submit(edit("steps 1 0"), "preview"))
        eventually(accepted)
    open_jobs = {works, *previews} - {event.job for event in events if isinstance(event, Failure)}
    events += all_events(one, open_jobs)
    ends = {event.job: event for event in events if isinstance(event, Result | Failure)}
    assert isinstance(ends[works], Result)
    assert isinstance(ends[previews[-1]], Result)
    for old in previews[:-1]:
        failure = ends[old]
        assert isinstance(failure, Failure)
        assert failure.code == "superseded"


def test_previews_of_two_clients_do_not_replace_each_other(one: Session, other: Session) -> None:
    works = one.submit(edit("steps 5 0.1"))
    running(one, works)
    mine, theirs = one.submit(edit("steps 1 0"), "preview"), other.submit(edit("steps 1 0"), "preview")
    assert isinstance(final_of(other, theirs), Result)
    assert isinstance(final_of(one, mine), Result)


def test_more_jobs_than_one_client_may_have_are_refused_in_words(one: Session) -> None:
    jobs = [one.submit(edit("steps 2 0.2")) for _ in range(6)]
    ends = [event for event in all_events(one, set(jobs)) if isinstance(event, Result | Failure)]
    refused = [event for event in ends if isinstance(event, Failure)]
    assert {event.code for event in refused} == {"too-many-jobs"}
    assert len(refused) == 2
    assert "wait for one to finish" in refused[0].sentence


def test_larger_pictures_than_may_wait_are_refused_in_words(one: Session) -> None:
    failure = final_of(one, one.submit(edit("steps 1 0", side=520)))
    assert isinstance(failure, Failure)
    assert failure.code == "too-many-jobs"
    assert "too large together" in failure.sentence
    assert isinstance(final_of(one, one.submit(edit("steps 1 0", side=500))), Result)


def test_goodbye_cancels_what_was_under_way(engine: ActingEngine, other: Session) -> None:
    leaves = engine.session("leaves")
    job = leaves.submit(edit("steps 1000 0.1"))
    running(leaves, job)
    leaves.submit(edit("steps 1000 0.1"))
    leaves.close()
    started = time.monotonic()
    assert isinstance(final_of(other, other.submit(edit("steps 1 0"))), Result)
    assert time.monotonic() - started < 5


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")
def test_a_client_that_is_killed_does_not_keep_the_worker_busy(engine: ActingEngine, other: Session) -> None:
    """This is what Cancel in GIMP's progress bar does to a plug-in."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from acting.engine import edit; from scumble_protocol.connection import read\n"
        "from scumble_protocol.client.session import Session\n"
        "session = Session(read(), 'killed'); session.wait_until_open(10)\n"
        "job = session.submit(edit('steps 1000 0.1'))\n"
        "while not any(getattr(e, 'of', 0) for e in session.wait(1)): pass\n"
        "print('at work', flush=True); time.sleep(60)"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parents[1])],
        env=os.environ | {"SCUMBLE_RUNTIME_DIR": str(engine.folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with client:
        assert client.stdout is not None
        assert client.stdout.readline() == "at work\n"
        client.kill()
    started = time.monotonic()
    assert isinstance(final_of(other, other.submit(edit("steps 1 0"))), Result)
    assert time.monotonic() - started < 5


def test_an_edit_that_breaks_a_rule_is_refused_by_the_server_too(one: Session) -> None:
    """The client checks first; a client of another making may not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scumble_protocol.client.outgoing.check_edit", lambda edit: None)
        failure = final_of(one, one.submit(edit("   ")))
    assert isinstance(failure, Failure)
    assert failure.code == "empty-text"
