"""Large planes in parts: cut, overtaken, joined, and never more than there is credit or room for."""

from __future__ import annotations

import os

import pytest
from protocol.samples import opened_pair
from scumble_protocol.errors import ProtocolError
from scumble_protocol.messages import Cancel, Echo, Echoed, Message, Ping, Sending, Took
from scumble_protocol.parcel import PART, PART_BYTES, PART_MAGIC, TOLD_BYTES, WINDOW_BYTES, Parcel, Sender, is_part
from scumble_protocol.pixels import Buffer, Plane
from scumble_protocol.wire import Channel

SIDE = 1500  # 2.25 MB: parts that do not come out even


def plane(side: int = SIDE) -> Plane:
    return Plane(side, side, 1, "u8", os.urandom(side * side))


def taken(parcel: Parcel, channel: Channel, frames: list[Buffer]) -> Message | None:
    copied = [bytes(frame) for frame in frames]
    if is_part(copied):
        parcel.take(copied)
        return None
    return channel.open(parcel.joined(copied))


def test_a_large_plane_comes_out_as_it_was_and_a_ping_and_a_cancel_overtake_it() -> None:
    client, engine = opened_pair()
    sender, parcel = Sender(client, announces=True), Parcel()
    sent = plane()
    sender.push(Echo("e", sent))
    heard: list[Message] = []
    for number in range(20):
        if number == 4:
            sender.push(Ping(7))
            sender.push(Cancel("other"))
        if (frames := sender.next()) is not None and (message := taken(parcel, engine, frames)):
            heard.append(message)
    assert heard[:3] == [Sending("e", SIDE * SIDE), Ping(7), Cancel("other")]
    echo = heard[3]
    assert isinstance(echo, Echo)
    assert echo.plane.sha256() == sent.sha256()
    assert sender.next() is None


def test_no_more_than_a_window_leaves_without_credit_and_credit_brings_the_rest() -> None:
    client, engine = opened_pair()
    sender, parcel = Sender(engine), Parcel()
    sender.push(Echoed("e", plane(3000)))
    on_the_way = 0
    while (frames := sender.next()) is not None:
        on_the_way += len(frames[1])
        assert taken(parcel, client, frames) is None
    assert WINDOW_BYTES - PART_BYTES < on_the_way <= WINDOW_BYTES
    assert sender.stuck
    message = None
    while message is None:
        credit = parcel.credit()
        assert credit is not None
        assert credit.size >= TOLD_BYTES
        sender.took(credit.size)
        while (frames := sender.next()) is not None:
            message = taken(parcel, client, frames)
    assert isinstance(message, Echoed)
    assert sender.waiting_bytes == 0


def test_a_job_that_was_taken_back_leaves_room_for_the_next() -> None:
    client, engine = opened_pair()
    sender, parcel = Sender(client), Parcel()
    sender.push(Echo("gone", plane()))
    for _ in range(3):
        taken(parcel, engine, sender.next() or [])
    assert sender.drop("gone")
    assert not sender.drop("gone")
    sent = plane(900)
    sender.push(Echo("next", sent))
    heard = [taken(parcel, engine, frames) for frames in iter(sender.next, None)]
    echo = heard[-1]
    assert isinstance(echo, Echo)
    assert (echo.job, echo.plane.sha256()) == ("next", sent.sha256())


def part(number: int, offset: int, size: int, body: bytes = b"x") -> list[bytes]:
    return [PART.pack(PART_MAGIC, bytes(16), number, offset, size), body]


@pytest.mark.parametrize(
    "parts",
    [
        [part(0, 1, 10)],
        [part(1, 0, 10)],
        [part(0, 0, 10), part(0, 5, 10)],
        [part(0, 0, 10), part(1, 0, 10)],
        [part(0, 0, 10), part(0, 1, 10, b"x" * 10)],
        [part(0, 0, 101)],
        [part(0, 0, 60, b"x" * 60), part(1, 0, 60)],
        [part(0, 0, 2**31)],
        [[b"PART", b""]],
    ],
    ids=[
        "no start",
        "plane 1 first",
        "a gap",
        "unfinished",
        "too much",
        "over the room",
        "two over",
        "huge",
        "no head",
    ],
)
def test_what_is_out_of_order_or_too_much_is_refused(parts: list[list[bytes]]) -> None:
    parcel = Parcel(100)
    for good in parts[:-1]:
        parcel.take(good)
    with pytest.raises(ProtocolError):
        parcel.take(parts[-1])


def test_credit_is_given_for_what_is_refused_too() -> None:
    """Its sender has other things to send, and must not wait for ever."""
    parcel = Parcel(0)
    with pytest.raises(ProtocolError):
        parcel.take(part(0, 0, TOLD_BYTES, bytes(TOLD_BYTES)))
    assert parcel.credit() == Took(TOLD_BYTES)
