"""What a live engine does with peers that do not hold the key, or use it wrongly: nothing, and it goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from acting.engine import ActingEngine, edit, eventually, final_of
from acting.stranger import Stranger
from scumble_engine.listen import MAX_GUESTS
from scumble_protocol.connection import new_key
from scumble_protocol.messages import (
    Accepted,
    Cancel,
    Echo,
    Echoed,
    Failure,
    Goodbye,
    Guess,
    Instruction,
    Message,
    Ping,
    Read,
    Result,
    Submit,
)
from scumble_protocol.pixels import Plane
from scumble_protocol.wire import Channel


@pytest.fixture
def stranger(engine: ActingEngine) -> Iterator[Stranger]:
    with Stranger(engine.info) as stranger:
        yield stranger


@pytest.fixture
def guest(stranger: Stranger) -> Iterator[Stranger]:
    stranger.enter()
    yield stranger
    stranger.say(Goodbye())


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
    assert stranger.answers_to_ping()
    stranger.say(Goodbye())
    with Stranger(engine.info) as echoing:
        echoing.push(hello)
        assert not echoing.is_answered()


# ---- a session's messages -------------------------------------------------------------------------------------------


def test_a_message_sent_twice_is_done_once(guest: Stranger) -> None:
    frames = guest.say(Submit("once", edit("steps 1 0")))
    for _ in range(3):
        guest.push(frames)
    assert guest.answers_to_ping()
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
    assert guest.answers_to_ping()


def test_pixels_that_were_changed_on_the_way_are_not_taken(guest: Stranger) -> None:
    frames = [bytes(frame) for frame in guest.channel.seal(Echo("e", Plane(64, 64, 4, "u8", bytes(2**14))))]
    guest.push(tampered(frames, 2, 5000))
    assert not guest.is_answered()
    assert guest.answers_to_ping()


@pytest.mark.parametrize("change", ["fewer", "more", "shorter"])
def test_a_message_that_was_cut_or_stretched_is_not_answered_and_the_session_goes_on(
    guest: Stranger, change: str
) -> None:
    frames = [bytes(frame) for frame in guest.channel.seal(Echo("e", Plane(8, 8, 4, "u8", bytes(256))))]
    changed = {"fewer": frames[:2], "more": [*frames, b"x"], "shorter": [*frames[:2], frames[2][:-1]]}[change]
    guest.push(changed)
    assert not guest.is_answered()
    assert guest.answers_to_ping()


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
    assert guest.answers_to_ping()


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


def test_strangers_at_a_live_engine_leave_its_own_guests_alone(engine: ActingEngine, guest: Stranger) -> None:
    with Stranger(replace(engine.info), new_key()) as stranger:
        for _ in range(50):
            stranger.push(stranger.hello())
            stranger.push([os.urandom(80), os.urandom(40)])
    assert guest.answers_to_ping()
