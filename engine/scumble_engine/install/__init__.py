"""`scumble install`, `uninstall` and `bundle`: put a plug-in into Krita or GIMP, and tell it where the engine is.

Each host's module has `install(report)`, `uninstall(report)` and `bundle(out)`; they copy files and need no network.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from scumble_protocol.client.launcher import remember_engine
from scumble_protocol.errors import RequestError

Report = Callable[[str], None]

HOSTS = ("krita", "gimp")


def install(host: str, report: Report) -> None:
    """Put the plug-in into the host and write down where the engine is. Raises RequestError with a sentence."""
    module = _module(host)
    scumble = scumble_command()
    try:
        pointer = remember_engine(scumble)
    except OSError as error:
        raise RequestError(
            f"The file that tells plug-ins where the engine is can't be written ({error.strerror or error}).",
            "not-writable",
        ) from error
    module.install(report)
    report(f"The plug-in will start {' '.join(scumble)} (noted in {pointer}).")


def uninstall(host: str, report: Report) -> None:
    """Take the plug-in out of the host. Raises RequestError with a sentence."""
    _module(host).uninstall(report)


def bundle(host: str, out: Path) -> Path:
    """Pack the plug-in as a zip and return its path. `out`: the file, or a folder for it."""
    path: Path = _module(host).bundle(out)
    return path


def scumble_command() -> list[str]:
    """Return the full path of the `scumble` that belongs to this Python, for plug-ins to start. Raises RequestError."""
    beside = Path(sys.executable).with_name("scumble.exe" if sys.platform == "win32" else "scumble")
    found = str(beside) if beside.exists() else shutil.which("scumble")
    if found is None:
        raise RequestError(
            "The scumble command is not installed beside this Python; install Scumble again.", "no-command"
        )
    return [str(Path(found).absolute())]


def _module(host: str) -> ModuleType:
    if host not in HOSTS:
        raise RequestError(f"{host!r} is not a host that I know; use {' or '.join(HOSTS)}.", "unknown-host")
    return import_module(f"{__name__}.{host}")
