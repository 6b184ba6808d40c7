"""Whatever arrives, only ProtocolError comes out, and what a stranger sends costs no memory."""

from __future__ import annotations

import contextlib
import dataclasses
import tracemalloc
from collections.abc import Sequence
from typing import Any

import msgpack
from hypothesis import example, given, settings
from hypothesis import strategies as st
from protocol.samples import CLIENT_MESSAGES, HELLO, KEY, NONCE, opened_pair, sealed_raw
from scumble_protocol import wire
from scumble_protocol.errors import ProtocolError, RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Cancel, Edit, Handle, Instruction, Message, PromptPair, Read, Settings, Submit
from scumble_protocol.pixels import Buffer, Picture, Plane
from scumble_protocol.rules import check_edit
from scumble_protocol.wire import Channel, RefusedMessage, SeenNonces, accept_hello

QUICK = settings(max_examples=200)
SEALED = [[bytes(frame) for frame in opened_pair()[0].seal(message)] for message in CLIENT_MESSAGES]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=20,
)
names = st.sampled_from(
    ["job", "edit", "picture", "plane", "width", "height", "channels", "depth", "data", "cues", "settings", "icc"]
)
bodies = (
    st.binary(max_size=300) | values.map(msgpack.packb) | st.dictionaries(names, values, max_size=8).map(msgpack.packb)
)


def stays_shut(engine: Channel, frames: Sequence[Buffer]) -> None:
    """Open frames that nobody sealed: the only way out is ProtocolError, and not the kind that may be answered."""
    try:
        engine.open(frames)
    except RefusedMessage as exc:
        raise AssertionError("a forged message passed for an authentic one") from exc
    except ProtocolError:
        return
    raise AssertionError("a forged message was opened")


@QUICK
@given(st.lists(st.binary(max_size=200), max_size=6))
@example([b"SCUM" + bytes(68), b""])
def test_random_frames_stay_shut(frames: list[bytes]) -> None:
    stays_shut(opened_pair()[1], frames)
    try:
        accept_hello(KEY, frames, SeenNonces())
    except ProtocolError:
        return
    raise AssertionError("a stranger was let in")


@QUICK
@given(st.sampled_from(SEALED), st.data())
def test_mutated_frames_stay_shut(sealed: list[bytes], data: st.DataObject) -> None:
    frames = list(sealed)
    for _ in range(data.draw(st.integers(1, 3))):
        which = data.draw(st.integers(0, len(frames) - 1))
        frames[which] = data.draw(mutations(frames[which]))
    frames = data.draw(st.just(frames) | st.permutations(frames) | st.just(frames[:-1]) | st.just([*frames, b""]))
    if frames != sealed:
        stays_shut(opened_pair()[1], frames)


def mutations(frame: bytes) -> st.SearchStrategy[bytes]:
    place, byte = st.integers(0, max(0, len(frame) - 1)), st.integers(0, 255)
    return st.one_of(
        st.builds(lambda at, value: frame[:at] + bytes([value]) + frame[at + 1 :], place, byte),
        st.builds(lambda at: frame[:at], place),
        st.builds(lambda extra: frame + extra, st.binary(min_size=1, max_size=9)),
        st.binary(max_size=100),
    )


@QUICK
@given(st.integers(0, 255), bodies, st.lists(st.binary(max_size=64), max_size=4))
def test_a_peer_with_the_key_gets_no_further_than_a_refusal(kind: int, body: bytes, planes: list[bytes]) -> None:
    client, engine = opened_pair()
    refused: RefusedMessage | None = None
    try:
        engine.open(sealed_raw(client, kind, body, tuple(planes)))
    except RefusedMessage as exc:
        refused = exc
    assert refused is None or (len(refused.job) <= wire.MAX_JOB_CHARS and refused.sentence.endswith("."))


@QUICK
@given(st.data())
def test_a_peer_with_the_key_cannot_break_the_decoder_from_within(data: st.DataObject) -> None:
    """Take a valid Submit's body apart and put anything in one place of it."""
    body = msgpack.unpackb(SEALED[0][1])
    holder: Any = body
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(values)
    client, engine = opened_pair()
    try:
        message = engine.open(sealed_raw(client, 2, msgpack.packb(body), tuple(SEALED[0][2:])))
    except RefusedMessage:
        return
    assert isinstance(message, Submit)
    with contextlib.suppress(RequestError):
        check_edit(message.edit)


points = st.builds(Point, st.floats(), st.floats())
texts = st.text(max_size=50)
cues = st.one_of(
    st.builds(Handle, points, points),
    st.builds(Instruction, texts),
    st.builds(PromptPair, texts, texts, st.lists(texts, max_size=3).map(tuple), st.just(()), texts),
)
edits = st.builds(
    Edit,
    st.just(Picture(Plane(2, 1, 3, "u8", b"abcdef"))),
    st.lists(cues, max_size=5).map(tuple),
    st.builds(
        Settings,
        st.sampled_from(["auto", "warp", "latent"]),
        st.floats(),
        st.integers(-(2**63), 2**63),
        st.integers(0, 2**64 - 1),
        st.sampled_from(["fast", "lora"]),
        st.floats(),
    ),
)
jobs = st.text(min_size=1, max_size=64)


@QUICK
@given(
    st.builds(Submit, jobs, edits)
    | st.builds(Cancel, jobs)
    | st.builds(Read, jobs, st.builds(Instruction, texts), texts)
)
def test_any_message_arrives_as_it_was(message: Message) -> None:
    client, engine = opened_pair()
    back = engine.open(client.seal(message))
    assert type(back) is type(message)
    if isinstance(back, Submit) and isinstance(message, Submit):
        assert back.edit.picture.plane.data == message.edit.picture.plane.data
        back = dataclasses.replace(back, edit=dataclasses.replace(back.edit, picture=message.edit.picture))
    assert repr(back) == repr(message)  # not ==, as NaN is not itself


def test_strangers_cost_no_memory() -> None:
    """Thousands of forged messages that claim great sizes leave nothing behind and never take much at once."""
    _, engine = opened_pair()
    seen = SeenNonces()
    hello = [bytes(frame) for frame in Channel(bytes(32), NONCE, "client").seal(HELLO)]
    claims = wire.HEADER.pack(b"SCUM", 1, 0, 2, 0, NONCE, 2**50, 1, 2**20, bytes(32))
    liar = [claims, b"\xdd\xff\xff\xff\xff", b""]
    tracemalloc.start()
    for _ in range(3000):
        stays_shut(engine, liar)
        try:
            accept_hello(KEY, hello, seen)
        except ProtocolError:
            continue
        raise AssertionError("a stranger was let in")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(seen) == 0
    assert kept < 200_000
    assert peak < 1_000_000


def test_bodies_that_claim_great_sizes_are_refused_without_taking_them() -> None:
    client, engine = opened_pair()
    for claim in (
        b"\xdd\x7f\xff\xff\xff",
        b"\xdf\x7f\xff\xff\xff",
        b"\xc6\x7f\xff\xff\xff",
        b"\xdb\x7f\xff\xff\xff",
        b"\xc9\x7f\xff\xff\xff\x01",
    ):
        tracemalloc.start()
        try:
            engine.open(sealed_raw(client, 5, b"\x81\xa3job" + claim))
        except RefusedMessage:
            peak = tracemalloc.get_traced_memory()[1]
        else:
            raise AssertionError("it was opened")
        finally:
            tracemalloc.stop()
        assert peak < 1_000_000
