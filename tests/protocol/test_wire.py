"""Sealing, opening, and everything that must not open."""

from __future__ import annotations

import dataclasses
import struct

import pytest
from protocol.samples import (
    CLIENT_MESSAGES,
    ENGINE_MESSAGES,
    HELLO,
    KEY,
    NONCE,
    STATE,
    WELCOME,
    code_of,
    opened_pair,
    owned,
)
from scumble_protocol import wire
from scumble_protocol.errors import ProtocolError, RequestError
from scumble_protocol.messages import (
    Cancel,
    Echo,
    Failure,
    Hello,
    Message,
    Ping,
    Pong,
)
from scumble_protocol.pixels import Plane
from scumble_protocol.wire import Channel, SeenNonces, accept_hello, choose_version, peek


@pytest.mark.parametrize("message", CLIENT_MESSAGES, ids=lambda m: type(m).__name__)
def test_what_a_client_says_arrives_as_it_was(message: Message) -> None:
    client, engine = opened_pair()
    assert engine.open(owned(client.seal(message))) == message


@pytest.mark.parametrize("message", ENGINE_MESSAGES, ids=lambda m: type(m).__name__)
def test_what_an_engine_says_arrives_as_it_was(message: Message) -> None:
    client, engine = opened_pair()
    assert client.open(owned(engine.seal(message))) == message


def test_the_greeting_arrives_as_it_was() -> None:
    client = Channel(KEY, NONCE, "client")
    engine, hello = accept_hello(KEY, client.seal(HELLO), SeenNonces())
    assert hello == HELLO
    assert client.open(engine.seal(WELCOME)) == WELCOME
    assert client.established
    assert engine.established


def test_planes_are_neither_copied_nor_joined() -> None:
    data = bytearray(64 * 64 * 4)
    client, engine = opened_pair()
    frames = client.seal(Echo("j", Plane(64, 64, 4, "u8", data)))
    assert isinstance(frames[2], memoryview)
    assert frames[2].obj is data
    echoed = engine.open(frames)
    assert isinstance(echoed, Echo)
    assert isinstance(echoed.plane.data, memoryview)
    assert echoed.plane.data.obj is data


def test_a_buffer_of_any_shape_is_sent_as_bytes() -> None:
    client, engine = opened_pair()
    numbers = memoryview(struct.pack("<4f", 1, 2, 3, 4)).cast("f", (2, 2))
    message = engine.open(client.seal(Echo("j", Plane(2, 2, 1, "f32", numbers))))
    assert isinstance(message, Echo)
    assert bytes(message.plane.data) == struct.pack("<4f", 1, 2, 3, 4)


def test_a_buffer_with_gaps_is_refused_with_a_sentence() -> None:
    client, _ = opened_pair()
    gapped = memoryview(bytes(8))[::2]
    with pytest.raises(RequestError, match="one piece"):
        client.seal(Echo("j", Plane(2, 2, 1, "u8", gapped)))


# ---- what must not open ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [0, 1, 2, 3])
def test_one_changed_bit_in_any_frame_breaks_the_seal(frame: int) -> None:
    client, engine = opened_pair()
    frames = owned(client.seal(CLIENT_MESSAGES[0]))
    touched = bytearray(frames[frame])
    touched[-1] ^= 1
    frames[frame] = bytes(touched)
    assert code_of(lambda: engine.open(frames)) == "protocol-unauthenticated"


@pytest.mark.parametrize("offset", [4, 5, 6, 7, 8, 31])
def test_every_header_field_is_under_the_seal(offset: int) -> None:
    client, engine = opened_pair()
    frames = owned(client.seal(Ping(1)))
    touched = bytearray(frames[0])
    touched[offset] ^= 1
    assert code_of(lambda: engine.open([bytes(touched), frames[1]])) == "protocol-unauthenticated"


def test_planes_cannot_change_places() -> None:
    client, engine = opened_pair()
    frames = owned(client.seal(CLIENT_MESSAGES[0]))
    frames[4], frames[5] = frames[5], frames[4]
    assert code_of(lambda: engine.open(frames)) == "protocol-unauthenticated"


def test_bytes_cannot_move_from_one_plane_to_the_next() -> None:
    client, engine = opened_pair()
    frames = owned(client.seal(CLIENT_MESSAGES[0]))
    frames[4], frames[5] = bytes(frames[4])[:-1], bytes(frames[4])[-1:] + bytes(frames[5])
    assert code_of(lambda: engine.open(frames)) == "protocol-unauthenticated"


def test_another_key_gets_no_session() -> None:
    stranger = Channel(bytes(32), NONCE, "client")
    assert code_of(lambda: accept_hello(KEY, stranger.seal(HELLO), SeenNonces())) == "protocol-unauthenticated"


def test_a_message_opens_once() -> None:
    client, engine = opened_pair()
    frames = owned(client.seal(Ping(1)))
    engine.open(frames)
    assert code_of(lambda: engine.open(frames)) == "protocol-replayed"


def test_an_older_message_does_not_open_after_a_newer_one() -> None:
    client, engine = opened_pair()
    first, second = owned(client.seal(Ping(1))), owned(client.seal(Ping(2)))
    engine.open(second)
    assert code_of(lambda: engine.open(first)) == "protocol-replayed"


def test_a_forged_message_does_not_advance_the_counter() -> None:
    client, engine = opened_pair()
    forged = owned(client.seal(Ping(1)))
    far = bytearray(forged[0])
    far[24:32] = b"\xff" * 8
    assert code_of(lambda: engine.open([bytes(far), forged[1]])) == "protocol-unauthenticated"
    assert engine.open(forged) == Ping(1)


