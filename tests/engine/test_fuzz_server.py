"""100,000 mutated messages at a live engine: no crash, no growth, no answer to those who are not authenticated."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import psutil
import pytest
from acting.engine import ActingEngine, edit
from acting.stranger import Stranger
from scumble_protocol.connection import new_key
from scumble_protocol.geometry import Point
from scumble_protocol.messages import (
    Cancel,
    Echo,
    Goodbye,
    Guess,
    Handle,
    Instruction,
    Message,
    Ping,
    Pong,
    Read,
    Submit,
)
from scumble_protocol.pixels import Plane
from scumble_protocol.wire import HEADER_BYTES

MESSAGES = 100_000
WARM_UP = 10_000
GROWTH_BYTES = 16 * 2**20
SEED = 20261122

Frames = list[bytes]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActingEngine]:
    folder = tmp_path_factory.mktemp("f")
    folder.chmod(0o700)
    with ActingEngine(folder) as engine:
        yield engine


def corpus(peer: Stranger) -> list[Frames]:
    """Seal one message of each kind in the peer's session; none of them is sent as it is."""
    plane = Plane(16, 16, 4, "u8", bytes(1024))
    drag = edit("move it")
    messages: list[Message] = [
        Submit("s", drag),
        Submit("p", type(drag)(drag.picture, (*drag.cues, Handle(Point(1, 1), Point(5, 5)))), "preview"),
        Guess("g", drag),
        Read("r", Instruction("make it green")),
        Echo("e", plane),
        Cancel("s"),
        Ping(3),
        Goodbye(True),
    ]
    return [[bytes(frame) for frame in peer.channel.seal(message)] for message in messages]


# ---- mutations: each returns frames that differ from what was sealed ------------------------------------------------


def flip_bit(frames: Frames, rng: random.Random) -> Frames:
    index = rng.choice([index for index, frame in enumerate(frames) if frame])
    changed = bytearray(frames[index])
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return [*frames[:index], bytes(changed), *frames[index + 1 :]]


def overwrite(frames: Frames, rng: random.Random) -> Frames:
    """Put a number that likes to overflow somewhere into the header."""
    number = rng.choice([b"\xff" * 4, b"\x7f" + b"\xff" * 7, b"\0" * 8, b"\x80" + b"\0" * 3, rng.randbytes(8)])
    at = rng.randrange(HEADER_BYTES - len(number))
    header = frames[0][:at] + number + frames[0][at + len(number) :]
    return flip_bit(frames, rng) if header == frames[0] else [header, *frames[1:]]


def cut(frames: Frames, rng: random.Random) -> Frames:
    index = rng.choice([index for index, frame in enumerate(frames) if frame])
    return [*frames[:index], frames[index][: rng.randrange(len(frames[index]))], *frames[index + 1 :]]


def stretch(frames: Frames, rng: random.Random) -> Frames:
    index = rng.randrange(len(frames))
    return [*frames[:index], frames[index] + rng.randbytes(rng.randrange(1, 200)), *frames[index + 1 :]]


def drop_frame(frames: Frames, rng: random.Random) -> Frames:
    index = rng.randrange(len(frames))
    return [*frames[:index], *frames[index + 1 :]] or [b""]


def add_frames(frames: Frames, rng: random.Random) -> Frames:
    return frames + [rng.randbytes(rng.randrange(64)) for _ in range(rng.randrange(1, 40))]


def shuffle(frames: Frames, rng: random.Random) -> Frames:
    return [frames[-1], *frames[:-1]]


def noise(frames: Frames, rng: random.Random) -> Frames:
    return [rng.randbytes(rng.choice([0, 1, HEADER_BYTES, 300])) for _ in range(rng.randrange(1, 6))]


MUTATIONS: tuple[Callable[[Frames, random.Random], Frames], ...] = (
    flip_bit,
    overwrite,
    cut,
    stretch,
    drop_frame,
    add_frames,
    shuffle,
    noise,
)


def barrage(sender: Stranger, bodies: list[Frames], count: int, rng: random.Random) -> None:
    for _ in range(count):
        sender.push(rng.choice(MUTATIONS)(rng.choice(bodies), rng))


