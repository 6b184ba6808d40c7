"""Frames to and from an engine, behind one small interface: pyzmq where it imports, else zmtp.py; a pair in memory for tests.

This is the only module that imports zmq, and only when a connection is opened.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ..connection import PLAIN_USER, ConnectionInfo, curve_seed, is_loopback_or_ipc, plain_password
from ..pixels import Buffer
from ..wire import MAX_FRAME_BYTES
from ..wording import said
from .waker import Waker
from .zmtp import CONNECT_TIMEOUT_S, LINGER_S, ZmtpTransport

if TYPE_CHECKING:
    import zmq


class Transport(Protocol):
    """One connection. All calls but `wake` belong to one thread. Everything that goes wrong is a ConnectionError with a sentence."""

    def send(self, frames: Sequence[Buffer]) -> None:
        """Queue a message and return at once; the buffers must not change until they have left."""
        ...

    def receive(self, timeout_s: float) -> list[Buffer] | None:
        """Wait for a message while sending what is queued; None after the timeout or a `wake`."""
        ...

    def wake(self) -> None:
        """End a `receive` that waits in another thread (or else the next one). Safe from any thread, also after `close`."""
        ...

    def close(self) -> None:
        """Send what is queued, within LINGER_S, and let go."""
        ...


_NEVER_MS = 24 * 3600 * 1000

Connect = Callable[[ConnectionInfo], Transport]


def connect(info: ConnectionInfo, timeout_s: float = CONNECT_TIMEOUT_S) -> Transport:
    """Open the best transport there is: pyzmq, else the standard library's. Raises ConnectionError."""
    if not is_loopback_or_ipc(info.address) and not info.curve_public_key:
        raise ConnectionError(
            said("{address} is not on this machine, and its connection is not encrypted.", address=info.address)
        )
    if zmq_imports():
        return ZmqTransport(info.address, info.key, info.curve_public_key, timeout_s)
    if info.curve_public_key:
        raise ConnectionError("An engine on another machine needs pyzmq, which this host's Python does not have.")
    return ZmtpTransport(info.address, info.key, timeout_s)


def sentence_of(error: ConnectionError) -> str:
    """Return what a transport said, in its parts; `str(error)` would put them together for good."""
    told = error.args[0] if error.args else None
    return told if isinstance(told, str) else str(error)


def zmq_imports() -> bool:
    """Say whether pyzmq can be used here."""
    try:
        import zmq  # noqa: F401
    except (ImportError, OSError):  # OSError: a wheel whose libzmq does not load
        return False
    return True


