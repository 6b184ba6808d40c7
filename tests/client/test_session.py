"""The doorway: returns at once, delivers what was asked, and takes back what was cancelled."""

from __future__ import annotations

import os
import statistics
import threading
import time
from dataclasses import replace

import pytest
from client.conversing import EDIT, HASTY, STROKES, collect, dutiful, ended
from client.far_ends import RouterEnd, ThinLine, fresh_address, open_transport
from client.scripted_engine import INFO, KEY, STATE, ScriptedEngine
from scumble_protocol.client.session import Session
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import (
    Accepted,
    Cancel,
    Echo,
    Echoed,
    Edit,
    Failure,
    Guessed,
    Handle,
    Hello,
    Instruction,
    Mask,
    Message,
    Ping,
    Preview,
    Progress,
    PromptPair,
    Read,
    Reading,
    Submit,
    Took,
    Welcome,
)
from scumble_protocol.parcel import Parcel, Sender, is_part
from scumble_protocol.pixels import Picture, Plane
from scumble_protocol.wire import SeenNonces, accept_hello

# ---- the good way ---------------------------------------------------------------------------------------------------


def test_the_greeting_names_the_host_and_brings_the_state(session: Session, engine: ScriptedEngine) -> None:
    hello = engine.heard[0]
    assert isinstance(hello, Hello)
    assert (hello.client, hello.versions) == ("test", (1,))
    assert session.state == STATE
    assert session.phase == "open"


def test_each_request_reaches_the_engine_and_its_answer_comes_back(session: Session, engine: ScriptedEngine) -> None:
    guess, read = session.guess(STROKES), session.read_instruction("greener", "a red apple")
    echo = session.echo(Plane(2, 1, 1, "u8", b"ab"))
    events = collect(session, lambda got: all(ended(job)(got) for job in (guess, read, echo)))
    assert Guessed(guess, ("a hat",), (1.0,)) in events
    assert Reading(read, PromptPair("a", "greener")) in events
    assert Accepted(echo) in events
    assert Echoed(echo, Plane(2, 1, 1, "u8", b"ab")) in events
    assert engine.await_heard(Read) == [Read(read, Instruction("greener"), "a red apple")]
    assert session.live_jobs == frozenset()


def test_a_submitted_edit_arrives_as_it_was(session: Session, engine: ScriptedEngine) -> None:
    job = session.submit(EDIT, "preview")
    assert engine.await_heard(Submit) == [Submit(job, EDIT, "preview")]
    assert session.live_jobs == {job}


def test_jobs_have_ids_of_their_own(session: Session) -> None:
    assert len({session.submit(EDIT) for _ in range(50)}) == 50


def test_what_is_submitted_before_the_engine_answers_waits_for_it() -> None:
    with ScriptedEngine(dutiful) as scripted:
        session = Session(INFO, "test", connect=scripted.connect)
        job = session.echo(Plane(1, 1, 1, "u8", b"x"))
        collect(session, ended(job))
        session.close()


def test_poll_never_waits_and_wait_does(session: Session) -> None:
    started = time.monotonic()
    assert session.poll() == []
    assert time.monotonic() - started < 1
    assert session.wait(0.2) == []
    assert time.monotonic() - started > 0.15


def test_only_the_newest_progress_and_preview_wait_for_a_slow_host(session: Session, engine: ScriptedEngine) -> None:
    job, other = session.submit(EDIT), session.submit(EDIT)
    engine.await_heard(Submit, 2)
    engine.say(Accepted(job), Progress(other, 1, 9))
    for step in range(1, 6):
        engine.say(Progress(job, step, 5), Preview(job, Bounds(0, 0, 1, 1), Plane(1, 1, 4, "u8", bytes([step] * 4))))
    engine.say(Failure(job, "x", "Y."))
    deadline = time.monotonic() + 5
    while job in session.live_jobs and time.monotonic() < deadline:
        time.sleep(0.01)
    assert session.poll() == [
        Accepted(job),
        Progress(other, 1, 9),
        Progress(job, 5, 5),
        Preview(job, Bounds(0, 0, 1, 1), Plane(1, 1, 4, "u8", b"\5\5\5\5")),
        Failure(job, "x", "Y."),
    ]