def all_heard(peer: Stranger) -> set[str]:
    """Name everything that has come in. The engine probes a guest that is silent for seconds by a pong of number 0."""
    heard = set()
    while (message := peer.hear(0.3)) is not None:
        heard.add(f"{type(message).__name__} {getattr(message, 'number', '')}")
    return heard


def settled(guest: Stranger) -> bool:
    """Say whether the engine still answers; by then it has worked through what was sent before."""
    guest.say(Ping(1))
    return isinstance(guest.hear(30), Pong)


@pytest.mark.slow
def test_mutated_messages_neither_stop_nor_swell_the_engine_nor_are_answered(engine: ActingEngine) -> None:
    server = psutil.Process(engine.process.pid)
    rng = random.Random(SEED)
    with (
        Stranger(engine.info) as guest,
        Stranger(engine.info) as inside,
        Stranger(engine.info) as greeting,
        Stranger(engine.info, new_key()) as outside,
    ):
        guest.enter()
        inside.enter()
        bodies = [*corpus(inside), outside.hello(), greeting.hello()]
        barrage(outside, bodies, WARM_UP // 2, rng)
        barrage(inside, bodies, WARM_UP // 2, rng)
        assert settled(guest)
        before = server.memory_info().rss
        for _ in range(10):  # from one who never had the key, and from the connection of one who has it
            barrage(outside, bodies, MESSAGES // 20, rng)
            barrage(inside, bodies, MESSAGES // 20, rng)
            assert settled(guest), "the engine no longer answers its guest"
        grown = server.memory_info().rss - before
        assert not outside.is_answered()
        assert all_heard(inside) <= {"Pong 0"}, "a message that was changed on its way was taken for a good one"
        assert settled(inside), "the session that was imitated is gone"
        assert grown < GROWTH_BYTES, f"grew by {grown / 2**20:.1f} MiB"
    assert engine.process.poll() is None
    assert "Traceback" not in (engine.logs / "engine.log").read_text()


def test_nonsense_under_a_good_seal_does_not_stop_the_engine(engine: ActingEngine) -> None:
    """A client that holds the key and has gone mad: each message is refused in words, or is a message after all."""
    rng = random.Random(SEED)
    with Stranger(engine.info) as mad:
        mad.enter()
        bodies = corpus(mad)[:-1]  # all but the goodbye
        for _ in range(3_000):
            header, *frames = rng.choice(bodies)
            body, *planes = flip_bit(frames[:1], rng) + frames[1:]
            mad.push(mad.sealed(header[6], body, tuple(planes)))
            while mad.socket.poll(0):
                mad.hear(0)
        heard = all_heard(mad)
        assert any(name.startswith("Failure") for name in heard) or settled(mad)
        mad.say(Goodbye())
    with Stranger(engine.info) as guest:
        guest.enter()
        assert settled(guest)
        guest.say(Goodbye())
    assert "Traceback" not in (engine.logs / "engine.log").read_text()


def test_the_fuzz_would_notice_an_answer(engine: ActingEngine) -> None:
    """The same road, unmutated: what the test above takes for silence is not a peer that cannot be heard."""
    with Stranger(engine.info) as inside:
        inside.enter()
        for frames in corpus(inside)[:1]:
            inside.push(frames)
        assert inside.is_answered(5)
        inside.say(Goodbye())


def test_connections_that_come_and_go_leave_nothing_behind(engine: ActingEngine) -> None:
    server = psutil.Process(engine.process.pid)

    def visit(times: int) -> None:
        for _ in range(times):
            with Stranger(engine.info) as passing:
                passing.push([os.urandom(HEADER_BYTES), b"x"])

    visit(50)
    before, handles = server.memory_info().rss, server.num_fds() if hasattr(server, "num_fds") else 0
    visit(300)
    with Stranger(engine.info) as guest:
        guest.enter()
        assert settled(guest)
        guest.say(Goodbye())
    assert server.memory_info().rss - before < 4 * 2**20
    if handles:
        assert server.num_fds() - handles < 20
