"""The engine's front door: where it listens, who may come in, and what waits to be sent to each guest."""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import zmq
from scumble_protocol import __version__
from scumble_protocol.connection import ConnectionInfo, is_loopback_or_ipc, local_address, new_key
from scumble_protocol.errors import EngineError, ProtocolError, RequestError, ScumbleError
from scumble_protocol.messages import (
    EngineMessage,
    EngineState,
    Failure,
    Hello,
    Message,
    Preview,
    Progress,
    Queued,
    Welcome,
)
from scumble_protocol.pixels import Buffer
from scumble_protocol.wire import (
    MAX_FRAME_BYTES,
    NONCE_BYTES,
    SPOKEN_MAJORS,
    Channel,
    RefusedMessage,
    SeenNonces,
    accept_hello,
    choose_version,
    peek,
)

from .curve import CurveKeys
from .gate import Gate

MAX_GUESTS = 32
MAX_WAITING_EVENTS = 256
MAX_WAITING_BYTES = 2**31
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
    lost: bool = False
    waiting: deque[EngineMessage] = field(default_factory=deque)
    sealed: list[Buffer] | None = None

    @property
    def key(self) -> bytes:
        return self.channel.nonce


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
            header = peek(frames)
            guest = self.guests.get(header.session)
            if guest is None:
                self._greet(identity, frames, state)
                return None
            message = guest.channel.open(frames)
            guest.identity, guest.heard_s, guest.lost = identity, self._clock(), False
            return guest, message
        except RefusedMessage as exc:
            if guest is not None:
                self.send(guest, Failure(exc.job, exc.code, exc.sentence))
        except ProtocolError as exc:
            self._drop(exc)
        return None

    def _drop(self, exc: ProtocolError) -> None:
        """Say nothing, and write a line for the 1st, 10th, 100th, … so that a flood doesn't fill the log."""
        self.dropped += 1
        if math.log10(self.dropped).is_integer():
            log.warning("messages dropped so far: %d; the last: %s", self.dropped, exc.code)

    def _greet(self, identity: bytes, frames: Sequence[Buffer], state: Callable[[], EngineState]) -> None:
        """Let a new guest in. Raises ProtocolError for whoever may not be answered."""
        channel, hello = accept_hello(self._key, frames, self._seen)
        now = self._clock()
        guest = Guest(channel, identity, hello.client[:80], now, now)
        try:
            self._welcome(guest, hello, state)
        except ScumbleError as exc:
            self.send(guest, Failure("", exc.code, exc.sentence))

    def _welcome(self, guest: Guest, hello: Hello, state: Callable[[], EngineState]) -> None:
        version = choose_version(hello.versions)
        if len(self.guests) >= MAX_GUESTS:
            raise EngineError(f"The engine serves {MAX_GUESTS} programs already; close one of them.", "engine-full")
        self.guests[guest.key] = guest
        log.info("guest %r came (%d now)", guest.name, len(self.guests))
        self.send(guest, Welcome(version, secrets.token_bytes(NONCE_BYTES), state()))

    def send(self, guest: Guest, event: EngineMessage) -> None:
        """Send without waiting. What a slow guest has not taken waits; a newer progress or preview takes an older one's place."""
        if isinstance(event, _REPLACEABLE):
            older = [each for each in guest.waiting if type(each) is type(event) and each.job == event.job]
            for each in older:
                guest.waiting.remove(each)
        guest.waiting.append(event)
        guest.told_s = self._clock()
        if len(guest.waiting) > MAX_WAITING_EVENTS or sum(map(_bytes_in, guest.waiting)) > MAX_WAITING_BYTES:
            guest.lost = True
        self.flush(guest)

    def flush(self, guest: Guest) -> None:
        """Send what waits, as far as the socket takes it."""
        while not guest.lost and (guest.sealed or guest.waiting):
            if guest.sealed is None:
                guest.sealed = _sealed(guest.channel, guest.waiting.popleft())
            try:
                self.socket.send_multipart([guest.identity, *guest.sealed], zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            except zmq.ZMQError as exc:
                if exc.errno != errno.EHOSTUNREACH:
                    raise
                guest.lost = True
                return
            guest.sealed = None

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
        raise RequestError(f"The engine can't listen at {listen!r}; give tcp://HOST:PORT or ipc://PATH.", "bad-address")
    if curve is None and not is_loopback_or_ipc(listen):
        raise RequestError(
            f"Other machines could reach {listen}; the engine listens there only with keys of its own (--curve-keys FOLDER).",
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
            f"The engine can't listen at {address} ({exc.strerror}); choose another --listen.", "bad-address"
        ) from exc
    return socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")


def _reachable(address: str) -> str:
    """Return how a guest on this machine reaches an address that may stand for all of the machine's own."""
    for everywhere, here in (("tcp://0.0.0.0:", "tcp://127.0.0.1:"), ("tcp://[::]:", "tcp://[::1]:")):
        if address.startswith(everywhere):
            return here + address.removeprefix(everywhere)
    return address


def _bytes_in(event: EngineMessage) -> int:
    plane = getattr(event, "plane", None)
    return memoryview(plane.data).nbytes if plane is not None else 0


def _sealed(channel: Channel, event: EngineMessage) -> list[Buffer]:
    try:
        return channel.seal(event)
    except ScumbleError as exc:
        log.error("an event can't be sent: %s", exc.sentence)
        return channel.seal(
            Failure(getattr(event, "job", ""), "engine-failed", "The engine's answer was too large to send.")
        )
