"""The standard library's ZMTP: frames cut anywhere, limits, commands, and peers that break the rules."""

from __future__ import annotations

import struct
import time

import pytest
import zmq
from client.far_ends import KEY, RawServer, RouterEnd, fresh_address
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scumble_protocol.client.zmtp import ZmtpTransport
from scumble_protocol.client.zmtp_frames import COMMAND, LONG, MAX_COMMAND_BYTES, MORE, FrameReader, Violation
from scumble_protocol.wire import MAX_FRAME_BYTES

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"PLAIN".ljust(20, b"\0") + bytes(32)


def coded(body: bytes, flags: int = 0) -> bytes:
    if len(body) > 255 or flags & LONG:
        return struct.pack(">BQ", flags | LONG, len(body)) + body
    return bytes([flags, len(body)]) + body


def ready(socket_type: bytes = b"ROUTER") -> bytes:
    name = b"Socket-Type"
    welcome = coded(b"\x07WELCOME", COMMAND)
    return welcome + coded(
        b"\x05READY" + bytes([len(name)]) + name + struct.pack(">I", len(socket_type)) + socket_type, COMMAND
    )


def fed(reader: FrameReader, data: bytes, cuts: list[int]) -> list[tuple[int, bytes]]:
    """Feed bytes in pieces of the given sizes (the last size again and again); return what came out."""
    found = []
    sizes = iter(cuts)
    size = 1
    while data:
        size = next(sizes, size)
        space = reader.space()
        piece = data[: min(max(1, size), len(space))]
        space[: len(piece)] = piece
        data = data[len(piece) :]
        found += [(frame.flags, bytes(frame.body)) for frame in reader.filled(len(piece))]
    return found


frames = st.lists(
    st.tuples(st.sampled_from([0, MORE, COMMAND, LONG, LONG | MORE]), st.binary(max_size=600)), max_size=12
)


@settings(max_examples=200)
@given(frames, st.lists(st.integers(1, 5000), max_size=30))
@example([(0, b"")], [1])
@example([(MORE, b"x" * 300), (0, b"")], [8, 1])
def test_frames_come_out_however_the_bytes_are_cut(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(coded(body, flags) for flags, body in sent)
    expected = [(flags | (LONG if len(body) > 255 else 0), body) for flags, body in sent]
    assert fed(FrameReader(), stream, cuts) == expected


def test_a_large_body_comes_out_whole() -> None:
    body = bytes(range(256)) * 2**12
    assert fed(FrameReader(), coded(b"a", MORE) + coded(body) + coded(b"z"), [70_000]) == [
        (MORE, b"a"),
        (LONG, body),
        (0, b"z"),
    ]


@settings(max_examples=300)
@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=10))
def test_noise_is_frames_or_a_violation_and_nothing_else(noise: bytes, cuts: list[int]) -> None:
    reader = FrameReader()
    try:
        found = fed(reader, noise, cuts)
    except Violation:
        return
    assert sum(len(body) for _, body in found) <= len(noise)


@pytest.mark.parametrize("flags", [8, 16, 128, MORE | COMMAND])
def test_unknown_flags_are_a_violation(flags: int) -> None:
    with pytest.raises(Violation, match="flags"):
        fed(FrameReader(), bytes([flags, 1, 0]), [3])


def test_sizes_over_the_limits_are_a_violation_before_a_byte_of_the_body() -> None:
    with pytest.raises(Violation, match="too large"):
        fed(FrameReader(), struct.pack(">BQ", LONG, MAX_FRAME_BYTES + 1), [9])
    with pytest.raises(Violation, match="too large"):
        fed(FrameReader(), struct.pack(">BQ", LONG | COMMAND, MAX_COMMAND_BYTES + 1), [9])


# ---- peers ----------------------------------------------------------------------------------------------------------


def test_a_ready_peer_is_heard() -> None:
    with RawServer("tcp", GREETING + ready() + coded(b"a", MORE) + coded(b"b")) as server:
        near = ZmtpTransport(server.address, KEY)
        assert [bytes(frame) for frame in near.receive(2) or []] == [b"a", b"b"]
        near.close()


