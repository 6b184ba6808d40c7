"""One engine for a runtime folder: a lock that the operating system lets go when its holder dies, however it dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scumble_protocol.connection import process_alive, read
from scumble_protocol.errors import EngineError, ProtocolError
from scumble_protocol.wording import said

WAIT_S = 60.0
_NAME = "engine.lock"
_LOOK_S = 0.05


class RuntimeLock:
    """Hold a folder's lock from construction to `release`. Raises EngineError "engine-running" when another engine runs there."""

    def __init__(self, folder: Path, wait_s: float = WAIT_S, announce: Callable[[str], None] = lambda _: None) -> None:
        """Wait at most `wait_s` for a holder that has not published its address yet, or no longer, as it is leaving."""
        self._folder = folder
        self._descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT, 0o600)
        if not _locked(self._descriptor):
            self._wait(time.monotonic() + wait_s, announce)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def _wait(self, deadline: float, announce: Callable[[str], None]) -> None:
        announced = False
        while True:
            holder = _holder(self._descriptor)
            if time.monotonic() >= deadline or _published_by(holder):
                os.close(self._descriptor)
                raise EngineError(_running(holder, self._folder), "engine-running")
            if not announced:
                announce("Another engine starts or leaves just now; waiting for it.")
                announced = True
            time.sleep(_LOOK_S)
            if _locked(self._descriptor):
                return

    def clear(self) -> None:
        """Remove the sockets that engines which were killed have left in the folder: whoever holds the lock is alone in it."""
        for pattern in ("engine-*.sock", "worker-*.sock"):
            for left in self._folder.glob(pattern):
                left.unlink(missing_ok=True)

    def release(self) -> None:
        """Let go; the file stays, since removing it would race with the next engine."""
        os.close(self._descriptor)


def _locked(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(descriptor: int) -> str:
    """Return the process id that the holder wrote; on Windows a locked file can't be read."""
    if sys.platform == "win32":
        return ""
    return os.pread(descriptor, 20, 0).decode(errors="replace").strip()


def _published_by(holder: str) -> bool:
    """Say whether the connection file is that of the lock's holder."""
    try:
        info = read()
    except ProtocolError:
        return False
    if info is None:
        return False
    return str(info.pid) == holder if holder else process_alive(info.pid)


def _running(holder: str, folder: Path) -> str:
    if holder.isdigit():
        return said(
            "An engine is running already (process {process}): use that one, end it first, "
            "or set SCUMBLE_RUNTIME_DIR to another folder than {folder} for a second one.",
            process=holder,
            folder=folder,
        )
    return said(
        "An engine is running already: use that one, end it first, "
        "or set SCUMBLE_RUNTIME_DIR to another folder than {folder} for a second one.",
        folder=folder,
    )
