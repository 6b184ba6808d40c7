"""ZMTP 3.1 as bytes: greeting, frames, properties. Pure: no socket here (ZeroMQ's RFCs 23, 24 and 37)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..pixels import Buffer
from ..wire import MAX_FRAME_BYTES

MORE, LONG, COMMAND = 1, 2, 4
MECHANISM = b"PLAIN"
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x01" + MECHANISM.ljust(20, b"\0") + b"\0" + bytes(31)
MAX_COMMAND_BYTES = 4096

_SCRATCH_BYTES = 2**16
_JOINED_BYTES = 2**13


class Violation(Exception):
    """The peer broke ZMTP, or sent more than is allowed."""


@dataclass(frozen=True)
class Frame:
    """One ZMTP frame: its flag bits and its bytes."""

    flags: int
    body: memoryview


class FrameReader:
    """Bytes in, frames out. Large bodies are read straight into their own memory, after their size was checked."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scratch = memoryview(bytearray(_SCRATCH_BYTES))
        self._body: memoryview | None = None
        self._flags = 0
        self._have = 0

    def space(self) -> memoryview:
        """Return where the next bytes should be put."""
        return self._scratch if self._body is None else self._body[self._have :]

    def filled(self, count: int) -> Iterator[Frame]:
        """Take note of `count` bytes in `space()`; yield the frames that they complete."""
        if self._body is None:
            self._pending += self._scratch[:count]
        else:
            self._have += count
            if self._have == len(self._body):
                frame, self._body = Frame(self._flags, self._body), None
                yield frame
        while self._body is None and (whole := self._next()) is not None:
            yield whole

    def _next(self) -> Frame | None:
        """Cut a frame off `_pending`, or begin a body that is still under way."""
        head = self._head()
        if head is None:
            return None
        flags, start, size = head
        body = self._pending[start : start + size]
        if len(body) == size:
            del self._pending[: start + size]
            return Frame(flags, memoryview(body))
        self._have, self._flags = len(body), flags
        self._body = memoryview(bytearray(size))
        self._body[: self._have] = body
        self._pending.clear()
        return None

    def _head(self) -> tuple[int, int, int] | None:
        """Return flags, header size and body size, once they are there and allowed."""
        if not self._pending:
            return None
        flags = self._pending[0]
        if flags & ~(MORE | LONG | COMMAND) or flags & (MORE | COMMAND) == MORE | COMMAND:
            raise Violation("unknown frame flags")
        start = 9 if flags & LONG else 2
        if len(self._pending) < start:
            return None
        size = int.from_bytes(self._pending[1:start], "big")
        if size > (MAX_COMMAND_BYTES if flags & COMMAND else MAX_FRAME_BYTES):
            raise Violation("a frame is too large")
        return flags, start, size


def coded(frames: Iterable[tuple[int, Buffer]]) -> Iterator[memoryview]:
    """Yield the bytes of frames, given with their flags: small ones joined to one piece, large ones as they lie."""
    joined = bytearray()
    for flags, frame in frames:
        body = memoryview(frame)
        size = body.nbytes
        joined += struct.pack(">BQ", flags | LONG, size) if size > 255 else bytes([flags, size])
        if size <= _JOINED_BYTES:
            joined += body
            continue
        yield memoryview(joined)
        joined = bytearray()
        yield body.cast("B")
    if joined:
        yield memoryview(joined)


def hello_command(user: str, password: str) -> tuple[int, bytes]:
    """Return the flags and body of PLAIN's HELLO: each text of at most 255 bytes."""
    texts = (text.encode() for text in (user, password))
    return COMMAND, b"\x05HELLO" + b"".join(bytes([len(text)]) + text for text in texts)


def initiate_command(kind: bytes) -> tuple[int, bytes]:
    """Return the flags and body of PLAIN's INITIATE of a socket of some type, without an identity."""
    properties = ((b"Socket-Type", kind), (b"Identity", b""))
    coded_properties = (bytes([len(key)]) + key + struct.pack(">I", len(value)) + value for key, value in properties)
    return COMMAND, b"\x08INITIATE" + b"".join(coded_properties)


def socket_type(metadata: bytes) -> bytes:
    """Return the Socket-Type of a READY command's properties (name size, name, value size, value; names in any case)."""
    while metadata:
        name_end = 1 + metadata[0]
        value_at = name_end + 4
        value_end = value_at + int.from_bytes(metadata[name_end:value_at], "big")
        if metadata[1:name_end].lower() == b"socket-type":
            return metadata[value_at:value_end]
        metadata = metadata[value_end:]
    return b""
