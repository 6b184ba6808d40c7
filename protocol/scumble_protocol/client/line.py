"""An open session's connection: what is sealed, what travels in parts, and what of it can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ProtocolError
from ..messages import Message
from ..parcel import Parcel, Sender, session_of_part
from ..pixels import Buffer
from ..wire import Channel, RefusedMessage
from .transport import Transport


@dataclass
class Line:
    """An open session's connection, its seals, and what travels in parts."""

    transport: Transport
    channel: Channel
    sender: Sender
    parcel: Parcel

    def laid(self, frames: Sequence[Buffer]) -> bool:
        """Take a part, and tell the engine now and then how many may follow. Say whether it was one of ours."""
        try:
            if session_of_part(frames) != self.channel.nonce:
                return False
            self.parcel.take(frames)
        except ProtocolError:
            return False
        if (credit := self.parcel.credit()) is not None:
            self.sender.push(credit)
        return True


def opened(channel: Channel, frames: Sequence[Buffer] | None) -> Message | None:
    """Open frames; None for what is not from our engine, or was recorded from it: nobody is to be answered or believed."""
    if frames is None:
        return None
    try:
        return channel.open(frames)
    except RefusedMessage:
        raise
    except ProtocolError:
        return None
