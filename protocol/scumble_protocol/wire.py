"""Messages <-> authenticated frames: [header, body, plane, plane, …]. Pure: bytes in, bytes out; SPEC.md says it in prose.

Nothing here opens a socket, reads a clock or draws a random number.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import PROTOCOL_VERSION, messages
from .codec import MAX_BODY_BYTES, build, flat, pack, unpack_map
from .errors import ProtocolError
from .messages import Failure, Hello, Message, Welcome
from .pixels import MAX_PLANE_BYTES, Buffer
from .wording import said

MAGIC = b"SCUM"
HEADER = struct.Struct(">4sBBBB16sQII32s")
HEADER_BYTES = HEADER.size
MAC_BYTES = 32
NONCE_BYTES = 16
KEY_BYTES = 32
MAX_PLANES = 32
MAX_FRAME_BYTES = 2**20
MAX_MESSAGE_BYTES = 2 * MAX_PLANE_BYTES
MAX_JOB_CHARS = 64
MAX_HELLO_BYTES = 4096

SPOKEN_MAJORS = (PROTOCOL_VERSION[0],)

CLIENT_KINDS: dict[int, type[Any]] = {
    1: messages.Hello,
    2: messages.Submit,
    3: messages.Guess,
    4: messages.Read,
    5: messages.Echo,
    6: messages.Cancel,
    7: messages.Ping,
    8: messages.Goodbye,
    9: messages.Sending,
    10: messages.Took,
}
ENGINE_KINDS: dict[int, type[Any]] = {
    64: messages.Welcome,
    65: messages.Accepted,
    66: messages.Queued,
    67: messages.Progress,
    68: messages.Preview,
    69: messages.Result,
    70: messages.Guessed,
    71: messages.Reading,
    72: messages.Echoed,
    73: messages.Failure,
    74: messages.Pong,
    75: messages.Took,
}
HELLO_KIND = 1
KNOWN_TO_CLIENTS = tuple(ENGINE_KINDS)
KNOWN_TO_ENGINES = tuple(CLIENT_KINDS)

Side = Literal["client", "engine"]


class RefusedMessage(ProtocolError):
    """An authentic message that cannot be taken: its sender may be answered. `job` is "" where none could be read."""

    def __init__(self, sentence: str, code: str, job: str) -> None:
        super().__init__(sentence, code)
        self.job = job


@dataclass(frozen=True)
class Header:
    """What a header claims. Nothing in it is to be trusted before `Channel.open` has returned."""

    major: int
    minor: int
    kind: int
    session: bytes
    counter: int
    body_bytes: int
    planes: int
    mac: bytes


def peek(frames: Sequence[Buffer]) -> Header:
    """Read the header and check every count and size, before anything is hashed or allocated; trust nothing yet.

    Raises ProtocolError "protocol-garbage" or "protocol-oversized".
    """
    if not 2 <= len(frames) <= 2 + MAX_PLANES or _size(frames[0]) != HEADER_BYTES:
        raise ProtocolError(
            "A message has the wrong number of frames or a header of the wrong size.", "protocol-garbage"
        )
    magic, major, minor, kind, _, session, counter, planes, body_bytes, mac = HEADER.unpack(frames[0])
    if magic != MAGIC:
        raise ProtocolError("A message does not begin as Scumble's messages do.", "protocol-garbage")
    if planes != len(frames) - 2 or body_bytes != _size(frames[1]):
        raise ProtocolError("A message was cut short or has frames too many.", "protocol-garbage")
    sizes = [_size(frame) for frame in frames[2:]]
    if body_bytes > MAX_BODY_BYTES or max(sizes, default=0) > MAX_PLANE_BYTES or sum(sizes) > MAX_MESSAGE_BYTES:
        raise ProtocolError("A message is larger than this protocol allows.", "protocol-oversized")
    return Header(major, minor, kind, session, counter, body_bytes, planes, mac)


def session_of(frames: Sequence[Buffer]) -> bytes:
    """Return the 16-byte session nonce that the header claims, to find the channel by. Raises ProtocolError."""
    if not frames or _size(frames[0]) != HEADER_BYTES:
        raise ProtocolError("A message has a header of the wrong size.", "protocol-garbage")
    session: bytes = HEADER.unpack(frames[0])[5]
    return session


def choose_version(offered: Sequence[int]) -> int:
    """Return the best major that both sides speak. Raises ProtocolError "protocol-version" with a sentence for the painter."""
    if common := set(SPOKEN_MAJORS) & set(offered):
        return max(common)
    theirs = ", ".join(map(str, offered[:8])) or "none"
    ours = ", ".join(map(str, SPOKEN_MAJORS))
    raise ProtocolError(
        said(
            "The plug-in and the engine are of versions that do not fit: one speaks protocol {theirs}, the "
            "other {ours}. Install the same release of both.",
            theirs=theirs,
            ours=ours,
        ),
        "protocol-version",
    )


class Channel:
    """One session's seals, on one side. Not thread-safe.

    The first exchange (Hello, then Welcome or Failure) is sealed with keys derived from the shared key and the client's
    nonce; after Welcome the keys depend on both sides' nonces. Each direction has its own key and counter.
    """

    def __init__(self, key: bytes, nonce: bytes, side: Side, first_counter: int = 0) -> None:
        """`key`: 32 bytes from the connection file; `nonce`: 16 random bytes of the client's, the session's name.

        `first_counter`: where this side's counter starts; a client gives its clock in ns (see `SeenNonces`).
        """
        if len(key) != KEY_BYTES or len(nonce) != NONCE_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes and a nonce {NONCE_BYTES}")
        self.nonce = nonce
        self.side = side
        self.established = False
        self._key = key
        self._sent = first_counter
        self._heard = -1
        self._outgoing, self._incoming = self._direction_keys(b"hello")

    def seal(self, message: Message) -> list[Buffer]:
        """Return the frames of a message; planes are views, not copies, and must not change until they are sent.

        Raises RequestError when the message holds something that cannot be sent.
        """
        kind = _number_of(message, CLIENT_KINDS if self.side == "client" else ENGINE_KINDS)
        if not self.established and not isinstance(message, Hello | Welcome | Failure):
            raise ValueError(f"{type(message).__name__} before the session is open")
        body, planes = pack(message)
        self._sent += 1
        major, minor = PROTOCOL_VERSION
        fields = (MAGIC, major, minor, kind, 0, self.nonce, self._sent, len(planes), len(body))
        mac = _mac(self._outgoing, HEADER.pack(*fields, b""), body, planes)
        if isinstance(message, Welcome):
            self._bind(message.nonce)
        return [HEADER.pack(*fields, mac), body, *planes]

    def open(self, frames: Sequence[Buffer]) -> Message:
        """Return the message in frames that the other side sealed for this session, in order and once.

        Raises ProtocolError ("protocol-garbage", "-oversized", "-unauthenticated", "-version", "-replayed"), which must not
        be answered; or, once the sender is known to hold the key, RefusedMessage, which may.
        """
        header = peek(frames)
        planes = [flat(frame) for frame in frames[2:]]
        self._authenticate(header, frames[0], flat(frames[1]), planes)
        if self.established and header.major not in SPOKEN_MAJORS:
            raise ProtocolError("The other side changed its protocol's version in mid-session.", "protocol-version")
        if header.counter <= self._heard:
            raise ProtocolError("A message came twice or out of order.", "protocol-replayed")
        self._heard = header.counter
        message = _decoded(header.kind, ENGINE_KINDS if self.side == "client" else CLIENT_KINDS, frames[1], planes)
        self._check_turn(message)
        if isinstance(message, Welcome):
            self._bind(message.nonce)
        return message

    def _authenticate(self, header: Header, raw: Buffer, body: memoryview, planes: Sequence[memoryview]) -> None:
        if header.session != self.nonce or not hmac.compare_digest(header.mac, _mac(self._incoming, raw, body, planes)):
            raise ProtocolError("A message was not sealed with our key.", "protocol-unauthenticated")

    def _check_turn(self, message: Message) -> None:
        """Hello, Welcome and nothing else before the session is open; neither of them after."""
        greeting = isinstance(message, Hello | Welcome)
        if greeting == self.established and not isinstance(message, Failure):
            raise RefusedMessage(f"{type(message).__name__} came out of turn.", "protocol-garbage", "")
        if isinstance(message, Hello) and message.nonce != self.nonce:
            raise RefusedMessage("A greeting names another session than its header.", "protocol-garbage", "")
        if isinstance(message, Welcome) and len(message.nonce) != NONCE_BYTES:
            raise RefusedMessage("The engine's nonce has the wrong size.", "protocol-garbage", "")

    def _bind(self, engine_nonce: bytes) -> None:
        self.established = True
        self._outgoing, self._incoming = self._direction_keys(b"session" + engine_nonce)

    def _direction_keys(self, phase: bytes) -> tuple[bytes, bytes]:
        to_engine, to_client = (
            hmac.digest(self._key, b"scumble " + towards + self.nonce + phase, "sha256") for towards in (b"> ", b"< ")
        )
        return (to_engine, to_client) if self.side == "client" else (to_client, to_engine)


class SeenNonces:
    """Which greetings an engine has met, so that a recorded one opens no second session. Bounded.

    A greeting's counter is its stamp (the client's clock). When the oldest are forgotten, all stamps up to theirs are refused.
    """

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._stamps: dict[bytes, int] = {}
        self._floor = -1

    def __len__(self) -> int:
        return len(self._stamps)

    def admit(self, nonce: bytes, stamp: int) -> None:
        """Remember an authenticated greeting. Raises ProtocolError "protocol-replayed" when it was met before."""
        if nonce in self._stamps or stamp <= self._floor:
            raise ProtocolError("A greeting came twice.", "protocol-replayed")
        self._stamps[nonce] = stamp
        while len(self._stamps) > self._limit:
            oldest = min(self._stamps, key=self._stamps.__getitem__)
            self._floor = max(self._floor, self._stamps.pop(oldest))


def accept_hello(key: bytes, frames: Sequence[Buffer], seen: SeenNonces) -> tuple[Channel, Hello]:
    """Check a greeting on the engine's side and return its channel. Versions are the caller's next step (`choose_version`).

    Raises ProtocolError; none of them is to be answered.
    """
    header = peek(frames)
    if header.kind != HELLO_KIND or header.planes or header.body_bytes > MAX_HELLO_BYTES:
        raise ProtocolError("A session must begin with a short greeting.", "protocol-garbage")
    channel = Channel(key, header.session, "engine")
    message = channel.open(frames)
    if not isinstance(message, Hello):
        raise ProtocolError("A session must begin with a greeting.", "protocol-garbage")
    seen.admit(message.nonce, header.counter)
    return channel, message


def _size(frame: Buffer) -> int:
    return frame.nbytes if isinstance(frame, memoryview) else len(frame)


def _number_of(message: Message, kinds: dict[int, type[Any]]) -> int:
    for number, cls in kinds.items():
        if type(message) is cls:
            return number
    raise ValueError(f"{type(message).__name__} is not sent in this direction")


def _mac(key: bytes, header: Buffer, body: Buffer, planes: Sequence[memoryview]) -> bytes:
    """HMAC-SHA256 over the header without its MAC, then each frame's length (u64) and bytes."""
    seal = hmac.new(key, flat(header)[:-MAC_BYTES], hashlib.sha256)
    for frame in (body, *planes):
        seal.update(struct.pack(">Q", _size(frame)))
        seal.update(frame)
    return seal.digest()


def _decoded(kind: int, kinds: dict[int, type[Any]], body: Buffer, planes: Sequence[memoryview]) -> Message:
    job = ""
    try:
        values = unpack_map(body)
        job = _job_in(values)
        if kind not in kinds:
            raise ProtocolError(
                said("Messages of kind {kind} are not known to this version of Scumble.", kind=kind), "protocol-unknown"
            )
        message: Message = build(kinds[kind], values, planes)
        _check_named(message)
    except ProtocolError as exc:
        raise RefusedMessage(exc.sentence, exc.code, job) from exc
    return message


def _job_in(values: dict[str, Any]) -> str:
    job = values.get("job", "")
    if type(job) is not str or len(job) > MAX_JOB_CHARS:
        raise ProtocolError(
            said("A job's name is text of at most {max_job_chars} characters.", max_job_chars=MAX_JOB_CHARS),
            "protocol-garbage",
        )
    return job


def _check_named(message: Message) -> None:
    """Only a `Failure` may speak of no job: it ends the session."""
    if not isinstance(message, Failure) and getattr(message, "job", None) == "":
        raise ProtocolError("A job's name is empty.", "protocol-garbage")