def test_a_job_that_has_ended_is_not_heard_of_again(session: Session, engine: ScriptedEngine) -> None:
    job = session.echo(Plane(1, 1, 1, "u8", b"x"))
    collect(session, ended(job))
    engine.say(Progress(job, 1, 2), Failure(job, "x", "Y."), Failure("strange", "x", "Y."))
    fence = session.echo(Plane(1, 1, 1, "u8", b"x"))
    assert {e.job for e in collect(session, ended(fence)) if isinstance(e, Failure | Progress | Echoed)} == {fence}


def test_the_state_follows_the_heartbeat(engine: ScriptedEngine) -> None:
    session = Session(INFO, "test", connect=engine.connect, pace=HASTY)
    session.wait_until_open(5)
    pings = engine.await_heard(Ping, 3)
    assert [ping.number for ping in pings if isinstance(ping, Ping)][:3] == [1, 2, 3]
    assert session.state == STATE
    session.close()


# ---- cancel ---------------------------------------------------------------------------------------------------------


def test_cancel_reaches_the_engine_and_ends_the_job(session: Session, engine: ScriptedEngine) -> None:
    job = session.submit(EDIT)
    engine.await_heard(Submit)
    session.cancel(job)
    assert Failure(job, "cancelled", "The edit was cancelled.") in collect(session, ended(job))
    assert engine.await_heard(Cancel) == [Cancel(job)]


def test_cancelling_what_is_not_alive_says_nothing(session: Session, engine: ScriptedEngine) -> None:
    session.cancel("never was")
    collect(session, ended(session.echo(Plane(1, 1, 1, "u8", b"x"))))
    assert not [m for m in engine.heard if isinstance(m, Cancel)]


def test_what_has_not_left_yet_is_cancelled_here() -> None:
    with ScriptedEngine(dutiful, deaf_to=(Hello,)) as scripted:
        session = Session(INFO, "test", connect=scripted.connect)
        job = session.submit(EDIT)
        session.cancel(job)
        assert session.poll() == [Failure(job, "cancelled", "The edit was cancelled.")]
        session.close()


def test_a_newer_preview_replaces_one_that_has_not_left() -> None:
    with ScriptedEngine(dutiful, deaf_to=(Hello,)) as scripted:
        session = Session(INFO, "test", connect=scripted.connect)
        final, older, newer = session.submit(EDIT), session.submit(EDIT, "preview"), session.submit(EDIT, "preview")
        assert session.poll() == [Failure(older, "cancelled", "A newer preview took its place.")]
        assert session.live_jobs == {final, newer}
        session.close()


# ---- bad requests ---------------------------------------------------------------------------------------------------


def test_a_bad_edit_fails_in_words_and_never_leaves(session: Session, engine: ScriptedEngine) -> None:
    job = session.submit(replace(EDIT, cues=(Handle(Point(100, 1), Point(2, 2)),)))
    failure = collect(session, ended(job))[-1]
    assert isinstance(failure, Failure)
    assert failure.code == "handle-outside"
    assert "Handle 1 is outside the picture" in failure.sentence
    empty = session.read_instruction("")
    assert [e.code for e in collect(session, ended(empty)) if isinstance(e, Failure)] == ["empty-text"]
    assert not [m for m in engine.heard if isinstance(m, Submit | Read)]
    assert session.phase == "open"


def test_what_cannot_be_sent_fails_in_words(session: Session) -> None:
    gapped = Plane(2, 2, 1, "u8", memoryview(bytes(8))[::2])
    job = session.echo(gapped)
    failure = collect(session, ended(job))[-1]
    assert isinstance(failure, Failure)
    assert failure.code == "bad-pixels"
    assert session.phase == "open"


