"""One value of every message and cue, small and with nothing left at its default, and channels to send them over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from scumble_protocol import wire
from scumble_protocol.errors import ProtocolError
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import (
    Accepted,
    AddStrokes,
    Cancel,
    Character,
    ColorStrokes,
    Echo,
    Echoed,
    Edit,
    EngineState,
    Failure,
    Goodbye,
    Grab,
    Guess,
    Guessed,
    Handle,
    Hello,
    Instruction,
    Mask,
    Message,
    Ping,
    Pong,
    Preview,
    Progress,
    PromptPair,
    Provenance,
    Queued,
    Read,
    Reading,
    Result,
    Sending,
    Settings,
    Slide,
    Submit,
    SubtractStrokes,
    Took,
    Welcome,
)
from scumble_protocol.pixels import Buffer, Depth, Picture, Plane, plane_bytes
from scumble_protocol.wire import Channel, SeenNonces, accept_hello
from scumble_protocol.wording import said

Frames = list[Buffer]

KEY = bytes(range(32))
NONCE = bytes(range(100, 116))
ENGINE_NONCE = bytes(range(200, 216))
STATE = EngineState("0.1.0", "ready", "tiny", "cpu", ("Handle", "Instruction"), 2, "no weights")
PAIR = PromptPair("a red apple", "a green apple", ("green",), ("apple",), "recolor")


def plane(width: int = 3, height: int = 2, channels: int = 1, depth: Depth = "u8", first: int = 1) -> Plane:
    size = plane_bytes(width, height, channels, depth)
    return Plane(width, height, channels, depth, bytes((first + i) % 256 for i in range(size)))


EDIT = Edit(
    Picture(plane(channels=4, depth="u16"), "icc", b"profile" * 200),
    (
        Handle(Point(0.5, 0.5), Point(2.25, 1.5)),
        AddStrokes(plane(first=2)),
        SubtractStrokes(plane(first=3)),
        ColorStrokes(plane(channels=4, first=4)),
        PAIR,
        Mask(plane(first=5)),
        Grab(plane(first=6)),
    ),
    Settings("latent", 0.75, 12, 2**32 - 1, "lora", 7.5),
)
CHARACTER = Character("creatures", Bounds(0, 0, 3, 2), "AACAPwAAAEA=", "6f1f")
SLID = Edit(Picture(plane(channels=3)), (CHARACTER, Slide("ear_length", -1.5)), Settings("gan"))
WORDS = Edit(Picture(plane(channels=3)), (Instruction("mach den Apfel grün 🍏"),))

CLIENT_MESSAGES: tuple[Message, ...] = (
    Submit("job-1", EDIT, "preview"),
    Submit("job-2", WORDS),
    Submit("job-6", SLID),
    Guess("job-3", EDIT),
    Read("job-4", Instruction("make it green"), "a red apple"),
    Echo("job-5", plane(4, 4, 4, "f32")),
    Cancel("job-1"),
    Sending("job-1", 2**30),
    Took(2**19),
    Ping(7),
    Goodbye(True),
)
ENGINE_MESSAGES: tuple[Message, ...] = (
    Accepted("job-1"),
    Queued("job-1", 3),
    Progress("job-1", 4, 20, 1.5, "inverting"),
    Preview("job-1", Bounds(-1, -2, 3, 2), plane(channels=4)),
    Result(
        "job-1",
        Bounds(0, 1, 3, 2),
        plane(channels=4, depth="u16"),
        Provenance("0.1.0", "warp", "photo-fill", "6f1f", "none", 1, 9, "cpu", 1.25, 3, 4096),
        ("The mask is empty.", said("“{word}” is read as {kind}.", word="hat", kind="a thing")),
        PAIR,
        character=CHARACTER,
    ),
    Guessed("job-3", ("a hat", "a cat"), (0.75, 0.25)),
    Reading("job-4", PAIR, "a guess"),
    Echoed("job-5", plane(4, 4, 4, "f32")),
    Failure("job-1", "cancelled", "The edit was cancelled."),
    Failure("job-3", "unsure-reading", "Not sure.", reading=PAIR),
    Failure("job-2", "bad-handle", said("Handle {number} starts outside the picture.", number=2)),
    Pong(7, STATE),
    Took(2**20),
)
HELLO = Hello("krita 5.2.9", (1,), NONCE, (64, 75))
WELCOME = Welcome(1, ENGINE_NONCE, STATE, (1, 9))


def opened_pair(key: bytes = KEY, engine_nonce: bytes = ENGINE_NONCE) -> tuple[Channel, Channel]:
    client = Channel(key, NONCE, "client", first_counter=1000)
    engine, _ = accept_hello(key, client.seal(HELLO), SeenNonces())
    client.open(engine.seal(dataclasses.replace(WELCOME, nonce=engine_nonce)))
    return client, engine


def sealed_raw(channel: Channel, kind: int, body: bytes, planes: tuple[bytes, ...] = ()) -> Frames:
    """Seal any body, as a peer with the key but of another mind would."""
    channel._sent += 1
    fields = (b"SCUM", 1, 0, kind, 0, channel.nonce, channel._sent, len(planes), len(body))
    mac = wire._mac(channel._outgoing, wire.HEADER.pack(*fields, b""), body, [memoryview(p) for p in planes])
    return [wire.HEADER.pack(*fields, mac), body, *planes]


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(ProtocolError) as caught:
        action()
    assert caught.value.sentence.endswith(".")
    return caught.value.code


def owned(frames: Frames) -> Frames:
    return [bytes(frame) for frame in frames]
