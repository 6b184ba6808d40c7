"""One worker process and the private socket to it. When to start or kill it is the supervisor's business."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import zmq
from scumble_protocol.connection import MAX_IPC_PATH_BYTES
from scumble_protocol.errors import EngineError
from scumble_protocol.messages import Hello, Message
from scumble_protocol.pixels import MAX_PLANE_BYTES
from scumble_protocol.wire import KEY_BYTES, NONCE_BYTES, SPOKEN_MAJORS, Channel
from scumble_protocol.wording import said

from .boot import Boot
from .logs import owner_only

MAX_LOG_BYTES = 2**20
HEARD_AT_ONCE = 64


class Child:
    """A running worker. Raises EngineError when the process cannot be started."""

    def __init__(
        self,
        command: Sequence[str],
        model: str,
        device: str,
        folder: Path,
        log: Path,
    ) -> None:
        key, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
        self._channel = Channel(key, nonce, "client")
        hello = self._channel.seal(Hello("server", SPOKEN_MAJORS, nonce))
        self._context: zmq.Context[zmq.Socket[bytes]] = (
            zmq.Context()
        )  # its own: the front door's gate is not asked here
        self.socket = self._context.socket(zmq.PAIR)
        self.socket.linger = 0
        self.socket.maxmsgsize = MAX_PLANE_BYTES
        self._socket_file = folder / f"worker-{secrets.token_hex(4)}.sock"
        self.address, server_key = _bind(self.socket, self._socket_file)
        try:
            self.process = _spawn(command, log)
        except OSError as exc:
            self._context.destroy()
            raise EngineError(
                said("The engine's worker could not be started: {strerror}.", strerror=exc.strerror or exc),
                "engine-worker",
            ) from exc
        self._greet(Boot(self.address, key, tuple(bytes(frame) for frame in hello), model, device, server_key))

    def _greet(self, boot: Boot) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it may have died already; `exit_code` will say so
            self.process.stdin.write(boot.to_line().encode())
            self.process.stdin.flush()

    def send(self, message: Message) -> None:
        """Send without waiting; what a stuck worker does not take is dropped, and its silence ends it."""
        if not self._channel.established:
            return
        with contextlib.suppress(zmq.Again):
            self.socket.send_multipart(self._channel.seal(message), zmq.NOBLOCK, copy=False)

    def heard(self) -> Iterator[Message]:
        """Yield what has arrived, at most `HEARD_AT_ONCE` messages."""
        for _ in range(HEARD_AT_ONCE):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            yield self._channel.open([frame.buffer for frame in frames])

    def exit_code(self) -> int | None:
        return self.process.poll()

    def wait(self, timeout_s: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout_s)

    def end(self) -> None:
        """Kill the process if it lives, and leave nothing of it behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait(5.0)
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self._context.destroy()
        self._socket_file.unlink(missing_ok=True)


def _bind(socket: zmq.Socket[bytes], file: Path) -> tuple[str, str]:
    """Bind and return the address and the key that a peer must know ("" where the folder lets in nobody else).

    Other users reach a loopback port too. CURVE lets in only who knows the server's public key, and that goes to the worker alone.
    """
    if sys.platform != "win32" and len(os.fsencode(file)) <= MAX_IPC_PATH_BYTES:
        socket.bind(f"ipc://{file}")
        return f"ipc://{file}", ""
    public, socket.curve_secretkey = zmq.curve_keypair()
    socket.curve_server = True
    socket.bind("tcp://127.0.0.1:*")
    return socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0"), public.decode()


def _spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start the worker away from the terminal's Ctrl+C: the server ends it in its own time."""
    mode = "ab" if log.exists() and log.stat().st_size < MAX_LOG_BYTES else "wb"
    with open(log, mode, opener=owner_only) as output:
        environment = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ  # spinning threads would starve the host's own
        environment |= {"PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment, creationflags=flags
            )
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment, start_new_session=True
        )