# ---- over real sockets ----------------------------------------------------------------------------------------------


class EchoingRouter:
    """A real ROUTER in a thread that greets and echoes."""

    def __init__(self, kind: str) -> None:
        self._router = RouterEnd(fresh_address(kind))
        self.info = replace(INFO, address=self._router.address)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> EchoingRouter:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._router.close()

    def _serve(self) -> None:
        channel, sender, parcel = None, None, Parcel()
        while not self._stop.is_set():
            frames = self._router.receive(0.05)
            if frames is None:
                continue
            if channel is None or sender is None:
                channel, _ = accept_hello(KEY, frames, SeenNonces())
                sender = Sender(channel)
                self._router.send(channel.seal(Welcome(1, os.urandom(16), STATE)))
                continue
            if is_part(frames):
                parcel.take(frames)
            else:
                self._answer(channel.open(parcel.joined(frames)), sender)
            if (credit := parcel.credit()) is not None:
                sender.push(credit)
            while (due := sender.next()) is not None:
                self._router.send(due)

    def _answer(self, message: Message, sender: Sender) -> None:
        if isinstance(message, Echo):
            sender.push(Echoed(message.job, message.plane))
        elif isinstance(message, Took):
            sender.took(message.size)


@pytest.mark.parametrize("kind", ["zmq-ipc", "zmtp-ipc", "zmtp-tcp"])
def test_a_large_plane_comes_back_over_a_real_socket(kind: str) -> None:
    plane = Plane(2048, 1024, 4, "u8", os.urandom(2**20) * 8)
    with EchoingRouter(kind) as router:
        session = Session(router.info, "test", connect=lambda info: open_transport(kind, info.address))
        job = session.echo(plane)
        echoed = collect(session, ended(job), 20)[-1]
        session.close()
    assert isinstance(echoed, Echoed)
    assert echoed.plane.sha256() == plane.sha256()


@pytest.mark.parametrize("kind", ["zmq-tcp", "zmtp-tcp"])
def test_a_layer_that_takes_longer_to_travel_than_silence_is_borne_arrives(kind: str) -> None:
    """There and back over a line of 2 MB/s: two seconds each way, with an engine that is taken for lost after one."""
    plane = Plane(1024, 1024, 4, "u8", os.urandom(2**22))
    with EchoingRouter(kind) as router, ThinLine(router.info.address, 2e6) as line:
        session = Session(
            router.info,
            "test",
            connect=lambda _: open_transport(kind, line.address),
            pace=replace(HASTY, lost_after_s=1.0),
        )
        session.wait_until_open(5)
        job = session.echo(plane)
        echoed = collect(session, ended(job), 30)[-1]
        session.close()
    assert isinstance(echoed, Echoed), echoed
    assert echoed.plane.sha256() == plane.sha256()


@pytest.mark.parametrize("kind", ["zmq-ipc", "zmtp-ipc"])
def test_submit_and_poll_of_a_2048_crop_take_under_two_milliseconds(kind: str) -> None:
    """The caller's own time, so that a loaded machine does not matter; hashing and sending are the thread's."""
    picture = Picture(Plane(2048, 2048, 4, "u8", bytes(2**24)))
    edit = Edit(picture, (Mask(Plane(2048, 2048, 1, "u8", bytes(2**22))), Handle(Point(1, 1), Point(9, 9))))
    with EchoingRouter(kind) as router:
        session = Session(router.info, "test", connect=lambda info: open_transport(kind, info.address))
        session.wait_until_open(5)
        spent = []
        for _ in range(10):
            started = time.thread_time()
            session.submit(edit)
            session.poll()
            spent.append(time.thread_time() - started)
            time.sleep(0.02)
        session.close()
    assert statistics.median(spent) < 0.002
