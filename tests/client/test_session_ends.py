"""How a session ends, well or badly: every job gets one event, and what went wrong is said in words."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from client.conversing import EDIT, HASTY, IMPATIENT, collect, dutiful, ended, lost
from client.scripted_engine import INFO, ScriptedEngine
from scumble_protocol.client.session import Session
from scumble_protocol.client.transport import Transport
from scumble_protocol.connection import ConnectionInfo
from scumble_protocol.errors import EngineError, ProtocolError
from scumble_protocol.messages import (
    Accepted,
    Cancel,
    Failure,
    Goodbye,
    Hello,
    Ping,
    Progress,
    Submit,
)
from scumble_protocol.pixels import Plane
from scumble_protocol.wording import Argument, wording_of

# ---- the bad ends ---------------------------------------------------------------------------------------------------


def test_an_engine_that_vanishes_fails_every_job_in_words(session: Session, engine: ScriptedEngine) -> None:
    jobs = [session.submit(EDIT) for _ in range(3)]
    engine.await_heard(Submit, 3)
    engine.vanish()
    events = collect(session, lambda got: len(got) >= 4)
    failures = [e for e in events if isinstance(e, Failure)]
    assert sorted(e.job for e in failures) == sorted([*jobs, ""])
    assert {e.code for e in failures} == {"engine-lost"}
    assert all(e.sentence.endswith(".") for e in failures)
    late = session.submit(EDIT)
    assert next(e for e in session.poll() if isinstance(e, Failure) and e.code == "engine-lost").job == late


def test_a_silent_engine_is_told_from_a_busy_one() -> None:
    with ScriptedEngine(dutiful, deaf_to=(Ping,)) as silent, ScriptedEngine(dutiful) as busy:
        dead = Session(INFO, "test", connect=silent.connect, pace=HASTY)
        alive = Session(INFO, "test", connect=busy.connect, pace=HASTY)
        job, other = dead.submit(EDIT), alive.submit(EDIT)
        assert lost(dead).code == "engine-lost"
        assert "stopped answering" in lost_sentence(dead)
        assert job not in dead.live_jobs
        time.sleep(1.2)
        assert alive.phase == "open"
        assert alive.live_jobs == {other}
        alive.close()


def lost_sentence(session: Session) -> str:
    assert session.error is not None
    return session.error.sentence


def test_an_engine_that_talks_but_does_not_pong_is_alive() -> None:
    with ScriptedEngine(dutiful, deaf_to=(Ping,)) as talking:
        session = Session(INFO, "test", connect=talking.connect, pace=HASTY)
        job = session.submit(EDIT)
        talking.await_heard(Submit)
        for step in range(30):
            talking.say(Progress(job, step, 30))
            time.sleep(0.05)
        assert session.phase == "open"
        session.close()


@pytest.mark.parametrize("accepts", [False, True])
def test_what_no_engine_has_accepted_is_sent_once_more_to_the_next_one(accepts: bool) -> None:
    with ScriptedEngine(dutiful) as first, ScriptedEngine(dutiful) as second, ScriptedEngine(dutiful) as third:
        left = [first, second, third]
        asked: list[ConnectionInfo | None] = []

        def again(silent: ConnectionInfo | None) -> ConnectionInfo:
            asked.append(silent)
            return INFO

        session = Session(INFO, "test", connect=lambda info: left.pop(0).connect(info), again=again, pace=HASTY)
        job = session.submit(EDIT)
        first.await_heard(Submit)
        if accepts:
            first.say(Accepted(job))
            collect(session, lambda got: Accepted(job) in got)
            first.vanish()
            assert next(e.code for e in collect(session, ended(job)) if isinstance(e, Failure)) == "engine-lost"
            assert (asked, second.heard) == ([], [])
            return
        first.vanish()
        sent = second.await_heard(Submit)[0]
        assert isinstance(sent, Submit)
        assert (sent.job, asked) == (job, [None])
        second.vanish()
        assert lost(session).code == "engine-lost"
        assert third.heard == []


def test_a_cancelled_edit_is_not_sent_again() -> None:
    with ScriptedEngine() as first, ScriptedEngine(dutiful) as second:
        left = [first, second]
        session = Session(
            INFO, "test", connect=lambda info: left.pop(0).connect(info), again=lambda _: INFO, pace=HASTY
        )
        dropped, kept = session.submit(EDIT), session.submit(EDIT)
        first.await_heard(Submit, 2)
        session.cancel(dropped)
        first.await_heard(Cancel)
        first.vanish()
        sent = second.await_heard(Submit)
        assert [m.job for m in sent if isinstance(m, Submit)] == [kept]
        assert session.live_jobs == {kept}
        session.close()


def test_an_engine_that_does_not_greet_is_named_to_whoever_looks_for_another() -> None:
    with ScriptedEngine(key=bytes(32)) as stranger, ScriptedEngine(dutiful) as engine:
        left, asked = [stranger, engine], []

        def again(silent: ConnectionInfo | None) -> ConnectionInfo:
            asked.append(silent)
            return INFO

        session = Session(INFO, "test", connect=lambda info: left.pop(0).connect(info), again=again, pace=IMPATIENT)
        assert session.wait_until_open(5).model == "test-model"
        assert asked == [INFO]
        session.close()


def test_a_wrong_key_is_said_in_words() -> None:
    with ScriptedEngine(dutiful, key=bytes(32)) as stranger:
        session = Session(INFO, "test", connect=stranger.connect, pace=IMPATIENT)
        job = session.submit(EDIT)
        assert lost(session).code == "engine-unreachable"
        assert "key" in lost_sentence(session)
        assert job not in session.live_jobs
        assert [e.code for e in stranger.refused] == ["protocol-unauthenticated"]
        assert stranger.heard == []
        with pytest.raises(EngineError, match="key"):
            session.wait_until_open(1)


def test_an_engine_file_of_another_version_is_not_even_tried() -> None:
    def never(_: object) -> Transport:
        raise AssertionError("it was tried")

    session = Session(replace(INFO, protocols=(2, 3)), "test", connect=never)
    assert lost(session).code == "protocol-version"
    assert "same release" in lost_sentence(session)
    assert isinstance(session.error, ProtocolError)


def test_an_engine_that_refuses_our_version_is_heard() -> None:
    sentence = "The plug-in and the engine are of versions that do not fit."
    with ScriptedEngine(lambda m: [Failure("", "protocol-version", sentence)] if isinstance(m, Hello) else []) as newer:
        session = Session(INFO, "test", connect=newer.connect)
        assert lost(session) == Failure("", "protocol-version", sentence)


def test_an_engine_that_ends_the_session_is_heard(session: Session, engine: ScriptedEngine) -> None:
    engine.say(Failure("", "engine-stopping", "The engine is stopping."))
    assert lost(session) == Failure("", "engine-stopping", "The engine is stopping.")


def test_nobody_at_the_address_is_said_in_words() -> None:
    session = Session(replace(INFO, address="ipc:///nowhere/at/all"), "test")
    assert lost(session).code == "engine-unreachable"
    assert "ipc:///nowhere/at/all" in lost_sentence(session)


def test_what_a_transport_says_keeps_its_parts_for_translators() -> None:
    session = Session(replace(INFO, address="ipc:///nowhere/at/all"), "test")
    told = wording_of(lost(session).sentence)
    assert told.template.startswith(("The engine at {address} ", "The connection to the engine at {address} "))
    assert Argument("address", "ipc:///nowhere/at/all") in told.arguments


def test_our_own_faults_fail_the_jobs_too() -> None:
    def broken(_: object) -> Transport:
        raise ZeroDivisionError("by zero")

    session = Session(INFO, "test", connect=broken)
    job = session.submit(EDIT)
    events = collect(session, lambda got: len(got) == 2)
    assert {e.job for e in events if isinstance(e, Failure)} == {job, ""}


def test_forged_and_replayed_messages_change_nothing(session: Session, engine: ScriptedEngine) -> None:
    job = session.submit(EDIT)
    engine.await_heard(Submit)
    engine.say_raw([b"garbage"])
    engine.say_raw([b"SCUM" + bytes(68), b""])
    channel = engine._channel
    assert channel is not None
    frames = [bytes(frame) for frame in channel.seal(Progress(job, 1, 2))]
    engine.say_raw(list(frames))
    engine.say_raw(list(frames))
    fence = session.echo(Plane(1, 1, 1, "u8", b"x"))
    events = collect(session, ended(fence))
    assert events.count(Progress(job, 1, 2)) == 1
    assert session.phase == "open"


def test_an_answer_that_we_cannot_read_fails_its_job(
    session: Session, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scumble_protocol import wire

    job = session.submit(EDIT)
    engine.await_heard(Submit)
    monkeypatch.delitem(wire.ENGINE_KINDS, 67)
    monkeypatch.setitem(wire.ENGINE_KINDS, 99, Progress)
    sealed = [bytes(frame) for frame in engine._channel.seal(Progress(job, 1, 2))]  # type: ignore[union-attr]
    monkeypatch.undo()
    engine.say_raw(list(sealed))
    failure = collect(session, ended(job))[-1]
    assert isinstance(failure, Failure)
    assert failure.code == "protocol-unknown"
    assert "Update both" in failure.sentence


# ---- closing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shutdown", [False, True])
def test_close_says_goodbye_and_ends_the_jobs(session: Session, engine: ScriptedEngine, shutdown: bool) -> None:
    job = session.submit(EDIT)
    engine.await_heard(Submit)
    session.close(shutdown)
    assert session.phase == "closed"
    assert session.poll() == [Failure(job, "cancelled", "The session was closed.")]
    assert engine.await_heard(Goodbye) == [Goodbye(shutdown)]
    session.close()
    late = session.submit(EDIT)
    assert [e.job for e in session.poll() if isinstance(e, Failure)] == [late]


def test_closing_leaves_no_thread_behind(engine: ScriptedEngine) -> None:
    session = Session(INFO, "test", connect=engine.connect)
    session.wait_until_open(5)
    session.close()
    session._thread.join(5)
    assert not session._thread.is_alive()


def test_closing_while_connecting_does_not_wait_for_the_engine() -> None:
    with ScriptedEngine(dutiful, deaf_to=(Hello,)) as deaf:
        session = Session(INFO, "test", connect=deaf.connect)
        time.sleep(0.05)
        started = time.monotonic()
        session.close()
        assert time.monotonic() - started < 2
        session._thread.join(5)
        assert not session._thread.is_alive()