def test_a_message_does_not_open_at_its_sender() -> None:
    client, engine = opened_pair()
    assert code_of(lambda: client.open(client.seal(Ping(1)))) == "protocol-unauthenticated"
    assert code_of(lambda: engine.open(engine.seal(Pong(1, STATE)))) == "protocol-unauthenticated"


def test_a_recorded_session_does_not_open_in_a_later_one_with_the_same_nonce() -> None:
    recorded_client, _ = opened_pair()
    recorded = owned(recorded_client.seal(Cancel("job-1")))
    _, later_engine = opened_pair(engine_nonce=bytes(16))
    assert code_of(lambda: later_engine.open(recorded)) == "protocol-unauthenticated"


def test_a_recorded_welcome_does_not_open_in_another_session() -> None:
    first = Channel(KEY, NONCE, "client")
    engine, _ = accept_hello(KEY, first.seal(HELLO), SeenNonces())
    welcome = owned(engine.seal(WELCOME))
    second = Channel(KEY, bytes(16), "client")
    second.seal(Hello("x", (1,), bytes(16)))
    assert code_of(lambda: second.open(welcome)) == "protocol-unauthenticated"


def test_a_greeting_is_short_and_a_session_begins_with_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Channel(KEY, NONCE, "client").seal(dataclasses.replace(HELLO, client="x" * 5000))
    other, _ = opened_pair()
    monkeypatch.setattr(wire, "_mac", lambda *_: pytest.fail("hashed what cannot be a greeting"))
    assert code_of(lambda: accept_hello(KEY, long, SeenNonces())) == "protocol-garbage"
    monkeypatch.undo()
    assert code_of(lambda: accept_hello(KEY, other.seal(Ping(1)), SeenNonces())) == "protocol-garbage"


def test_a_replayed_greeting_gets_no_session() -> None:
    seen = SeenNonces()
    hello = owned(Channel(KEY, NONCE, "client", 5).seal(HELLO))
    accept_hello(KEY, hello, seen)
    assert code_of(lambda: accept_hello(KEY, hello, seen)) == "protocol-replayed"


def test_a_greeting_that_was_forgotten_still_gets_no_session() -> None:
    seen = SeenNonces(limit=3)
    for stamp in range(1, 6):
        seen.admit(bytes([stamp] * 16), stamp)
    for stamp in range(1, 6):
        assert code_of(lambda stamp=stamp: seen.admit(bytes([stamp] * 16), stamp)) == "protocol-replayed"  # type: ignore[misc]
    seen.admit(bytes(16), 6)


def test_the_memory_of_greetings_is_bounded() -> None:
    seen = SeenNonces(limit=8)
    for stamp in range(1, 100):
        seen.admit(stamp.to_bytes(16, "big"), stamp)
    assert len(seen) == 8


# ---- turns and versions ---------------------------------------------------------------------------------------------


def test_nothing_but_a_greeting_is_sent_first() -> None:
    with pytest.raises(ValueError, match="before the session is open"):
        Channel(KEY, NONCE, "client").seal(Ping(1))


def test_a_client_cannot_send_what_engines_say() -> None:
    client, _ = opened_pair()
    with pytest.raises(ValueError, match="direction"):
        client.seal(Pong(1, STATE))


def test_a_message_of_another_session_is_refused_without_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = opened_pair()
    frames = client.seal(Ping(1))
    monkeypatch.setattr(wire, "_mac", lambda *_: pytest.fail("hashed another session's message"))
    assert code_of(lambda: Channel(KEY, bytes(16), "engine").open(frames)) == "protocol-unauthenticated"


def test_a_second_greeting_does_not_open() -> None:
    _, engine = opened_pair()
    again = Channel(KEY, NONCE, "client", first_counter=2000).seal(HELLO)
    assert code_of(lambda: engine.open(again)) == "protocol-unauthenticated"


def test_a_greeting_must_name_the_session_of_its_header() -> None:
    frames = Channel(KEY, NONCE, "client").seal(Hello("x", (1,), bytes(16)))
    assert code_of(lambda: accept_hello(KEY, frames, SeenNonces())) == "protocol-garbage"


def test_versions_that_fit_are_chosen() -> None:
    assert choose_version((3, 1, 2)) == 1


def test_versions_that_do_not_fit_get_a_sentence_that_names_both() -> None:
    with pytest.raises(ProtocolError, match=r"2, 3.*the other 1.*same release") as caught:
        choose_version((2, 3))
    assert caught.value.code == "protocol-version"


def test_a_client_of_another_major_is_told_so_and_can_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PROTOCOL_VERSION", (7, 3))
    client = Channel(KEY, NONCE, "client")
    hello_of_7 = client.seal(Hello("future", (7,), NONCE))
    monkeypatch.undo()
    engine, hello = accept_hello(KEY, hello_of_7, SeenNonces())
    assert peek(hello_of_7).major == 7
    with pytest.raises(ProtocolError) as caught:
        choose_version(hello.versions)
    refusal = Failure("", caught.value.code, caught.value.sentence)
    assert client.open(engine.seal(refusal)) == refusal
    assert not client.established


def test_another_major_in_mid_session_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    client, engine = opened_pair()
    monkeypatch.setattr(wire, "PROTOCOL_VERSION", (2, 0))
    assert code_of(lambda: engine.open(client.seal(Ping(1)))) == "protocol-version"


def test_a_newer_minor_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    client, engine = opened_pair()
    monkeypatch.setattr(wire, "PROTOCOL_VERSION", (1, 9))
    assert engine.open(client.seal(Ping(1))) == Ping(1)
