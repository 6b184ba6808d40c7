"""Planes that are too large for one frame: they travel ahead of their message in parts, a few at a time, on the reader's credit.

Pure: bytes in, bytes out. A message without planes may overtake the parts, so pings are answered and cancels heard meanwhile.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
from collections import deque
from collections.abc import Sequence

from .codec import flat, pack
from .errors import ProtocolError
from .messages import Message, Sending, Took
from .pixels import MAX_PLANE_BYTES, Buffer
from .wire import HEADER, HEADER_BYTES, MAX_MESSAGE_BYTES, MAX_PLANES, Channel

PART = struct.Struct(">4s16sIQQ")
PART_MAGIC = b"PART"
PART_BYTES = 2**19  # at 100 kB/s a part still comes every 5 s, and a reader takes 10 s of silence for the end
WINDOW_BYTES = 2**23
TOLD_BYTES = 2**19
_MAPPED_BYTES = 2**20


def is_part(frames: Sequence[Buffer]) -> bool:
    """Say whether these frames claim to be a part rather than a message."""
    return len(frames) == 2 and bytes(frames[0][:4]) == PART_MAGIC


def session_of_part(frames: Sequence[Buffer]) -> bytes:
    """Return the session that a part names. Raises ProtocolError for what is no part."""
    return _head(frames)[0]


def large_bytes(message: Message) -> int:
    """Count the bytes of a message's planes if they have to travel ahead in parts, else return 0."""
    _, planes = pack(message)
    size = sum(plane.nbytes for plane in planes)
    return size if size > PART_BYTES else 0


class Sender:
    """What one side still has to send in one session. `next` cuts and seals as late as can be, so that counters grow in order."""

    def __init__(self, channel: Channel, announces: bool = False) -> None:
        """`announces`: say what is to come, and for which job, before its first part, as clients do."""
        self.small: deque[Message] = deque()
        self._large: deque[tuple[Message, int]] = deque()
        self._announces = announces
        self._channel = channel
        self._cut: _Cut | None = None
        self._in_flight = 0

    def push(self, message: Message) -> None:
        """Queue a message. Raises RequestError when it holds what cannot be sent."""
        size = large_bytes(message)
        if size:
            self._large.append((message, size))
        else:
            self.small.append(message)

    def replace(self, message: Message) -> None:
        """Take back what waits of this message's type and job: a newer one comes, and none of it has left."""
        job = _job_of(message)
        kept = (each for each in self.small if type(each) is not type(message) or _job_of(each) != job)
        self.small = deque(kept)
        self._large = deque(
            item
            for number, item in enumerate(self._large)
            if (number == 0 and self._cut) or type(item[0]) is not type(message) or _job_of(item[0]) != job
        )

    @property
    def waiting_bytes(self) -> int:
        """Count the bytes of planes that have not left yet."""
        return sum(size for _, size in self._large)

    @property
    def stuck(self) -> bool:
        """Say whether the reader owes credit before anything large can go on."""
        return bool(self._large) and self._in_flight > WINDOW_BYTES - PART_BYTES

    def next(self) -> list[Buffer] | None:
        """Return the next frames to send; None when nothing waits, or all that waits needs credit."""
        if self.small:
            return self._channel.seal(self.small.popleft())
        if not self._large or self.stuck:
            return None
        message, size = self._large[0]
        if self._cut is None:
            self._cut = _Cut(self._channel.nonce, pack(message)[1])
            if self._announces:
                return self._channel.seal(Sending(_job_of(message), size))
        part = self._cut.next()
        if part is not None:
            self._in_flight += flat(part[1]).nbytes
            return part
        self._cut = None
        self._large.popleft()
        return self._channel.seal(message)[:2]

    def took(self, size: int) -> None:
        """Note that the reader has taken parts of `size` bytes."""
        self._in_flight = max(0, self._in_flight - size)

    def drop(self, job: str) -> bool:
        """Take a job's large message back if it has not left whole; say whether it was there."""
        kept = [item for item in self._large if _job_of(item[0]) != job]
        dropped = len(kept) < len(self._large)
        if dropped and (not kept or kept[0] is not self._large[0]):
            self._cut = None
        self._large = deque(kept)
        return dropped

    def drop_large(self) -> None:
        """Take everything large back."""
        self._large.clear()
        self._cut = None