class ZmqTransport:
    """A pyzmq DEALER. It never reconnects: a session does not outlive its connection."""

    def __init__(
        self, address: str, key: bytes, curve_public_key: str = "", timeout_s: float = CONNECT_TIMEOUT_S
    ) -> None:
        """`key` is the connection file's. Raises ConnectionError within about `timeout_s`."""
        import zmq
        from zmq.utils.monitor import recv_monitor_message

        self._zmq, self._read_monitor = zmq, recv_monitor_message
        self._address = address
        self._context = zmq.Context()
        self._waker = Waker()
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        self._monitor = self._socket.get_monitor_socket()
        self._gone = ""
        try:
            self._identify(key, curve_public_key)
            self._open(timeout_s)
        except BaseException:
            self.close()
            raise

    def _identify(self, key: bytes, curve_public_key: str) -> None:
        """Show that we hold the key: by PLAIN's password, or by the CURVE key that is made of it."""
        if not curve_public_key:
            self._socket.plain_username = PLAIN_USER.encode()
            self._socket.plain_password = plain_password(key).encode()
            return
        from zmq.utils import z85

        self._socket.curve_secretkey = secret = z85.encode(curve_seed(key))
        self._socket.curve_publickey = self._zmq.curve_public(secret)
        self._socket.curve_serverkey = curve_public_key.encode()

    def _open(self, timeout_s: float) -> None:
        zmq = self._zmq
        options: dict[int, int] = {
            zmq.LINGER: 0,
            zmq.SNDHWM: 0,
            zmq.RECONNECT_IVL: _NEVER_MS,  # -1 would also throw away what has come and was not read yet
            zmq.MAXMSGSIZE: MAX_FRAME_BYTES,
            zmq.HANDSHAKE_IVL: max(1, int(timeout_s * 1000)),
        }
        for option, value in options.items():
            self._socket.setsockopt(option, value)
        self._poller = zmq.Poller()
        for readable in (self._socket, self._monitor, self._waker):
            self._poller.register(readable, zmq.POLLIN)
        try:
            self._socket.connect(self._address)
        except zmq.ZMQError as exc:
            raise ConnectionError(
                said("The engine's address {address} cannot be used ({exc}).", address=self._address, exc=exc)
            ) from exc
        self._await_handshake(time.monotonic() + timeout_s)

    def _await_handshake(self, deadline: float) -> None:
        while not self._gone:
            if not self._monitor.poll(max(0, int((deadline - time.monotonic()) * 1000))):
                raise ConnectionError(said("The engine at {address} does not answer.", address=self._address))
            if self._next_monitor_event() == self._zmq.EVENT_HANDSHAKE_SUCCEEDED:
                return
        raise ConnectionError(self._gone)

    def _next_monitor_event(self) -> int:
        """Read one event of the connection's life and remember when it is over."""
        zmq = self._zmq
        event = int(self._read_monitor(self._monitor)["event"])
        if event in (zmq.EVENT_DISCONNECTED, zmq.EVENT_CLOSED, zmq.EVENT_CONNECT_RETRIED):
            self._gone = self._gone or said(
                "The connection to the engine at {address} was closed.", address=self._address
            )
        if event in (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL):
            self._gone = said("What listens at {address} is not a Scumble engine.", address=self._address)
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self._gone = said(
                "The engine at {address} refused the connection: the key in its file is not the engine's.",
                address=self._address,
            )
        return event

    def send(self, frames: Sequence[Buffer]) -> None:
        if self._gone:
            raise ConnectionError(self._gone)
        try:
            self._socket.send_multipart(list(frames), flags=self._zmq.DONTWAIT, copy=False)
        except self._zmq.ZMQError as exc:
            raise ConnectionError(
                said("The engine at {address} cannot be reached ({exc}).", address=self._address, exc=exc)
            ) from exc

    def receive(self, timeout_s: float) -> list[Buffer] | None:
        deadline = time.monotonic() + timeout_s
        while True:
            ready = dict(self._poller.poll(0 if self._gone else _milliseconds(deadline)))
            if self._socket in ready:  # what came before the end is still delivered
                frames = self._socket.recv_multipart(copy=False)
                return [frame.buffer for frame in frames]
            if self._waker.fileno() in ready:
                self._waker.rest()
                return None
            if self._monitor in ready:
                self._next_monitor_event()
            elif self._gone:
                raise ConnectionError(self._gone)
            elif time.monotonic() >= deadline:
                return None

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        if self._socket.closed:
            return
        self._socket.disable_monitor()
        self._monitor.close(linger=0)  # disable_monitor leaves it open, and term waits for it
        self._socket.close(linger=0 if self._gone else int(LINGER_S * 1000))
        self._context.term()
        self._waker.close()


class MemoryTransport:
    """One end of a pair in memory, for tests and for an engine in the same process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inbox: deque[list[Buffer]] = deque()
        self._woken = False
        self._closed = False
        self._peer: MemoryTransport | None = None

    def send(self, frames: Sequence[Buffer]) -> None:
        if self._peer is None or self._closed or self._peer._closed:
            raise ConnectionError("The other end is gone.")
        with self._peer._changed:
            self._peer._inbox.append(list(frames))
            self._peer._changed.notify_all()

    def receive(self, timeout_s: float) -> list[Buffer] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._inbox or self._woken or self._over(), timeout_s)
            if self._inbox:
                return self._inbox.popleft()
            if self._over() and not self._woken:
                raise ConnectionError("The other end is gone.")
            self._woken = False
            return None

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        self._closed = True
        for end in (self, self._peer):
            if end is not None:
                with end._changed:
                    end._changed.notify_all()

    def _over(self) -> bool:
        return self._closed or self._peer is None or self._peer._closed


def memory_pair() -> tuple[MemoryTransport, MemoryTransport]:
    """Return two transports that lead to each other."""
    one, other = MemoryTransport(), MemoryTransport()
    one._peer, other._peer = other, one
    return one, other


def _milliseconds(deadline: float) -> int:
    return max(0, int((deadline - time.monotonic()) * 1000) + 1)
