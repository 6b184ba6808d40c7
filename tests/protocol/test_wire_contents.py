"""Shapes, sizes and bodies: what is authentic and still not to be taken, and what cannot be sealed at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import msgpack
import pytest
from protocol.samples import (
    CLIENT_MESSAGES,
    EDIT,
    ENGINE_NONCE,
    HELLO,
    KEY,
    NONCE,
    STATE,
    Frames,
    code_of,
    opened_pair,
    plane,
    sealed_raw,
)
from scumble_protocol import wire
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import (
    Cancel,
    Echo,
    Handle,
    Instruction,
    Message,
    Ping,
    Read,
    Submit,
    Welcome,
)
from scumble_protocol.wire import Channel, RefusedMessage, SeenNonces, accept_hello, session_of

# ---- shapes and sizes -----------------------------------------------------------------------------------------------


def test_the_session_is_read_without_the_key() -> None:
    assert session_of(Channel(KEY, NONCE, "client").seal(HELLO)) == NONCE


@pytest.mark.parametrize(
    ("name", "mangle"),
    [
        ("no frames", lambda f: []),
        ("one frame", lambda f: f[:1]),
        ("a plane lost", lambda f: f[:-1]),
        ("a plane too many", lambda f: [*f, b"x"]),
        ("forty frames", lambda f: f + [b""] * 40),
        ("short header", lambda f: [f[0][:-1], *f[1:]]),
        ("long header", lambda f: [f[0] + b"x", *f[1:]]),
        ("other magic", lambda f: [b"NOPE" + f[0][4:], *f[1:]]),
        ("short body", lambda f: [f[0], f[1][:-1], *f[2:]]),
    ],
)
def test_misshapen_messages_are_garbage(name: str, mangle: Callable[[list[bytes]], Frames]) -> None:
    client, engine = opened_pair()
    frames = [bytes(frame) for frame in client.seal(CLIENT_MESSAGES[0])]
    assert code_of(lambda: engine.open(mangle(frames))) == "protocol-garbage", name


def header(planes: int, body: int) -> bytes:
    return wire.HEADER.pack(b"SCUM", 1, 0, 2, 0, NONCE, 2**40, planes, body, bytes(32))


def test_oversized_messages_are_refused_by_their_sizes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _, engine = opened_pair()
    monkeypatch.setattr(wire, "_mac", lambda *_: pytest.fail("hashed before the sizes were checked"))
    big_body = bytes(wire.MAX_BODY_BYTES + 1)
    assert code_of(lambda: engine.open([header(0, len(big_body)), big_body])) == "protocol-oversized"
    monkeypatch.setattr(wire, "MAX_PLANE_BYTES", 100)
    assert code_of(lambda: engine.open([header(1, 1), b"\x80", bytes(101)])) == "protocol-oversized"
    monkeypatch.setattr(wire, "MAX_MESSAGE_BYTES", 150)
    assert code_of(lambda: engine.open([header(2, 1), b"\x80", bytes(100), bytes(51)])) == "protocol-oversized"


# ---- authentic, but not to be taken ---------------------------------------------------------------------------------


def refusal_of(kind: int, values: object, planes: tuple[bytes, ...] = ()) -> RefusedMessage:
    client, engine = opened_pair()
    body = values if isinstance(values, bytes) else msgpack.packb(values)
    with pytest.raises(RefusedMessage) as caught:
        engine.open(sealed_raw(client, kind, body, planes))
    return caught.value


def plane_values(**changes: object) -> dict[str, object]:
    return {"width": 2, "height": 2, "channels": 1, "depth": "u8", "data": 0} | changes


@pytest.mark.parametrize(
    ("values", "planes"),
    [
        (b"\xc1", ()),
        (b"", ()),
        (b"\x80\x80", ()),
        ([1, 2], ()),
        ({"plane": plane_values()}, (bytes(4),)),
        ({"job": 1, "plane": plane_values()}, (bytes(4),)),
        ({"job": "j" * 65, "plane": plane_values()}, (bytes(4),)),
        ({"job": "j", "plane": None}, (bytes(4),)),
        ({"job": "j", "plane": plane_values(width=True)}, (bytes(4),)),
        ({"job": "j", "plane": plane_values(width=2.0)}, (bytes(4),)),
        ({"job": "j", "plane": plane_values(width=-2)}, (bytes(4),)),
        ({"job": "j", "plane": plane_values(width=2**60, height=2**60)}, (bytes(4),)),
        ({"job": "j", "plane": plane_values(depth="u32")}, (bytes(4),)),
        ({"job": "j", "plane": plane_values(data=1)}, (bytes(4),)),
        ({"job": "j", "plane": plane_values(data=-1)}, (bytes(4),)),
        ({"job": "j", "plane": plane_values(data=b"abcd")}, (bytes(4),)),
        ({"job": "j", "plane": plane_values()}, (bytes(5),)),
        ({"job": "j", "plane": plane_values()}, ()),
        ({"job": "j", "plane": plane_values(), 7: 1}, (bytes(4),)),
    ],
)
def test_bodies_that_break_the_rules_are_refused(values: object, planes: tuple[bytes, ...]) -> None:
    assert refusal_of(5, values, planes).code == "protocol-garbage"


def test_a_refusal_names_the_job_so_that_it_can_be_answered() -> None:
    assert refusal_of(5, {"job": "mine", "plane": plane_values(channels=9)}, (bytes(4),)).job == "mine"


def test_a_frame_may_be_used_once_only() -> None:
    picture = {"plane": plane_values()}
    mask = ["Mask", {"alpha": plane_values()}]
    refused = refusal_of(2, {"job": "j", "edit": {"picture": picture, "cues": [mask]}}, (bytes(4),))
    assert refused.code == "protocol-garbage"


@pytest.mark.parametrize("kind", [0, 11, 64, 74, 255])
def test_kinds_that_no_client_sends_are_unknown(kind: int) -> None:
    assert refusal_of(kind, {"job": "j"}).code == "protocol-unknown"


def test_an_unknown_cue_is_named_in_the_refusal() -> None:
    edit = {"picture": {"plane": plane_values()}, "cues": [["Telepathy", {}]]}
    refused = refusal_of(2, {"job": "j", "edit": edit}, (bytes(4),))
    assert (refused.code, refused.job) == ("protocol-unknown", "j")
    assert "Telepathy" in refused.sentence


def test_unknown_fields_are_ignored_and_missing_ones_take_their_defaults() -> None:
    client, engine = opened_pair()
    edit = {
        "picture": {"plane": plane_values(bits=8), "mood": "blue"},
        "cues": [["Instruction", {"text": "x", "tone": 1}]],
    }
    body = msgpack.packb({"job": "j", "edit": edit, "later": {"plane": plane_values(data=1)}})
    message = engine.open(sealed_raw(client, 2, body, (bytes(4), b"for a later version")))
    assert isinstance(message, Submit)
    assert message.purpose == "final"
    assert message.edit.settings.feather_px == 4.0


def test_too_many_items_and_too_deep_nests_are_refused() -> None:
    assert refusal_of(6, {"job": "j", "later": [1] * 5000}).code == "protocol-garbage"
    assert refusal_of(7, b"\x81\xa6number" + b"\x91" * 500_000 + b"\x01").code == "protocol-garbage"
    assert refusal_of(4, {"job": "j", "instruction": {"text": "x" * (2**18 + 1)}}).code == "protocol-garbage"
    assert refusal_of(7, {str(i): 1 for i in range(65)} | {"number": 1}).code == "protocol-garbage"


def test_true_is_not_a_number() -> None:
    assert refusal_of(7, {"number": True}).code == "protocol-garbage"
    assert refusal_of(8, {"shutdown": 1}).code == "protocol-garbage"


def test_text_that_is_not_utf8_is_refused() -> None:
    assert refusal_of(6, b"\x81\xa3job\xa2\xff\xfe").code == "protocol-garbage"


def test_a_welcome_with_a_bad_nonce_does_not_open() -> None:
    client = Channel(KEY, NONCE, "client")
    engine, _ = accept_hello(KEY, client.seal(HELLO), SeenNonces())
    frames = sealed_raw(engine, 64, msgpack.packb({"version": 1, "nonce": b"", "state": dataclasses.asdict(STATE)}))
    assert code_of(lambda: client.open(frames)) == "protocol-garbage"
    assert not client.established


# ---- what cannot be sealed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        Ping(2**70),
        Ping("one"),  # type: ignore[arg-type]
        Cancel("\udc80"),
        Cancel(5),  # type: ignore[arg-type]
        Submit("j", EDIT, "someday"),  # type: ignore[arg-type]
        Submit("j", None),  # type: ignore[arg-type]
        Submit("j", dataclasses.replace(EDIT, cues=(STATE,))),  # type: ignore[arg-type]
    ],
    ids=lambda m: repr(m)[:30],
)
def test_values_that_cannot_be_sent_are_the_callers_fault(message: Message) -> None:
    client, engine = opened_pair()
    with pytest.raises(RequestError, match=type(message).__name__):
        client.seal(message)
    assert engine.open(client.seal(Ping(1))) == Ping(1)


def test_more_than_the_other_side_would_take_is_not_sent() -> None:
    client, _ = opened_pair()
    with pytest.raises(RequestError, match="more than can be sent") as caught:
        client.seal(Read("j", Instruction("x" * wire.MAX_BODY_BYTES)))
    assert caught.value.code == "too-large"
    handle = Handle(Point(0, 0), Point(1, 1))
    with pytest.raises(RequestError, match="4096 items"):
        client.seal(Submit("j", dataclasses.replace(EDIT, cues=(handle,) * 4097)))


def test_whole_numbers_are_sent_where_floats_are_meant() -> None:
    client, engine = opened_pair()
    settings = dataclasses.replace(EDIT.settings, strength=1, feather_px=3)
    message = engine.open(client.seal(Submit("j", dataclasses.replace(EDIT, settings=settings))))
    assert isinstance(message, Submit)
    assert type(message.edit.settings.strength) is float


def test_a_channel_wants_a_whole_key_and_nonce() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Channel(b"short", NONCE, "client")
    with pytest.raises(ValueError, match="16"):
        Channel(KEY, b"short", "client")


def test_a_welcome_before_any_greeting_changes_nothing_for_a_stranger() -> None:
    client = Channel(KEY, NONCE, "client")
    forged = Channel(bytes(32), NONCE, "engine").seal(Welcome(1, ENGINE_NONCE, STATE))
    assert code_of(lambda: client.open(forged)) == "protocol-unauthenticated"
    assert not client.established


def test_large_planes_round_trip() -> None:
    client, engine = opened_pair()
    big = plane(512, 512, 4)
    message = engine.open(client.seal(Echo("j", big)))
    assert isinstance(message, Echo)
    assert message.plane.sha256() == big.sha256()