class _Cut:
    """The planes of one message, part by part."""

    def __init__(self, session: bytes, planes: Sequence[memoryview]) -> None:
        self._session, self._planes = session, planes
        self._plane = self._offset = 0

    def next(self) -> list[Buffer] | None:
        while self._plane < len(self._planes):
            plane = self._planes[self._plane]
            if self._offset < plane.nbytes or plane.nbytes == 0 == self._offset:
                head = PART.pack(PART_MAGIC, self._session, self._plane, self._offset, plane.nbytes)
                piece = plane[self._offset : self._offset + PART_BYTES]
                self._offset += max(1, piece.nbytes)
                return [head, piece]
            self._plane, self._offset = self._plane + 1, 0
        return None


class Parcel:
    """The planes that one peer sends ahead of its next message. Memory is taken as bytes come, and never more than `limit`."""

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self.limit = limit
        self._planes: list[memoryview] = []
        self._have = 0
        self._claimed = 0
        self._untold = 0

    def take(self, frames: Sequence[Buffer]) -> None:
        """Lay a part beside the ones before. Raises ProtocolError for what is out of order or too much."""
        piece = flat(frames[1])
        self._untold += piece.nbytes  # also what is not kept: its sender has to go on with something else
        _, number, offset, size = _head(frames)
        if offset == 0:
            self._begin(number, size)
        if number != len(self._planes) - 1 or offset != self._have or offset + piece.nbytes > self._planes[-1].nbytes:
            raise ProtocolError("A part of a plane is out of order.", "protocol-garbage")
        self._planes[-1][offset : offset + piece.nbytes] = piece
        self._have += piece.nbytes

    def credit(self) -> Took | None:
        """Return what to tell the sender, now and then."""
        if self._untold < TOLD_BYTES:
            return None
        told, self._untold = Took(self._untold), 0
        return told

    def joined(self, frames: Sequence[Buffer]) -> Sequence[Buffer]:
        """Return a message's frames with the planes that came ahead of it, if it has any."""
        if len(frames) != 2 or not self._planes or not _claims_planes(frames[0]) or not self._whole:
            return frames
        whole = [*frames, *self._planes]
        self.clear()
        return whole

    def clear(self) -> None:
        """Let go of what has come; what was taken is still to be told."""
        self._planes, self._have, self._claimed = [], 0, 0

    @property
    def _whole(self) -> bool:
        return not self._planes or self._have == self._planes[-1].nbytes

    def _begin(self, number: int, size: int) -> None:
        if number == 0:
            self.clear()
        if number != len(self._planes) or not self._whole:
            raise ProtocolError("A part of a plane is out of order.", "protocol-garbage")
        self._claimed += size
        if size > MAX_PLANE_BYTES or self._claimed > self.limit or len(self._planes) >= MAX_PLANES:
            raise ProtocolError("The planes are larger than was said or is allowed.", "protocol-oversized")
        room: Buffer = memoryview(_mapped(size)) if size >= _MAPPED_BYTES else bytearray(size)
        self._planes.append(memoryview(room))
        self._have = 0


def _mapped(size: int) -> mmap.mmap:
    """Return memory whose pages come as bytes do: no one zeroes it while others wait, and large pages are taken where there are any."""
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows
        return mmap.mmap(-1, size)
    room = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without them
            room.madvise(mmap.MADV_HUGEPAGE)
    return room


def _job_of(message: Message) -> str:
    job = getattr(message, "job", "")
    return job if isinstance(job, str) else ""


def _head(frames: Sequence[Buffer]) -> tuple[bytes, int, int, int]:
    if len(frames) != 2 or len(frames[0]) != PART.size:
        raise ProtocolError("A part of a plane has a wrong head.", "protocol-garbage")
    _, session, number, offset, size = PART.unpack(frames[0])
    return session, number, offset, size


def _claims_planes(header: Buffer) -> bool:
    return len(header) == HEADER_BYTES and HEADER.unpack(header)[7] > 0
