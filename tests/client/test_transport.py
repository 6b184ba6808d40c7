"""One behaviour, three transports: pyzmq, the standard library's ZMTP (both against a real ROUTER), and the pair in memory."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

import pytest
from client.far_ends import (
    KINDS,
    SOCKET_KINDS,
    RawServer,
    RouterEnd,
    fresh_address,
    joined,
    open_transport,
    received,
)
from scumble_protocol.client.transport import Transport

every_kind = pytest.mark.parametrize("kind", KINDS)
every_socket = pytest.mark.parametrize("kind", SOCKET_KINDS)


@contextlib.contextmanager
def pumped(near: Transport) -> Iterator[None]:
    """Let a thread wait in `receive`, as a session's does: that is what moves bytes."""
    stop = threading.Event()

    def pump() -> None:
        while not stop.is_set():
            assert near.receive(0.05) is None

    thread = threading.Thread(target=pump)
    thread.start()
    yield
    stop.set()
    thread.join()


@every_kind
def test_frames_arrive_whole_and_in_order_both_ways(kind: str) -> None:
    messages = [
        [b"header", b"body"],
        [b""],
        [b"", b"x", b""],
        [bytes([n % 256]) * n for n in (1, 254, 255, 256, 65535, 65536, 70000)],
    ]
    with joined(kind) as (near, far):
        for frames in messages:
            near.send(frames)
        assert [received(far) for _ in messages] == messages
        for frames in messages:
            far.send(frames)
        assert [received(near) for _ in messages] == messages


@every_kind
def test_many_small_messages_keep_their_order(kind: str) -> None:
    with joined(kind) as (near, far):
        for number in range(2000):
            near.send([b"%d" % number, b"tail"])
        with pumped(near):
            assert [received(far)[0] for _ in range(2000)] == [b"%d" % number for number in range(2000)]
        for number in range(500):
            far.send([b"%d" % number])
        assert [received(near)[0] for _ in range(500)] == [b"%d" % number for number in range(500)]


@every_kind
def test_messages_of_32_mib_arrive_bit_for_bit(kind: str) -> None:
    planes = [os.urandom(2**20)] * 32
    with joined(kind) as (near, far):
        echo = threading.Thread(target=lambda: far.send(far.receive(30) or []))
        echo.start()
        near.send([b"header", b"body", *map(memoryview, planes)])
        frames = received(near, 60)
        echo.join()
    assert frames[:2] == [b"header", b"body"]
    assert frames[2:] == planes


@every_kind
def test_receive_gives_up_after_its_timeout(kind: str) -> None:
    with joined(kind) as (near, _):
        started = time.monotonic()
        assert near.receive(0.2) is None
        assert 0.15 < time.monotonic() - started < 2
        started = time.monotonic()
        assert near.receive(0) is None
        assert time.monotonic() - started < 2


@every_kind
def test_wake_ends_a_receive_in_another_thread(kind: str) -> None:
    with joined(kind) as (near, _):
        timer = threading.Timer(0.1, near.wake)
        timer.start()
        started = time.monotonic()
        assert near.receive(30) is None
        assert time.monotonic() - started < 10
        timer.join()


@every_kind
def test_an_early_wake_ends_the_next_receive(kind: str) -> None:
    with joined(kind) as (near, _):
        for _ in range(1000):
            near.wake()
        started = time.monotonic()
        assert near.receive(30) is None
        assert time.monotonic() - started < 10
        started = time.monotonic()
        assert near.receive(0.1) is None
        assert time.monotonic() - started > 0.05


@every_kind
def test_wakes_lose_no_messages(kind: str) -> None:
    with joined(kind) as (near, far):
        stop = threading.Event()

        def nag() -> None:
            while not stop.is_set():
                near.wake()
                time.sleep(0.0005)

        nagger = threading.Thread(target=nag)
        nagger.start()
        for number in range(300):
            far.send([b"%d" % number, bytes(1000)])
        got = [received(near)[0] for _ in range(300)]
        stop.set()
        nagger.join()
    assert got == [b"%d" % number for number in range(300)]


@every_kind
def test_a_peer_that_does_not_read_blocks_nobody_and_loses_nothing(kind: str) -> None:
    plane = bytes(4 * 2**20)
    with joined(kind) as (near, far):
        started = time.monotonic()
        for number in range(24):
            near.send([b"%d" % number, plane])
        assert time.monotonic() - started < 5
        far.send([b"meanwhile"])
        assert received(near) == [b"meanwhile"]
        with pumped(near):
            got = [received(far, 30) for _ in range(24)]
    assert [frames[0] for frames in got] == [b"%d" % number for number in range(24)]
    assert all(len(frames[1]) == len(plane) for frames in got)


