"""The other end of each transport, as tests hold it: a real pyzmq ROUTER, or the second half of a pair in memory."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import zmq
from scumble_engine.gate import Gate
from scumble_protocol.client.transport import Transport, ZmqTransport, memory_pair
from scumble_protocol.client.zmtp import ZmtpTransport
from scumble_protocol.connection import ConnectionInfo
from scumble_protocol.pixels import Buffer

KINDS = ("zmq-ipc", "zmq-tcp", "zmtp-ipc", "zmtp-tcp", "memory")
SOCKET_KINDS = KINDS[:4]
KEY = bytes(32)
_RELAYED_BYTES = 2**15


class FarEnd(Protocol):
    def receive(self, timeout_s: float) -> list[Buffer] | None: ...

    def send(self, frames: Sequence[Buffer]) -> None: ...

    def close(self) -> None: ...


class Gatekeeper:
    """The engine's own gate, in a thread."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self.gate = Gate(context, KEY)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._stop.is_set():
            self.gate.socket.poll(20)
            self.gate.answer()

    def leave(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self.gate.close()


class RouterEnd:
    """A pyzmq ROUTER that speaks with one client, and lets nobody in without the key."""

    def __init__(self, address: str, **options: int) -> None:
        self._context = zmq.Context()
        self._gatekeeper = Gatekeeper(self._context)
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        self._socket.linger = 2000
        self._gatekeeper.gate.protect(self._socket, None)
        for name, value in options.items():
            self._socket.setsockopt(getattr(zmq, name), value)
        self._socket.bind(address)
        self.address = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._identity = b""

    def receive(self, timeout_s: float) -> list[Buffer] | None:
        if not self._socket.poll(int(timeout_s * 1000)):
            return None
        identity, *frames = self._socket.recv_multipart(copy=False)
        self._identity = identity.bytes
        return [frame.buffer for frame in frames]

    def send(self, frames: Sequence[Buffer]) -> None:
        self._socket.send_multipart([self._identity, *frames], copy=False)

    def close(self) -> None:
        self._socket.close()
        self._gatekeeper.leave()
        self._context.term()


def fresh_address(kind: str) -> str:
    """Return an address to bind: a short ipc path, or any loopback port."""
    return f"ipc://{tempfile.mkdtemp(prefix='s-')}/e" if kind.endswith("ipc") else "tcp://127.0.0.1:*"


def open_transport(kind: str, address: str, timeout_s: float = 3.0) -> Transport:
    if kind.startswith("zmq"):
        return ZmqTransport(address, KEY, timeout_s=timeout_s)
    return ZmtpTransport(address, KEY, timeout_s)


@contextlib.contextmanager
def joined(kind: str, **options: int) -> Iterator[tuple[Transport, FarEnd]]:
    """Open both ends and let the far one know the near one."""
    near, far = _ends(kind, options)
    try:
        near.send([b"first"])
        assert far.receive(5) == [b"first"]
        yield near, far
    finally:
        near.close()
        far.close()


def _ends(kind: str, options: dict[str, int]) -> tuple[Transport, FarEnd]:
    if kind == "memory":
        return memory_pair()
    router = RouterEnd(fresh_address(kind), **options)
    try:
        return open_transport(kind, router.address), router
    except BaseException:
        router.close()
        raise


class RawServer:
    """A bare listener that plays a script on each connection: what ZeroMQ peers must survive."""

    def __init__(self, kind: str, script: bytes, hang_up: bool = False) -> None:
        self._script, self._hang_up = script, hang_up
        if kind.endswith("ipc"):
            path = Path(tempfile.mkdtemp(prefix="s-")) / "e"
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self.address = f"ipc://{path}"
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._listener.listen()
        self._listener.settimeout(0.05)
        self._stop = threading.Event()
        self.heard = bytearray()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                with connection:
                    self._play(connection)

    def _play(self, connection: socket.socket) -> None:
        connection.sendall(self._script)
        connection.settimeout(0.05)
        while not self._stop.is_set() and not self._hang_up:
            with contextlib.suppress(TimeoutError):
                heard = connection.recv(65536)
                self.heard += heard
                if not heard:
                    return


class ThinLine:
    """A relay on loopback that lets through so many bytes a second in each direction, with little room on the way."""

    def __init__(self, address: str, bytes_per_s: float) -> None:
        self._far = int(address.rpartition(":")[2])
        self._pause_s = _RELAYED_BYTES / bytes_per_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._join, daemon=True).start()

    def __enter__(self) -> ThinLine:
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _join(self) -> None:
        with contextlib.suppress(OSError):
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._far))
            self._ends += [near, far]
            for here, there in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(here, there), daemon=True).start()

    def _relay(self, here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := here.recv(_RELAYED_BYTES):
                there.sendall(piece)
                time.sleep(self._pause_s * len(piece) / _RELAYED_BYTES)


def info(address: str, curve: str = "") -> ConnectionInfo:
    return ConnectionInfo(address, KEY, 1, "0", (1,), 0.0, curve)


def received(end: Transport | FarEnd, timeout_s: float = 10.0) -> list[bytes]:
    """Receive one message, whatever wakes and pauses come between."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        frames = end.receive(0.2)
        if frames is not None:
            return [bytes(frame) for frame in frames]
    raise AssertionError("nothing came")
