"""The real server and worker processes: what happens to a job when its worker dies, hangs, or is told to stop."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from acting.engine import ActingEngine, edit, events_of, eventually, final_of
from scumble_protocol.client.session import Session
from scumble_protocol.errors import AskedBack, error_for
from scumble_protocol.messages import (
    Accepted,
    Failure,
    Guessed,
    Preview,
    Progress,
    PromptPair,
    Reading,
    Result,
)

# short, but no shorter than a busy machine needs to start a Python process
PATIENCE = {"silence_s": 2.5, "step_s": 4.0, "cancel_s": 1.0, "heartbeat_s": 0.2}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActingEngine]:
    folder = tmp_path_factory.mktemp("e")
    folder.chmod(0o700)
    with ActingEngine(folder, patience=PATIENCE) as engine:
        yield engine


@pytest.fixture
def session(engine: ActingEngine) -> Iterator[Session]:
    session = engine.session()
    yield session
    session.close()


def works(session: Session) -> bool:
    return isinstance(final_of(session, session.submit(edit("steps 1 0"))), Result)


def worker_pid(session: Session) -> int:
    result = final_of(session, session.submit(edit("pid")))
    assert isinstance(result, Result)
    return int(result.notes[0])


def begun(session: Session, job: str) -> bool:
    return any(isinstance(event, Progress) and event.of > 0 and event.job == job for event in session.wait(0.1))


def test_what_is_not_surely_read_comes_back_with_both_prompts_filled_in(session: Session) -> None:
    asked = final_of(session, session.submit(edit("unsure")))
    assert isinstance(asked, Failure)
    assert (asked.code, asked.reading) == ("unsure-reading", PromptPair("a horse", "a gallop horse"))
    error = error_for(asked.code, asked.sentence, asked.reading)
    assert isinstance(error, AskedBack)
    assert error.reading == asked.reading


def test_an_edit_streams_progress_and_previews_and_ends_in_its_result(session: Session) -> None:
    asked = edit("steps 4 0.05")
    events = []
    job = session.submit(asked)
    deadline = time.monotonic() + 20
    while not (events and isinstance(events[-1], Result)) and time.monotonic() < deadline:
        events += session.wait(0.02)
    assert isinstance(events[0], Accepted)
    result = events[-1]
    assert isinstance(result, Result)
    assert result.job == job
    assert bytes(result.plane.data) == bytes(asked.picture.plane.data)
    steps = [event for event in events if isinstance(event, Progress) and event.of]
    assert [event.step for event in steps] == sorted(event.step for event in steps)
    assert steps[-1].of == 4
    assert 0 < steps[-1].seconds_left < 0.5
    assert any(isinstance(event, Preview) and event.plane.width == 2 for event in events[:-1])


def test_guesses_and_readings_are_answered(session: Session) -> None:
    guessed = final_of(session, session.guess(edit("steps 1 0")))
    assert isinstance(guessed, Guessed)
    assert guessed.words == ("hat", "boat")
    reading = final_of(session, session.read_instruction("a green apple", "a red apple"))
    assert isinstance(reading, Reading)
    assert reading.pair == PromptPair("a red apple", "a green apple")


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")
def test_a_worker_killed_in_mid_job_fails_that_job_and_the_next_one_runs(session: Session) -> None:
    pid = worker_pid(session)
    job = session.submit(edit("steps 100 0.1"))
    eventually(lambda: begun(session, job))
    os.kill(pid, signal.SIGKILL)
    failure = final_of(session, job)
    assert isinstance(failure, Failure)
    assert failure.code == "engine-killed"
    assert "memory" in failure.sentence
    assert worker_pid(session) != pid


def test_jobs_that_waited_behind_the_one_that_died_still_run(session: Session) -> None:
    dies = session.submit(edit("die 9"))
    waits = session.submit(edit("steps 1 0"))
    ends = {}
    deadline = time.monotonic() + 20
    while len(ends) < 2 and time.monotonic() < deadline:
        ends |= {event.job: event for event in session.wait(0.1) if isinstance(event, Failure | Result)}
    assert isinstance(ends[dies], Failure)
    assert isinstance(ends[waits], Result)


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ("die 11", "engine-crashed", "crashed (signal 11)"),
        ("memory", "engine-out-of-memory", "ran out of memory"),
        ("torch-memory", "engine-out-of-memory", "ran out of memory"),
        ("raise", "engine-failed", "ValueError"),
        ("hang", "engine-hung", "made no step"),
        ("freeze", "engine-hung", "gave no sign of life"),
    ],
)
def test_a_job_that_goes_wrong_fails_with_a_sentence_and_later_jobs_run(
    session: Session, what: str, code: str, words: str
) -> None:
    failure = final_of(session, session.submit(edit(what)))
    assert isinstance(failure, Failure)
    assert failure.code == code
    assert words in failure.sentence
    assert failure.sentence.endswith(".")
    assert works(session)


def test_memory_that_ran_out_brings_a_fresh_process_and_an_error_does_not(session: Session) -> None:
    before = worker_pid(session)
    final_of(session, session.submit(edit("raise")))
    assert worker_pid(session) == before
    final_of(session, session.submit(edit("memory")))
    assert worker_pid(session) != before


def test_a_cancel_between_steps_closes_the_edit_and_keeps_the_worker(session: Session, engine: ActingEngine) -> None:
    before = worker_pid(session)
    log = engine.logs / "worker.log"
    closed = log.read_text().count("closed in time")
    job = session.submit(edit("steps 100 0.1"))
    eventually(lambda: begun(session, job))
    session.cancel(job)
    started = time.monotonic()
    failure = final_of(session, job)
    assert isinstance(failure, Failure)
    assert failure.code == "cancelled"
    assert time.monotonic() - started < PATIENCE["cancel_s"]
    eventually(lambda: log.read_text().count("closed in time") == closed + 1)
    assert worker_pid(session) == before


def test_a_job_that_does_not_heed_a_cancel_is_killed_after_the_grace_time(session: Session) -> None:
    before = worker_pid(session)
    job = session.submit(edit("hang"))
    eventually(lambda: begun(session, job))
    session.cancel(job)
    failure = final_of(session, job)
    assert isinstance(failure, Failure)
    assert failure.code == "cancelled"
    assert worker_pid(session) != before


def test_the_server_answers_pings_and_echoes_while_a_job_runs(session: Session, engine: ActingEngine) -> None:
    job = session.submit(edit("steps 100 0.1"))
    eventually(lambda: begun(session, job))
    other = engine.session("other")
    started = time.monotonic()
    final_of(other, other.echo(edit("x").picture.plane))
    assert time.monotonic() - started < 1.0
    assert eventually(lambda: other.state if other.state and other.state.phase == "busy" else None).phase == "busy"
    other.close()
    session.cancel(job)
    events_of(session, job)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP there")
def test_a_pause_of_the_machine_costs_nobody_a_worker(tmp_path: Path) -> None:
    """Server and worker stopped for longer than the worker's silence is borne, as when a laptop's lid is closed."""
    tmp_path.chmod(0o700)
    with ActingEngine(tmp_path, patience={"silence_s": 6.0, "heartbeat_s": 0.2}) as engine:
        session = engine.session()
        pid = worker_pid(session)
        job = session.submit(edit("steps 20 0.1"))
        eventually(lambda: begun(session, job))
        for process in (engine.process.pid, pid):
            os.kill(process, signal.SIGSTOP)
        time.sleep(8.0)
        os.kill(engine.process.pid, signal.SIGCONT)
        time.sleep(0.2)  # the server looks around before the worker can speak
        os.kill(pid, signal.SIGCONT)
        assert isinstance(final_of(session, job), Result)
        assert worker_pid(session) == pid
        session.close()


def test_the_worker_leaves_when_the_server_is_killed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with ActingEngine(tmp_path) as engine:
        session = engine.session()
        pid = worker_pid(session)
        session.submit(edit("hang"))
        engine.process.kill()
        session.close()
        eventually(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and b") Z" in status.read_bytes())