def test_a_ping_is_answered_with_its_context() -> None:
    ping = coded(b"\x04PING" + struct.pack(">H", 300) + b"context", COMMAND)
    with RawServer("ipc", GREETING + ready() + ping) as server:
        near = ZmtpTransport(server.address, KEY)
        assert near.receive(0.2) is None
        pong = coded(b"\x04PONGcontext", COMMAND)
        deadline = time.monotonic() + 5
        while pong not in server.heard and time.monotonic() < deadline:
            near.receive(0.05)
        assert pong in server.heard
        near.close()


def test_a_ping_between_the_frames_of_a_message_does_not_break_it() -> None:
    ping = coded(b"\x04PING\x00\x00", COMMAND)
    with RawServer("tcp", GREETING + ready() + coded(b"a", MORE) + ping + coded(b"b")) as server:
        near = ZmtpTransport(server.address, KEY)
        assert [bytes(frame) for frame in near.receive(2) or []] == [b"a", b"b"]
        near.close()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (GREETING + coded(b"\x05ERROR\x0bgo away now", COMMAND), "go away now"),
        (GREETING + ready(b"PUB"), "wrong type"),
        (GREETING + coded(b"early"), "before it was ready"),
        (GREETING + ready()[len(coded(b"\x07WELCOME", COMMAND)) :], "without asking who we are"),
        (GREETING + coded(b"\x04WHAT", COMMAND), "did not say"),
        (GREETING[:10] + b"\x01" + GREETING[11:], "another version"),
        (GREETING[:12] + b"CURVE".ljust(20, b"\0") + bytes(32), "mechanism"),
    ],
)
def test_a_peer_that_is_no_engine_is_refused_in_words(script: bytes, words: str) -> None:
    with RawServer("tcp", script) as server, pytest.raises(ConnectionError, match=words):
        ZmtpTransport(server.address, KEY, 1.0)


@pytest.mark.parametrize(
    "script",
    [
        coded(b"x", MORE) * 40 + coded(b"y"),
        struct.pack(">BQ", LONG, MAX_FRAME_BYTES + 1),
        b"\x80\x01x",
    ],
    ids=["too many frames", "too large", "bad flags"],
)
def test_a_peer_that_breaks_the_rules_later_ends_the_connection(script: bytes) -> None:
    with RawServer("tcp", GREETING + ready() + script) as server:
        near = ZmtpTransport(server.address, KEY)
        with pytest.raises(ConnectionError, match="not a Scumble engine"):
            near.receive(2)
        with pytest.raises(ConnectionError):
            near.send([b"x"])
        near.close()


def test_a_publisher_of_pyzmq_is_not_taken_for_an_engine() -> None:
    context = zmq.Context()
    publisher = context.socket(zmq.PUB)
    port = publisher.bind_to_random_port("tcp://127.0.0.1")
    with pytest.raises(ConnectionError):
        ZmtpTransport(f"tcp://127.0.0.1:{port}", KEY, 1.0)
    publisher.close(linger=0)
    context.term()


@pytest.mark.parametrize(
    "address", ["", "tcp://", "tcp://127.0.0.1:http", "tcp://127.0.0.1:99999", "udp://1:1", "ipc://" + "x" * 300]
)
def test_addresses_that_are_none_are_refused_in_words(address: str) -> None:
    with pytest.raises(ConnectionError, match="cannot be reached"):
        ZmtpTransport(address, KEY, 1.0)


def test_a_large_plane_is_sent_from_where_it_lies() -> None:
    """What waits to be sent are views of the caller's bytes, not copies."""
    router = RouterEnd(fresh_address("ipc"))
    near = ZmtpTransport(router.address, KEY)
    plane = bytearray(32 * 2**20)
    near.send([b"header", plane])
    waiting = [view for view in near._outbox if view.obj is plane]
    assert len(waiting) == 1
    near.close()
    router.close()
