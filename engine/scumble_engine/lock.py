"""One engine for a runtime folder: a lock that the operating system lets go when its holder dies, however it dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scumble_protocol.errors import EngineError

_NAME = "engine.lock"


class RuntimeLock:
    """Hold a folder's lock from construction to `release`. Raises EngineError "engine-running" when another process holds it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor)
        except OSError as exc:
            holder = (
                os.pread(self._descriptor, 20, 0).decode(errors="replace").strip() if sys.platform != "win32" else ""
            )
            os.close(self._descriptor)
            raise EngineError(_running(holder, folder), "engine-running") from exc
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def clear(self) -> None:
        """Remove the sockets that engines which were killed have left in the folder: whoever holds the lock is alone in it."""
        for pattern in ("engine-*.sock", "worker-*.sock"):
            for left in self._folder.glob(pattern):
                left.unlink(missing_ok=True)

    def release(self) -> None:
        """Let go; the file stays, since removing it would race with the next engine."""
        os.close(self._descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _running(holder: str, folder: Path) -> str:
    who = f" (process {holder})" if holder.isdigit() else ""
    return (
        f"An engine is running already{who}: use that one, end it first, "
        f"or set SCUMBLE_RUNTIME_DIR to another folder than {folder} for a second one."
    )
