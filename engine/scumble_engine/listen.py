"""The engine's front door: where it listens, who may come in, and what waits to be sent to each guest."""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import zmq
from scumble_protocol import __version__
from scumble_protocol.connection import ConnectionInfo, is_loopback_or_ipc, local_address, new_key
from scumble_protocol.errors import EngineError, ProtocolError, RequestError, ScumbleError
from scumble_protocol.messages import (
    Cancel,
    EngineMessage,
    EngineState,
    Failure,
    Hello,
    Message,
    Preview,
    Progress,
    Queued,
    Sending,
    Took,
    Welcome,
)
from scumble_protocol.parcel import Parcel, Sender, is_part, session_of_part
from scumble_protocol.pixels import Buffer
from scumble_protocol.wire import (
    KNOWN_TO_ENGINES,
    MAX_FRAME_BYTES,
    MAX_MESSAGE_BYTES,
    NONCE_BYTES,
    SPOKEN_MAJORS,
    Channel,
    RefusedMessage,
    SeenNonces,
    accept_hello,
    choose_version,
    session_of,
)
from scumble_protocol.wording import said

from .curve import CurveKeys
from .gate import Gate
from .scheduler import Held

MAX_GUESTS = 32
MAX_WAITING_EVENTS = 256
ARRIVALS_AT_ONCE = 64
_REPLACEABLE = (Progress, Preview, Queued)

log = logging.getLogger(__name__)


@dataclass
class Guest:
    """A client that has shown that it holds the key. `lost` is set when it can't be reached or does not listen any more."""

    channel: Channel
    identity: bytes
    name: str
    heard_s: float
    told_s: float
    moved_s: float
    sender: Sender
    lost: bool = False
    parcel: Parcel = field(default_factory=lambda: Parcel(0))
    expected: str = ""  # the job whose planes are on their way in
    sealed: list[Buffer] | None = None

    @property
    def key(self) -> bytes:
        return self.channel.nonce

    def expect(self, job: str, size: int) -> None:
        """Make room for `size` bytes of planes, for as long as they come; "" and 0: for none."""
        self.expected, self.parcel.limit = job, min(max(size, 0), MAX_MESSAGE_BYTES)
        self.parcel.clear()

    def unmoved_s(self, now: float) -> float:
        """Say for how long it has taken nothing of what waits for it."""
        return now - self.moved_s if self.sealed is not None or self.sender.stuck else 0.0


