"""How another thread ends a wait on sockets."""

from __future__ import annotations

import contextlib
import socket
import threading


class Waker:
    """Something to wait for beside a socket, which another thread may set off at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._source, self._sink = socket.socketpair()
        self._source.setblocking(False)
        self._sink.setblocking(False)

    def fileno(self) -> int:
        return self._sink.fileno()

    def wake(self) -> None:
        with self._lock, contextlib.suppress(OSError):  # full: a wake is on its way already; closed: nobody waits
            self._source.send(b"!")

    def rest(self) -> None:
        """Forget the wakes there were."""
        with contextlib.suppress(BlockingIOError):
            while self._sink.recv(4096):
                pass

    def close(self) -> None:
        with self._lock:  # else a wake could meet the number of a file that the host opened just now
            self._source.close()
            self._sink.close()
