"""The engine's log: a modest file in the user's own folder, about processes and guests, never about pictures."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

MAX_BYTES = 2**20
OLD_FILES = 2


def user_log_dir() -> Path:
    """Return where programs of this user keep their logs."""
    import platformdirs

    return Path(platformdirs.user_log_dir("scumble", appauthor=False))


def owner_only(path: str, flags: int) -> int:
    """Open a file that only its owner can read, as `open`'s `opener`; one that was there becomes such a file."""
    descriptor = os.open(path, flags, 0o600)
    if sys.platform != "win32":
        os.fchmod(descriptor, 0o600)
    return descriptor


class _OwnersFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        os.close(owner_only(self.baseFilename, os.O_WRONLY | os.O_CREAT))
        return super()._open()


@contextlib.contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """Write this package's log lines to a file that does not grow for ever. Raises RequestError when it can't be written."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.parent.chmod(0o700)
        handler = _OwnersFile(file, maxBytes=MAX_BYTES, backupCount=OLD_FILES, encoding="utf-8")
    except OSError as exc:
        raise RequestError(
            said("The engine can't write its log to {file} ({why}).", file=file, why=exc.strerror), "bad-log"
        ) from exc
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("scumble_engine")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
