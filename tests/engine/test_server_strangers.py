"""What a live engine does with peers that do not hold the key, or use it wrongly: nothing, and it goes on."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from acting.engine import ActingEngine, edit, eventually, final_of
from acting.stranger import Stranger
from scumble_engine.listen import MAX_GUESTS, Door
from scumble_protocol.connection import new_key
from scumble_protocol.messages import (
    Accepted,
    Cancel,
    Echo,
    Echoed,
    EngineState,
    Failure,
    Goodbye,
    Guess,
    Instruction,
    Message,
    Ping,
    Pong,
    Read,
    Result,
    Sending,
    Submit,
)
from scumble_protocol.parcel import WINDOW_BYTES, Sender
from scumble_protocol.pixels import Plane
from scumble_protocol.wire import Channel


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActingEngine]:
    folder = tmp_path_factory.mktemp("s")
    folder.chmod(0o700)
    with ActingEngine(folder) as engine:
        yield engine
        assert "Traceback" not in (engine.logs / "engine.log").read_text()


@pytest.fixture
def stranger(engine: ActingEngine) -> Iterator[Stranger]:
    with Stranger(engine.info) as stranger:
        yield stranger


@pytest.fixture
def guest(stranger: Stranger) -> Iterator[Stranger]:
    stranger.enter()
    yield stranger
    stranger.say(Goodbye())


def answers_to_ping(guest: Stranger, number: int = 77) -> bool:
    guest.say(Ping(number))
    heard: Message | None = guest.hear()
    while heard is not None and not (isinstance(heard, Pong) and heard.number == number):
        heard = guest.hear()
    return heard is not None


def tampered(frames: list[bytes], frame: int, byte: int) -> list[bytes]:
    changed = bytearray(frames[frame])
    changed[byte] ^= 1
    return [*frames[:frame], bytes(changed), *frames[frame + 1 :]]


# ---- no key, no answer ----------------------------------------------------------------------------------------------


def test_a_greeting_with_another_key_is_not_answered(engine: ActingEngine) -> None:
    with Stranger(engine.info, new_key()) as stranger:
        stranger.push(stranger.hello())
        assert not stranger.is_answered()


def test_a_message_of_a_session_that_was_never_opened_is_not_answered(engine: ActingEngine, stranger: Stranger) -> None:
    other = Channel(engine.info.key, stranger.nonce, "client")
    other._bind(os.urandom(16))  # sealed as if the engine had let it in
    stranger.push(other.seal(Ping(1)))
    assert not stranger.is_answered()


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"", b""],
        [b"SCUM"],
        [b"GET / HTTP/1.1\r\n\r\n"],
        [os.urandom(80), b"{}"],
        [b"SCUM" + bytes(72), b""],
        [b"x"] * 400,
        [os.urandom(2**20)],
    ],
    ids=["nothing", "two nothings", "magic", "http", "random", "zeros", "many frames", "a megabyte"],
)
def test_garbage_is_not_answered(stranger: Stranger, frames: list[bytes]) -> None:
    stranger.push(frames)
    assert not stranger.is_answered(0.1)
    stranger.enter()


@pytest.mark.parametrize("byte", [0, 4, 5, 6, 8, 24, 32, 36, 40, 70])
def test_a_greeting_with_one_bit_changed_in_its_header_is_not_answered(stranger: Stranger, byte: int) -> None:
    stranger.push(tampered(stranger.hello(), 0, byte))
    assert not stranger.is_answered(0.1)


def test_a_greeting_with_one_bit_changed_in_its_body_is_not_answered(stranger: Stranger) -> None:
    stranger.push(tampered(stranger.hello(), 1, 20))
    assert not stranger.is_answered(0.1)


def test_a_greeting_that_carries_pixels_is_not_even_hashed(stranger: Stranger) -> None:
    header, body = stranger.hello()
    stranger.push([header, body, bytes(2**20)])
    assert not stranger.is_answered(0.1)


def test_a_greeting_that_was_recorded_opens_no_second_session(engine: ActingEngine, stranger: Stranger) -> None:
    hello = stranger.hello()
    stranger.push(hello)
    assert stranger.hear() is not None
    with Stranger(engine.info) as echoing:
        echoing.push(hello)
        assert not echoing.is_answered()
    stranger.push(hello)
    assert not stranger.is_answered()


def test_a_recorded_greeting_is_worth_nothing_after_its_session_has_ended_either(
    engine: ActingEngine, stranger: Stranger
) -> None:
    hello = stranger.hello()
    stranger.push(hello)
    assert stranger.hear() is not None
    assert answers_to_ping(stranger)
    stranger.say(Goodbye())
    with Stranger(engine.info) as echoing:
        echoing.push(hello)
        assert not echoing.is_answered()


# ---- a session's messages -------------------------------------------------------------------------------------------


def test_a_message_sent_twice_is_done_once(guest: Stranger) -> None:
    frames = guest.say(Submit("once", edit("steps 1 0")))
    for _ in range(3):
        guest.push(frames)
    assert answers_to_ping(guest)
    time.sleep(0.3)
    heard = []
    while (message := guest.hear(0.3)) is not None:
        heard.append(message)
    assert not [message for message in heard if isinstance(message, Accepted)], "it was accepted again after the ping"
    guest.push(frames)
    assert not guest.is_answered()


def test_a_message_of_another_guest_is_not_taken_from_a_stranger(engine: ActingEngine, guest: Stranger) -> None:
    frames = [bytes(frame) for frame in guest.channel.seal(Ping(5))]
    with Stranger(engine.info) as thief:
        thief.push(tampered(frames, 1, 0))
        assert not thief.is_answered()
    assert answers_to_ping(guest)


def test_pixels_that_were_changed_on_the_way_are_not_taken(guest: Stranger) -> None:
    frames = [bytes(frame) for frame in guest.channel.seal(Echo("e", Plane(64, 64, 4, "u8", bytes(2**14))))]
    guest.push(tampered(frames, 2, 5000))
    assert not guest.is_answered()
    assert answers_to_ping(guest)


@pytest.mark.parametrize("change", ["fewer", "more", "shorter"])
def test_a_message_that_was_cut_or_stretched_is_not_answered_and_the_session_goes_on(
    guest: Stranger, change: str
) -> None:
    frames = [bytes(frame) for frame in guest.channel.seal(Echo("e", Plane(8, 8, 4, "u8", bytes(256))))]
    changed = {"fewer": frames[:2], "more": [*frames, b"x"], "shorter": [*frames[:2], frames[2][:-1]]}[change]
    guest.push(changed)
    assert not guest.is_answered()
    assert answers_to_ping(guest)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (99, b"\x80"),
        (1, b"\x80"),
        (2, b""),
        (2, b"\xc1"),
        (2, b"\x81\xa3job\xa1x"),
        (7, b"\x81\xa6number\xa1x"),
        (74, b"\x81\xa6number\x01"),
        (7, b"\xdd\xff\xff\xff\xff"),
    ],
    ids=[
        "unknown kind",
        "second hello",
        "no body",
        "not msgpack",
        "fields missing",
        "wrong type",
        "wrong way",
        "huge list",
    ],
)
def test_nonsense_under_a_good_seal_is_refused_and_the_session_goes_on(guest: Stranger, kind: int, body: bytes) -> None:
    guest.push(guest.sealed(kind, body))
    refusal = guest.hear()
    assert isinstance(refusal, Failure)
    assert refusal.code.startswith("protocol-")
    assert refusal.sentence.endswith(".")
    assert answers_to_ping(guest)


def test_a_peer_of_another_version_is_told_in_words_and_not_let_in(stranger: Stranger) -> None:
    stranger.push(stranger.hello(versions=(7, 8)))
    refusal = stranger.hear()
    assert isinstance(refusal, Failure)
    assert refusal.code == "protocol-version"
    assert "Install the same release" in refusal.sentence


def test_echo_and_cancel_of_nothing_are_harmless(guest: Stranger) -> None:
    guest.say(Cancel("no such job"))
    guest.say(Echo("e", Plane(2, 1, 1, "u8", b"ab")))
    echoed = guest.hear()
    assert isinstance(echoed, Echoed)
    assert bytes(echoed.plane.data) == b"ab"


def test_the_same_job_name_twice_is_one_job(guest: Stranger) -> None:
    guest.say(Submit("twin", edit("steps 3 0.1")))
    guest.say(Submit("twin", edit("steps 3 0.1")))
    heard: list[Message] = []
    eventually(
        lambda: heard.append(message) if (message := guest.hear(0.2)) else any(isinstance(m, Result) for m in heard)
    )
    assert sum(isinstance(message, Accepted) for message in heard) == 1
    assert sum(isinstance(message, Result) for message in heard) == 1


@pytest.mark.parametrize("kind", [2, 3, 4, 5, 6])
def test_a_job_without_a_name_is_refused_and_others_are_served_at_once(
    engine: ActingEngine, guest: Stranger, kind: int
) -> None:
    """The worker would take its end for last words about itself, and everybody would wait for the step limit."""
    sealed = [bytes(frame) for frame in guest.channel.seal(_nameless(kind))]
    guest.push(sealed)
    refusal = guest.hear()
    assert isinstance(refusal, Failure)
    assert refusal.code == "protocol-garbage"
    assert "name is empty" in refusal.sentence
    session = engine.session()
    assert isinstance(final_of(session, session.submit(edit("steps 1 0"))), Result)
    session.close()


def _nameless(kind: int) -> Message:
    plane = Plane(1, 1, 1, "u8", b"x")
    named = (Submit("", edit("x")), Guess("", edit("x")), Read("", Instruction("x")), Echo("", plane), Cancel(""))
    return named[kind - 2]


def test_only_so_many_guests_are_let_in_and_the_next_is_told(engine: ActingEngine) -> None:
    guests: list[Stranger] = []
    try:
        refusal = None
        while refusal is None and len(guests) <= MAX_GUESTS:
            guests.append(Stranger(engine.info))
            guests[-1].push(guests[-1].hello())
            heard = guests[-1].hear()
            refusal = heard if isinstance(heard, Failure) else None
        assert refusal is not None
        assert refusal.code == "engine-full"
        guests[0].say(Goodbye())
        eventually(lambda: _can_enter(engine))
    finally:
        for guest in guests[:-1]:
            guest.say(Goodbye())
        for guest in guests:
            guest.__exit__()


def _can_enter(engine: ActingEngine) -> bool:
    with Stranger(engine.info) as late:
        late.push(late.hello())
        entered = not isinstance(late.hear(), Failure)
        if entered:
            late.say(Goodbye())
        return entered


# ---- below the messages ---------------------------------------------------------------------------------------------


GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"PLAIN".ljust(20, b"\0") + bytes(32)
READY = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"


def knocking(engine: ActingEngine) -> socket.socket:
    """Open a bare connection."""
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(engine.info.address.removeprefix("ipc://"))
    peer.settimeout(10)
    return peer


def hung_up_on(peer: socket.socket) -> bool:
    """Read until the other side hangs up."""
    try:
        while peer.recv(4096):
            pass
    except TimeoutError:
        return False
    except (ConnectionResetError, BrokenPipeError):
        pass
    return True


@pytest.mark.parametrize("claimed", [2**20 + 1, 2**30, 2**31, 2**40, 2**63])
def test_a_frame_that_claims_to_be_huge_ends_its_connection_before_anything_is_allocated(
    engine: ActingEngine, claimed: int
) -> None:
    server = psutil.Process(engine.process.pid)
    before = server.memory_info().vms
    with knocking(engine) as peer:
        peer.sendall(GREETING + b"\x06" + struct.pack(">Q", claimed) + bytes(1000))
        assert hung_up_on(peer)
    assert server.memory_info().vms - before < 2**28


def test_whoever_has_no_password_is_hung_up_on_before_a_message_is_read(engine: ActingEngine) -> None:
    with knocking(engine) as peer, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        peer.sendall(GREETING.replace(b"PLAIN", b"NULL\0") + b"\x04" + bytes([len(READY)]) + READY)
        assert hung_up_on(peer)
    with Stranger(engine.info, password="guess") as stranger:
        stranger.push(stranger.hello())
        assert not stranger.is_answered()
    with Stranger(engine.info, password=engine.info.key.hex()) as stranger:
        stranger.push(stranger.hello())
        assert not stranger.is_answered()


def test_frames_without_end_from_a_peer_without_the_password_cost_no_memory(engine: ActingEngine) -> None:
    """It may fill one frame of the largest size that there is, for as long as shaking hands may take."""
    server = psutil.Process(engine.process.pid)
    before, peak = server.memory_info().rss, 0
    for first in (b"", b"\x04" + bytes([len(READY)]) + READY, b"\x06" + struct.pack(">Q", 2**20)):
        with knocking(engine) as peer, contextlib.suppress(OSError):
            peer.sendall(GREETING + first)
            for _ in range(256):
                peer.sendall(b"\x03" + struct.pack(">Q", 2**20) + bytes(2**20))
                peak = max(peak, server.memory_info().rss)
    assert peak - before < 32 * 2**20


def test_half_open_connections_are_hung_up_on_soon(engine: ActingEngine) -> None:
    started = time.monotonic()
    with knocking(engine) as silent, knocking(engine) as half:
        half.sendall(GREETING[:40])
        assert hung_up_on(silent)
        assert hung_up_on(half)
    assert time.monotonic() - started < 9  # 30 s were ZeroMQ's own; the limit is 3


def test_more_half_open_connections_than_files_may_be_open_keep_nobody_out_for_long(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with ActingEngine(tmp_path) as engine, contextlib.ExitStack() as crowd:
        assert engine.info
        for _ in range(900):  # this process may have no more files than 1024 either
            crowd.enter_context(knocking(engine))
        started = time.monotonic()
        session = engine.session()
        assert isinstance(final_of(session, session.submit(edit("steps 1 0"))), Result)
        assert time.monotonic() - started < 9
        session.close()


def test_a_guest_that_does_not_listen_is_let_go_before_its_answers_fill_the_memory() -> None:
    """Without a process: the socket takes nothing, as when a peer's pipe is full."""
    import zmq

    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    state = EngineState("0", "ready", "auto", "cpu", ())
    door = Door(context, "tcp")
    try:
        with Stranger(door.info) as deaf:
            deaf.socket.rcvhwm = 1
            deaf.push(deaf.hello())
            eventually(lambda: list(door.arrivals(lambda: state)) or door.guests)
            guest = next(iter(door.guests.values()))
            for number in range(10_000):
                door.send(guest, Echoed(str(number), Plane(256, 256, 4, "u8", bytes(2**18))))
                if guest.lost:
                    break
            assert guest.lost
            assert len(guest.sender.small) < 1000
    finally:
        door.close()
        context.term()


