"""Write a file whole or not at all: what was there before stays until the new one is complete and on the disk."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from scumble_protocol.errors import RequestError

Write = Callable[[BinaryIO], None]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_whole(path: Path, write: Write) -> None:
    """Let `write` fill a new file beside `path`, then put it in its place in one step.

    Raises RequestError ("disk-full", "bad-out") with nothing changed; the half-written file is removed.
    """
    try:
        handle, scratch = tempfile.mkstemp(prefix=f".{path.name[:40]}-", dir=path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        os.close(handle)
        with open(scratch, "wb") as file:  # by name: the TIFF writer wants one
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, _mode_for(path))
        os.replace(scratch, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def write_bytes(file: BinaryIO, data: bytes) -> None:
    """Write all of `data`; a plain function, so that it can be what `write_whole` calls."""
    file.write(data)


def _mode_for(path: Path) -> int:
    """Return the permissions that the file has or would have had, were it made plainly (mkstemp makes it owner-only)."""
    with contextlib.suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def cannot_write(path: Path, error: OSError) -> RequestError:
    """Put a failure to write into one sentence."""
    if error.errno in FULL:
        return RequestError(f"There is no room on the disk for {path}; nothing was written.", "disk-full")
    reason = (error.strerror or str(error)).lower()
    return RequestError(f"{path} can't be written ({reason}); nothing was changed.", "bad-out")


def check_can_write(path: Path) -> None:
    """Raise RequestError early when `path` lies in no folder, or in one that can't be written."""
    folder = path.parent
    if not folder.is_dir():
        raise RequestError(f"The folder {folder} does not exist; make it first or write elsewhere.", "bad-out")
    if path.is_dir():
        raise RequestError(f"{path} is a folder; give a file's name.", "bad-out")
    try:
        with tempfile.NamedTemporaryFile(prefix=".scumble-", dir=folder):
            pass
    except OSError as error:
        raise cannot_write(path, error) from error
