"""The connection file: how a host finds a running engine, and the key that lets it in. Owner-only, published after binding.

Nothing here opens a socket; whether a file is stale is the launcher's business.
"""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import json
import os
import secrets
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import ProtocolError
from .wording import said

RUNTIME_DIR_VARIABLE = "SCUMBLE_RUNTIME_DIR"
FILE_NAME = "engine.json"
KEY_BYTES = 32
MAX_FILE_BYTES = 16_384
_PATIENCE_S = 0.5
_PAUSE_S = 0.01
PLAIN_USER = "scumble"
MAX_IPC_PATH_BYTES = 100  # a Unix socket's path ends at 104 (macOS) or 108 (Linux) bytes


@dataclass(frozen=True)
class ConnectionInfo:
    """Everything a host needs to talk to an engine. `started_at`: seconds since the epoch; `key`: 32 secret bytes.

    `curve_public_key`: the engine's CURVE key in Z85 (40 characters), "" when the address is local.
    """

    address: str
    key: bytes = field(repr=False)
    pid: int
    engine_version: str
    protocols: tuple[int, ...]
    started_at: float
    curve_public_key: str = ""


def new_key() -> bytes:
    """Draw a key for a new engine."""
    return secrets.token_bytes(KEY_BYTES)


def plain_password(key: bytes) -> str:
    """Return what lets a connection on this machine in (64 hex digits): it shows the key's holder and does not show the key."""
    return hmac.digest(key, b"scumble plain", "sha256").hex()


def curve_seed(key: bytes) -> bytes:
    """Return the secret CURVE key (32 bytes) of every client that holds the connection file's key."""
    return hmac.digest(key, b"scumble curve", "sha256")


def runtime_dir() -> Path:
    """Return the user's own folder for running engines (it may not exist yet); SCUMBLE_RUNTIME_DIR overrides it."""
    if chosen := os.environ.get(RUNTIME_DIR_VARIABLE):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Scumble" / "run"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Scumble" / "run"
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(session) / "scumble"
    return Path(tempfile.gettempdir()) / f"scumble-{os.getuid()}"


def connection_path() -> Path:
    """Return where the connection file lies when an engine runs."""
    return runtime_dir() / FILE_NAME


def own_runtime_dir() -> Path:
    """Make the runtime folder, for its owner only. Raises ProtocolError when it belongs to, or is open to, others."""
    folder = runtime_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_shared(folder)
    return folder


def local_address(pid: int, *, prefer_tcp: bool = False) -> str:
    """Return where an engine on this machine should bind: an ipc socket in the runtime folder, else loopback tcp (any port)."""
    path = runtime_dir() / f"engine-{pid}.sock"
    if prefer_tcp or sys.platform == "win32" or len(os.fsencode(path)) > MAX_IPC_PATH_BYTES:
        return "tcp://127.0.0.1:*"
    return f"ipc://{path}"


def is_loopback_or_ipc(address: str) -> bool:
    """Say whether an address stays on this machine; all others need CURVE. Host names other than localhost do not count."""
    if address.startswith("ipc://"):
        return True
    host, colon, _ = address.removeprefix("tcp://").rpartition(":")
    if not address.startswith("tcp://") or not colon:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def publish(info: ConnectionInfo, path: Path | None = None) -> Path:
    """Write the connection file in one step (a reader sees the old one or the whole new one), readable by its owner only."""
    path = path or own_runtime_dir() / FILE_NAME
    values = asdict(info) | {"key": info.key.hex()}
    handle, scratch = tempfile.mkstemp(prefix=".engine-", dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(values, file, indent=1)
        replace_file(scratch, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise
    return path


def replace_file(scratch: str | Path, path: Path) -> None:
    """Put a file in another's place. On Windows that fails while somebody reads the other one, so it is tried for a while."""
    _patiently(lambda: os.replace(scratch, path))


def _patiently(act: Callable[[], None]) -> None:
    """Do to a file what others that read it stand in the way of for a moment."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            act()
            return
        except PermissionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)


def read(path: Path | None = None) -> ConnectionInfo | None:
    """Read the connection file; None when there is none.

    Raises ProtocolError "protocol-connection-file" when it is damaged, belongs to another user, or others can read it.
    """
    path = path or connection_path()
    try:
        with open(path, "rb") as file:
            _refuse_foreign(os.fstat(file.fileno()), path)
            text = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _unusable(path, f"cannot be read ({exc.strerror})") from exc
    return _parsed(text, path)


def remove_if_ours(info: ConnectionInfo, path: Path | None = None) -> bool:
    """Remove the connection file if it still is the one that `info` describes; say whether it was removed."""
    file = path or connection_path()
    try:
        current = read(file)
    except ProtocolError:
        return False
    if current is None or (current.pid, current.key) != (info.pid, info.key):
        return False
    _patiently(lambda: file.unlink(missing_ok=True))
    return True


def process_alive(pid: int) -> bool:
    """Say whether a process with this id runs now (a zombie does not)."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _process_alive_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError) as exc:
        return isinstance(exc, PermissionError)
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:  # no /proc here, or it ended just now
        return False
    return status.rpartition(b") ")[2][:1] in (b"Z", b"X")


def _process_alive_windows(pid: int) -> bool:
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009  (absent elsewhere, so mypy must not look)
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active


def _unusable(path: Path, why: str) -> ProtocolError:
    return ProtocolError(
        said(
            "The file {path} that tells how to reach the engine {why}. Remove it and start the engine again.",
            path=path,
            why=why,
        ),
        "protocol-connection-file",
    )


def _refuse_shared(folder: Path) -> None:
    status = folder.lstat()
    if sys.platform != "win32" and (status.st_uid != os.getuid() or status.st_mode & 0o077):
        raise ProtocolError(
            said(
                "The folder {folder} must belong to you and be closed to others (chmod 700); it would hold the "
                "engine's key.",
                folder=folder,
            ),
            "protocol-connection-file",
        )


def _refuse_foreign(status: os.stat_result, path: Path) -> None:
    if sys.platform == "win32":  # the folder lies in the user's profile, whose access list already says so
        return
    if status.st_uid != os.getuid():
        raise _unusable(path, "belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise _unusable(path, "can be read by other users")


def _parsed(text: bytes, path: Path) -> ConnectionInfo:
    try:
        if len(text) > MAX_FILE_BYTES:
            raise ValueError("too long")
        values = json.loads(text)
        info = ConnectionInfo(
            address=str(values["address"]),
            key=bytes.fromhex(values["key"]),
            pid=int(values["pid"]),
            engine_version=str(values["engine_version"]),
            protocols=tuple(int(major) for major in values["protocols"]),
            started_at=float(values["started_at"]),
            curve_public_key=str(values.get("curve_public_key", "")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise _unusable(path, "is damaged") from exc
    if len(info.key) != KEY_BYTES or not (is_loopback_or_ipc(info.address) or info.curve_public_key):
        raise _unusable(path, "holds a key or an address that must not be used")
    return info