def in_parts(stranger: Stranger, message: Message) -> None:
    """Send a large message as clients do, with no credit asked for."""
    sender = Sender(stranger.channel, announces=True)
    sender.push(message)
    for frames in iter(sender.next, None):
        stranger.push([bytes(frame) for frame in frames])


@pytest.mark.parametrize("what", ["echo", "edit"])
def test_a_guest_that_never_reads_swells_the_server_by_no_more_than_what_may_wait_unread(
    tmp_path: Path, what: str
) -> None:
    tmp_path.chmod(0o700)
    side, unread = 1000, 2**24
    with (
        ActingEngine(tmp_path, limits={"unread_bytes": unread, "jobs_per_client": 4}) as engine,
        contextlib.closing(engine.session()) as session,
    ):
        server = psutil.Process(engine.process.pid)
        before, peak = server.memory_info().rss, 0
        with Stranger(engine.info) as deaf:
            deaf.enter()
            for number in range(40):
                large = edit("steps 0 0", side)
                asked: Message = (
                    Submit(f"j{number}", large) if what == "edit" else Echo(f"j{number}", large.picture.plane)
                )
                in_parts(deaf, asked)
                final_of(session, session.echo(Plane(1, 1, 1, "u8", b"x")))
                peak = max(peak, server.memory_info().rss)
        assert peak - before < 2 * unread + 4 * WINDOW_BYTES, "160 MB were asked for"


