"""A ZMTP 3.1 PLAIN DEALER with the standard library alone, for hosts whose Python has no pyzmq (ZeroMQ's RFCs 23, 24 and 37).

It moves frames and answers commands, and knows nothing of what they mean. One thread owns it; `wake` is for the others.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence

from ..connection import PLAIN_USER, plain_password
from ..pixels import Buffer
from ..wire import MAX_MESSAGE_BYTES, MAX_PLANES
from ..wording import said
from .waker import Waker
from .zmtp_frames import (
    COMMAND,
    GREETING,
    MECHANISM,
    MORE,
    Frame,
    FrameReader,
    Violation,
    coded,
    hello_command,
    initiate_command,
    socket_type,
)

MAX_FRAMES = MAX_PLANES + 2
CONNECT_TIMEOUT_S = 3.0
LINGER_S = 0.5  # how long a farewell may take to leave
LIBZMQ_ERROR = b"\x5eRROR"  # libzmq 4.3 writes PLAIN's "\\x5" "ERROR" as one escape
PEERS_OF_A_DEALER = (b"ROUTER", b"DEALER", b"REP")

_SEND_FLAGS = getattr(socket, "MSG_NOSIGNAL", 0)  # a host's embedded Python may not ignore SIGPIPE


class ZmtpTransport:
    """A DEALER over ipc or tcp; the same interface and the same errors as its sisters in transport.py."""

    def __init__(self, address: str, key: bytes, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Connect, shake hands, and show that we hold the connection file's key. Raises ConnectionError within about `timeout_s`."""
        self._address = address
        self._hello = hello_command(PLAIN_USER, plain_password(key))
        self._welcome = False
        self._outbox: deque[memoryview] = deque()
        self._inbox: deque[list[Buffer]] = deque()
        self._message: list[Buffer] = []
        self._reader = FrameReader()
        self._gone = ""
        self._ready = False
        deadline = time.monotonic() + timeout_s
        self._socket = _open_socket(address, timeout_s)
        self._waker = Waker()
        self._selector = selectors.DefaultSelector()
        try:
            self._greet(deadline)
            self._await_ready(deadline)
        except BaseException:
            self._gone = "It never opened."
            self.close()
            raise

    # ---- the interface ----------------------------------------------------------------------------------------------

    def send(self, frames: Sequence[Buffer]) -> None:
        """Queue a message and send what the socket takes at once."""
        if self._gone:
            raise ConnectionError(self._gone)
        more = [MORE] * (len(frames) - 1) + [0]
        self._outbox.extend(coded(zip(more, frames, strict=True)))
        self._push()

    def receive(self, timeout_s: float) -> list[Buffer] | None:
        """Wait for a message while sending what is queued; None after the timeout or a `wake`."""
        deadline = time.monotonic() + timeout_s
        while not self._inbox:
            if self._gone:
                raise ConnectionError(self._gone)
            left = deadline - time.monotonic()
            woken = self._pump(max(0.0, left))
            if not self._inbox and (woken or left <= 0):
                return None
        return self._inbox.popleft()

    def wake(self) -> None:
        """End a `receive` that waits in another thread, or else the next one."""
        self._waker.wake()

    def close(self) -> None:
        """Send what is queued, within LINGER_S, and let go."""
        if self._socket.fileno() < 0:
            return
        deadline = time.monotonic() + LINGER_S
        while self._outbox and not self._gone and (left := deadline - time.monotonic()) > 0:
            self._pump(left)
            self._inbox.clear()
        self._selector.close()
        self._socket.close()
        self._waker.close()

    # ---- shaking hands ----------------------------------------------------------------------------------------------

    def _greet(self, deadline: float) -> None:
        try:
            self._socket.sendall(GREETING)
            greeting = self._read_greeting(deadline)
        except OSError as exc:
            raise ConnectionError(
                said("The engine at {address} does not answer ({exc}).", address=self._address, exc=exc)
            ) from exc
        if greeting[0] != 0xFF or not greeting[9] & 1:
            raise ConnectionError(_stranger(self._address, "its greeting is not ZeroMQ's"))
        if greeting[10] < 3 or greeting[12:32].rstrip(b"\0") != MECHANISM:
            raise ConnectionError(_stranger(self._address, "it wants another version or mechanism of ZeroMQ"))
        self._socket.setblocking(False)
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._waker, selectors.EVENT_READ)

    def _read_greeting(self, deadline: float) -> bytes:
        greeting = b""
        while len(greeting) < len(GREETING):
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            more = self._socket.recv(len(GREETING) - len(greeting))
            greeting += more
            if not more or greeting[0] != 0xFF:
                raise ConnectionError(_stranger(self._address, "its greeting is not ZeroMQ's"))
        return greeting

    def _await_ready(self, deadline: float) -> None:
        self._outbox.extend(coded([self._hello]))
        self._push()
        while not self._ready and not self._gone:
            if time.monotonic() >= deadline:
                raise ConnectionError(said("The engine at {address} does not answer.", address=self._address))
            self._pump(max(0.0, deadline - time.monotonic()))
        if self._gone and not self._ready:
            raise ConnectionError(self._gone)

    # ---- moving bytes -----------------------------------------------------------------------------------------------

    def _pump(self, timeout_s: float) -> bool:
        """Wait for the socket or a wake, then move what can be moved. Say whether it was a wake."""
        self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE * bool(self._outbox))
        woken = False
        for key, events in self._selector.select(timeout_s):
            if key.fileobj is self._waker:
                self._waker.rest()
                woken = True
            else:
                if events & selectors.EVENT_WRITE:
                    self._push()
                if events & selectors.EVENT_READ:
                    self._pull()
        return woken

    def _push(self) -> None:
        try:
            while self._outbox:
                sent = self._socket.send(self._outbox[0], _SEND_FLAGS)
                self._outbox[0] = self._outbox[0][sent:]
                if not self._outbox[0].nbytes:
                    self._outbox.popleft()
        except BlockingIOError:
            pass
        except OSError:  # what the peer said before it went is still to be read; reading on will find the end
            self._outbox.clear()

    def _pull(self) -> None:
        """Read until the socket is dry or a message is whole: a fast peer must not fill the memory."""
        try:
            while not self._inbox:
                count = self._socket.recv_into(self._reader.space())
                if not count:
                    self._end(said("The connection to the engine at {address} was closed.", address=self._address))
                    return
                for frame in self._reader.filled(count):
                    self._take(frame)
        except BlockingIOError:
            pass
        except Violation as exc:
            self._end(_stranger(self._address, str(exc)))
        except OSError as exc:
            self._end(
                said(
                    "The connection to the engine at {address} was lost ({exc}).",
                    address=self._address,
                    exc=exc.strerror,
                )
            )

    def _end(self, why: str) -> None:
        self._gone = self._gone or why
        self._outbox.clear()

    def _take(self, frame: Frame) -> None:
        if frame.flags & COMMAND:
            self._obey(bytes(frame.body))
            return
        if not self._ready:
            raise Violation("it sent messages before it was ready")
        self._message.append(frame.body)
        if len(self._message) > MAX_FRAMES or sum(map(_length, self._message)) > MAX_MESSAGE_BYTES:
            raise Violation("a message is too large")
        if not frame.flags & MORE:
            self._inbox.append(self._message)
            self._message = []

    def _obey(self, command: bytes) -> None:
        size = command[0] if command else 0
        name, data = command[1 : 1 + size], command[1 + size :]
        if name == b"WELCOME" and not self._welcome:
            self._welcome = True
            self._outbox.extend(coded([initiate_command(b"DEALER")]))
            self._push()
        elif name == b"READY":
            if not self._welcome:
                raise Violation("it let us in without asking who we are")
            if socket_type(data) not in PEERS_OF_A_DEALER:
                raise Violation("its socket is of the wrong type")
            self._ready = True
        elif name == b"ERROR" or command.startswith(LIBZMQ_ERROR):
            reason = data[1:] if name == b"ERROR" else command[len(LIBZMQ_ERROR) + 1 :]
            self._end(
                said(
                    "The engine at {address} refused the connection: the key in its file is not the engine's ({reason}).",
                    address=self._address,
                    reason=reason.decode("ascii", "replace")[:200],
                )
            )
        elif name == b"PING":  # a time-to-live of two bytes, then a context that is to come back
            self._outbox.extend(coded([(COMMAND, b"\x04PONG" + data[2:18])]))
            self._push()
        elif not self._ready:
            raise Violation("it did not say that it is ready")


def _open_socket(address: str, timeout_s: float) -> socket.socket:
    scheme, _, place = address.partition("://")
    try:
        if scheme == "ipc":
            return _open_ipc(place, timeout_s)
        host, _, port = place.rpartition(":")
        if scheme != "tcp" or not port.isdigit():
            raise ValueError("not an ipc or tcp address")
        opened = socket.create_connection((host.strip("[]"), int(port)), timeout_s)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened
    except (OSError, ValueError, OverflowError) as exc:
        raise ConnectionError(
            said("The engine at {address} cannot be reached ({exc}).", address=address, exc=exc)
        ) from exc


def _open_ipc(path: str, timeout_s: float) -> socket.socket:
    family = getattr(socket, "AF_UNIX", None)
    if family is None:
        raise ValueError("this system has no ipc sockets")
    opened = socket.socket(family)
    try:
        opened.settimeout(timeout_s)
        opened.connect("\0" + path[1:] if path.startswith("@") else path)
    except BaseException:
        opened.close()
        raise
    return opened


def _stranger(address: str, why: str) -> str:
    return said("What listens at {address} is not a Scumble engine ({why}).", address=address, why=why)


def _length(frame: Buffer) -> int:
    return len(frame)