@every_kind
def test_a_peer_that_vanishes_is_noticed_at_once(kind: str) -> None:
    with joined(kind) as (near, far):
        far.close()
        started = time.monotonic()
        with pytest.raises(ConnectionError, match=r"\.$"):
            received(near)
        assert time.monotonic() - started < 3
        with pytest.raises(ConnectionError):
            near.send([b"anybody?"])


@every_kind
def test_what_the_peer_said_before_it_went_is_still_delivered(kind: str) -> None:
    with joined(kind) as (near, far):
        for number in range(5):
            far.send([b"%d" % number, bytes(2**20)])
        closer = threading.Thread(target=far.close)
        closer.start()
        time.sleep(0.2)
        assert [received(near)[0] for _ in range(5)] == [b"%d" % number for number in range(5)]
        with pytest.raises(ConnectionError):
            received(near)
        closer.join()


@every_kind
def test_a_peer_that_goes_in_the_middle_of_our_sending_is_noticed(kind: str) -> None:
    with joined(kind) as (near, far):
        near.send([b"x", bytes(32 * 2**20)])
        far.close()
        with pytest.raises(ConnectionError):
            received(near)


@every_kind
def test_a_farewell_leaves_before_the_door_closes(kind: str) -> None:
    with joined(kind) as (near, far):
        near.send([b"goodbye", bytes(2**20)])
        near.close()
        assert received(far)[0] == b"goodbye"
        near.close()
        near.wake()


@every_socket
def test_closing_gives_back_what_it_took(kind: str) -> None:
    router = RouterEnd(fresh_address(kind))
    open_transport(kind, router.address).close()
    before = open_files()
    for _ in range(5):
        near = open_transport(kind, router.address)
        near.send([b"x"])
        near.close()
    router.receive(1)
    deadline = time.monotonic() + 5
    while open_files() > before + 2 and time.monotonic() < deadline:
        router.receive(0.05)
    assert open_files() <= before + 2
    router.close()


def open_files() -> int:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    return len(os.listdir("/proc/self/fd"))


@every_socket
def test_nobody_there_is_said_at_once(kind: str) -> None:
    address = "ipc:///nowhere/at/all" if kind.endswith("ipc") else "tcp://127.0.0.1:1"
    started = time.monotonic()
    with pytest.raises(ConnectionError, match=r"nowhere|127\.0\.0\.1"):
        open_transport(kind, address)
    assert time.monotonic() - started < 3


@every_socket
@pytest.mark.parametrize(
    ("script", "hang_up"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" + bytes(100), False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (os.urandom(200), True),
        (b"", True),
        (b"", False),
        (b"\xff" + bytes(8) + b"\x7f", False),
        (b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32), False),
        (
            b"\xff"
            + bytes(8)
            + b"\x7f\x03\x00"
            + b"PLAIN".ljust(20, b"\0")
            + bytes(32)
            + b"\x04\x08\x05READYxx"
            + bytes(9),
            True,
        ),
        (b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"PLAIN".ljust(20, b"\0") + bytes(32) + b"\x06" + b"\xff" * 20, True),
    ],
    ids=["http", "ssh", "noise", "hangs up", "silent", "half", "curve", "bad ready", "huge command"],
)
def test_garbage_instead_of_a_greeting_is_a_connection_error(kind: str, script: bytes, hang_up: bool) -> None:
    started = time.monotonic()
    with RawServer(kind, script, hang_up) as server, pytest.raises(ConnectionError, match=r"\.$"):
        open_transport(kind, server.address, timeout_s=0.5)
    assert time.monotonic() - started < 5


@every_socket
def test_heartbeats_of_the_engines_socket_are_answered(kind: str) -> None:
    """A ROUTER that pings drops a peer that does not answer; ours must stay."""
    with joined(kind, HEARTBEAT_IVL=50, HEARTBEAT_TIMEOUT=200, HEARTBEAT_TTL=500) as (near, far):
        assert near.receive(1.0) is None
        far.receive(0)
        near.send([b"still here"])
        assert received(far) == [b"still here"]
        far.send([b"so am I"])
        assert received(near) == [b"so am I"]