def test_planes_that_there_is_no_room_for_are_refused_before_the_first_byte_of_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with ActingEngine(tmp_path, limits={"bytes_per_client": 2**20}) as engine, Stranger(engine.info) as greedy:
        greedy.enter()
        for size in (2**20 + 1, 2**40):
            greedy.say(Sending("large", size))
            refusal = greedy.hear()
            assert isinstance(refusal, Failure)
            assert (refusal.job, refusal.code) == ("large", "too-many-jobs")
        greedy.say(Sending("fits", 2**20))
        assert answers_to_ping(greedy)


def test_only_the_newest_progress_waits_for_a_slow_guest() -> None:
    import zmq
    from scumble_protocol.messages import Progress

    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    door = Door(context, "tcp")
    try:
        with Stranger(door.info) as slow:
            slow.push(slow.hello())
            eventually(lambda: list(door.arrivals(lambda: EngineState("0", "ready", "", "", ()))) or door.guests)
            guest = next(iter(door.guests.values()))
            guest.identity, guest.sealed = guest.identity, None
            real, door.socket = door.socket, _Full()  # type: ignore[assignment]
            for step in range(1000):
                door.send(guest, Progress("a", step, 1000))
                door.send(guest, Progress("b", step, 1000))
            door.socket = real
            assert not guest.lost
            assert [(event.job, event.step) for event in guest.sender.small if isinstance(event, Progress)][-2:] == [
                ("a", 999),
                ("b", 999),
            ]
            assert len(guest.sender.small) <= 3
    finally:
        door.close()
        context.term()


class _Full:
    """A socket that takes nothing more."""

    def send_multipart(self, *_: object, **__: object) -> None:
        import zmq

        raise zmq.Again


def test_strangers_at_a_live_engine_leave_its_own_guests_alone(engine: ActingEngine, guest: Stranger) -> None:
    with Stranger(replace(engine.info), new_key()) as stranger:
        for _ in range(50):
            stranger.push(stranger.hello())
            stranger.push([os.urandom(80), os.urandom(40)])
    assert answers_to_ping(guest)