class Door:
    """A bound ROUTER socket and the guests behind it. Whoever does not hold the key is never answered."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        listen: str = "",
        curve: CurveKeys | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Bind. `listen`: "" for this machine's own way, "tcp" for loopback, or an address. Raises RequestError, EngineError."""
        check_listen(listen, curve)
        self.guests: dict[bytes, Guest] = {}
        self.dropped = 0
        self._clock = clock
        self._seen = SeenNonces()
        self._key = new_key()
        self.gate = Gate(context, self._key)
        self.socket = _open_socket(context, self.gate, curve)
        try:
            self.address = _bind(self.socket, listen)
        except RequestError:
            self.gate.close()
            raise
        address = _reachable(self.address)
        public_key = curve.public.decode() if curve else ""
        self.info = ConnectionInfo(address, self._key, os.getpid(), __version__, SPOKEN_MAJORS, time.time(), public_key)

    def arrivals(self, state: Callable[[], EngineState]) -> Iterator[tuple[Guest, Message]]:
        """Yield what has come in, at most `ARRIVALS_AT_ONCE`; greetings are answered here with `state()`."""
        self.gate.answer()
        for _ in range(ARRIVALS_AT_ONCE):
            try:
                identity, *frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            heard = self._hear(identity.bytes, [frame.buffer for frame in frames], state)
            if heard is not None:
                yield heard

    def _hear(
        self, identity: bytes, frames: Sequence[Buffer], state: Callable[[], EngineState]
    ) -> tuple[Guest, Message] | None:
        guest: Guest | None = None
        try:
            if is_part(frames):
                self._lay(identity, frames)
                return None
            guest = self.guests.get(session_of(frames))
            if guest is None:
                self._greet(identity, frames, state)
                return None
            message = guest.channel.open(guest.parcel.joined(frames))
            guest.identity, guest.heard_s, guest.lost = identity, self._clock(), False
            return self._sorted(guest, message)
        except RefusedMessage as exc:
            if guest is not None:
                self.send(guest, Failure(exc.job, exc.code, exc.sentence))
        except ProtocolError as exc:
            self._drop(exc)
        return None

    def _lay(self, identity: bytes, frames: Sequence[Buffer]) -> None:
        """Lay a part of a plane beside the ones before, and tell its guest now and then how many more may come."""
        guest = self.guests.get(session_of_part(frames))
        if guest is None or guest.identity != identity:
            raise ProtocolError("A part of a plane came from nowhere.", "protocol-garbage")
        guest.heard_s = self._clock()
        try:
            guest.parcel.take(frames)
        finally:
            if (credit := guest.parcel.credit()) is not None:
                self.send(guest, credit)

    def _sorted(self, guest: Guest, message: Message) -> tuple[Guest, Message] | None:
        """Keep what is about the connection alone; hand on everything else."""
        if isinstance(message, Took):
            guest.sender.took(message.size)
            guest.moved_s = self._clock()
            self.flush(guest)
            return None
        if getattr(message, "job", None) == guest.expected and not isinstance(message, Cancel | Sending):
            guest.expect("", 0)
        return guest, message

    def held(self, guest: Guest) -> Held:
        """Count the bytes that are on their way in or out."""
        each = {other.key: other.parcel.limit + other.sender.waiting_bytes for other in self.guests.values()}
        return Held(each.get(guest.key, 0), guest.sender.waiting_bytes, sum(each.values()))

    def _drop(self, exc: ProtocolError) -> None:
        """Say nothing, and write a line for the 1st, 10th, 100th, … so that a flood doesn't fill the log."""
        self.dropped += 1
        if math.log10(self.dropped).is_integer():
            log.warning("messages dropped so far: %d; the last: %s", self.dropped, exc.code)

    def _greet(self, identity: bytes, frames: Sequence[Buffer], state: Callable[[], EngineState]) -> None:
        """Let a new guest in. Raises ProtocolError for whoever may not be answered."""
        channel, hello = accept_hello(self._key, frames, self._seen)
        now = self._clock()
        guest = Guest(channel, identity, hello.client[:80], now, now, now, Sender(channel))
        try:
            self._welcome(guest, hello, state)
        except ScumbleError as exc:
            self.send(guest, Failure("", exc.code, exc.sentence))

    def _welcome(self, guest: Guest, hello: Hello, state: Callable[[], EngineState]) -> None:
        version = choose_version(hello.versions)
        if len(self.guests) >= MAX_GUESTS:
            raise EngineError(
                said("The engine serves {max_guests} programs already; close one of them.", max_guests=MAX_GUESTS),
                "engine-full",
            )
        self.guests[guest.key] = guest
        log.info("guest %r came (%d now)", guest.name, len(self.guests))
        self.send(guest, Welcome(version, secrets.token_bytes(NONCE_BYTES), state(), KNOWN_TO_ENGINES))

    def send(self, guest: Guest, event: EngineMessage) -> None:
        """Send without waiting. What a slow guest has not taken waits; a newer progress or preview takes an older one's place."""
        if isinstance(event, _REPLACEABLE):
            guest.sender.replace(event)
        try:
            guest.sender.push(event)
        except ScumbleError as exc:
            log.error("an event can't be sent: %s", exc.sentence)
            job = getattr(event, "job", "")
            guest.sender.push(Failure(job, "engine-failed", "The engine's answer was too large to send."))
        guest.told_s = self._clock()
        guest.lost = guest.lost or len(guest.sender.small) > MAX_WAITING_EVENTS
        self.flush(guest)

    def flush(self, guest: Guest) -> None:
        """Send what waits, as far as the socket and the guest's credit take it."""
        while not guest.lost:
            if guest.sealed is None:
                guest.sealed = guest.sender.next()
            if guest.sealed is None:
                return
            try:  # copied, or what is on its way to a guest that does not read would hold on to whole layers
                self.socket.send_multipart([guest.identity, *guest.sealed], zmq.NOBLOCK)
            except zmq.Again:
                return
            except zmq.ZMQError as exc:
                if exc.errno != errno.EHOSTUNREACH:
                    raise
                guest.lost = True
                return
            guest.sealed, guest.moved_s = None, self._clock()

    def forget(self, guest: Guest) -> None:
        self.guests.pop(guest.key, None)
        log.info("guest %r left (%d now)", guest.name, len(self.guests))

    def close(self) -> None:
        """Stop listening; what was sent just now still has a second to leave."""
        self.gate.close()
        self.socket.close(linger=1000)
        if self.address.startswith("ipc://"):
            with contextlib.suppress(OSError):
                os.unlink(self.address.removeprefix("ipc://"))


def check_listen(listen: str, curve: CurveKeys | None) -> None:
    """Refuse an address that is none, or that others can reach without CURVE. Raises RequestError."""
    if listen in ("", "tcp"):
        return
    if not listen.startswith(("ipc://", "tcp://")):
        raise RequestError(
            said("The engine can't listen at {listen}; give tcp://HOST:PORT or ipc://PATH.", listen=f"{listen!r}"),
            "bad-address",
        )
    if curve is None and not is_loopback_or_ipc(listen):
        raise RequestError(
            said(
                "Other machines could reach {listen}; the engine listens there only with keys of its own "
                "(--curve-keys FOLDER).",
                listen=listen,
            ),
            "address-needs-curve",
        )


def _open_socket(context: zmq.Context[zmq.Socket[bytes]], gate: Gate, curve: CurveKeys | None) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.ROUTER)
    socket.maxmsgsize = MAX_FRAME_BYTES
    socket.router_mandatory = True  # a send to a guest that is gone says so
    socket.rcvhwm = 8
    socket.sndhwm = 16
    socket.backlog = 1024
    socket.tcp_keepalive = 1
    gate.protect(socket, curve)
    return socket


def _bind(socket: zmq.Socket[bytes], listen: str) -> str:
    """Bind and return the address, with the port that was found where any would do."""
    address = local_address(os.getpid(), prefer_tcp=listen == "tcp") if listen in ("", "tcp") else listen
    try:
        if address.startswith("ipc://"):
            with contextlib.suppress(FileNotFoundError):  # left behind by a dead process of the same number
                os.unlink(address.removeprefix("ipc://"))
        socket.bind(address)
    except (zmq.ZMQError, OSError) as exc:
        socket.close(linger=0)
        raise RequestError(
            said(
                "The engine can't listen at {address} ({strerror}); choose another --listen.",
                address=address,
                strerror=exc.strerror,
            ),
            "bad-address",
        ) from exc
    return socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")


def _reachable(address: str) -> str:
    """Return how a guest on this machine reaches an address that may stand for all of the machine's own."""
    for everywhere, here in (("tcp://0.0.0.0:", "tcp://127.0.0.1:"), ("tcp://[::]:", "tcp://[::1]:")):
        if address.startswith(everywhere):
            return here + address.removeprefix(everywhere)
    return address
