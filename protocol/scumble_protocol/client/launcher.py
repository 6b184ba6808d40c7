"""Find a running engine or start one, without ever waiting: the host's timer polls. Standard library only.

A host's own `sys.executable` is not a Python (inside Krita it is Krita), so the engine's command comes from elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..connection import ConnectionInfo, is_loopback_or_ipc, own_runtime_dir, read, replace_file
from ..errors import EngineError, ProtocolError
from ..wording import said
from .sandbox import own_sandbox

ENGINE_VARIABLE = "SCUMBLE_ENGINE"
POINTER_NAME = "engine-command.json"
START_TIMEOUT_S = 30.0
PROBE_TIMEOUT_S = 0.2
RIVAL_S = 1.0
POLL_S = 0.02
_ERRORS_NAME = "engine-start.log"
# What a host sets for its own Python and libraries would break the engine's.
_HOST_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH", "LD_PRELOAD")
_HOST_VARIABLES_APPLE = ("DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH", "DYLD_INSERT_LIBRARIES", "__PYVENV_LAUNCHER__")


class Launcher:
    """One search for an engine. Call `poll` from a timer until it returns an address or raises; then it has done its work."""

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        timeout_s: float = START_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
        silent: ConnectionInfo | None = None,
    ) -> None:
        """`command`: what starts an engine, e.g. ["/path/scumble", "engine"]; None: find out with `engine_command`.

        `silent`: an engine that did not greet: whatever listens at its address now, it is none.
        """
        self.starting = False
        self._command = _absolute(command) if command is not None else None
        self._timeout_s = timeout_s
        self._clock = clock
        self._deadline = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._stale = silent

    def poll(self) -> ConnectionInfo | None:
        """Return how to reach the engine, or None while it starts.

        Raises EngineError "engine-not-found", "engine-not-started" or "engine-slow", with what to do, and ProtocolError
        when the runtime folder is not the user's own.
        """
        info = self._running()
        if info is not None:
            return info
        if self._process is None:
            self._start()
        else:
            self._check_start(self._process)
        return None

    def _running(self) -> ConnectionInfo | None:
        """Return the engine of the connection file if something listens there."""
        try:
            info = read()
        except ProtocolError:  # damaged: a new engine will replace the file
            return None
        if info is None or info == self._stale:
            return None
        if not listens(info.address):
            self._stale = info
            return None
        self.starting = False
        return info

    def _start(self) -> None:
        command = self._command or engine_command()
        try:
            with (own_runtime_dir() / _ERRORS_NAME).open("wb") as output:
                self._process = _spawn(command, output.fileno())
        except OSError as exc:
            raise EngineError(
                said(
                    "The engine could not be started: {command} ({strerror}). Install Scumble again, or set "
                    "{engine_variable} to its scumble command.",
                    command=command[0],
                    strerror=exc.strerror or exc,
                    engine_variable=ENGINE_VARIABLE,
                ),
                "engine-not-found",
            ) from exc
        # an engine outlives its launcher: somebody must take note of its end, or it stays in the process table
        threading.Thread(target=self._process.wait, name="scumble-engine", daemon=True).start()
        self.starting = True
        self._deadline = self._clock() + self._timeout_s

    def _check_start(self, process: subprocess.Popen[bytes]) -> None:
        """Complain when the process has ended; not at once, as another engine may have been quicker and be about to publish."""
        exit_code = process.poll()
        if exit_code is not None:
            self._deadline = min(self._deadline, self._clock() + RIVAL_S)
        if self._clock() < self._deadline:
            return
        if exit_code is not None:
            raise EngineError(_why_not_started(exit_code), "engine-not-started")
        raise EngineError(
            said(
                "The engine has not answered within {timeout_s} s; try again, or run “scumble doctor” in a "
                "terminal to see what is wrong.",
                timeout_s=f"{self._timeout_s:.0f}",
            ),
            "engine-slow",
        )


def find_or_start(
    command: Sequence[str] | None = None, timeout_s: float = START_TIMEOUT_S, silent: ConnectionInfo | None = None
) -> ConnectionInfo:
    """Wait for an engine. For command lines and threads; a host polls a `Launcher`. Raises EngineError."""
    launcher = Launcher(command, timeout_s=timeout_s, silent=silent)
    while (info := launcher.poll()) is None:
        time.sleep(POLL_S)
    return info


def find() -> ConnectionInfo | None:
    """Return the engine that runs now, or None. Never starts one."""
    with contextlib.suppress(ProtocolError):
        info = read()
        if info is not None and listens(info.address):
            return info
    return None


def listens(address: str) -> bool:
    """Say whether something accepts connections there; an address on another machine is taken at its word.

    A process id would not do: in a sandbox the engine's cannot be seen, and a dead one's may be another's now.
    """
    if not is_loopback_or_ipc(address):
        return True
    try:
        with _socket_to(address):
            return True
    except (OSError, ValueError):
        return False


def _socket_to(address: str) -> socket.socket:
    if not address.startswith("ipc://"):
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), PROBE_TIMEOUT_S)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PROBE_TIMEOUT_S)
    try:
        connection.connect(address.removeprefix("ipc://"))
    except OSError:
        connection.close()
        raise
    return connection


# ---- the engine's command -------------------------------------------------------------------------------------------


def engine_command() -> list[str]:
    """Return what starts an engine: SCUMBLE_ENGINE, else what `remember_engine` wrote, else `scumble` on the PATH.

    Raises EngineError "engine-not-found" with what to do; in a sandbox too, where a Python from outside would not run.
    """
    chosen, sandbox = _chosen(), own_sandbox()
    if chosen is None and sandbox is not None:
        raise EngineError(
            said(
                "This program is a {sandbox_kind}: it can't start the engine, which is outside its sandbox. Type "
                "in a terminal: {way_out}.",
                sandbox_kind=sandbox.kind,
                way_out=sandbox.way_out,
            ),
            "engine-not-found",
        )
    scumble = chosen or _remembered() or _on_path()
    if scumble is None:
        raise EngineError(
            said(
                "Scumble's engine is not installed where this program can find it. Install it, run “scumble "
                "install” once in a terminal, or set {engine_variable} to the full path of its scumble command.",
                engine_variable=ENGINE_VARIABLE,
            ),
            "engine-not-found",
        )
    return [*scumble, "engine"]


def remember_engine(scumble: Sequence[str]) -> Path:
    """Write down the full path of `scumble` (and arguments before its subcommand) for hosts to find. Raises OSError."""
    path = pointer_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps({"scumble": list(scumble)}), encoding="utf-8")
    replace_file(scratch, path)
    return path


def pointer_path() -> Path:
    """Return the file in the user's settings that says where `scumble` is."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Scumble"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support" / "Scumble"
    else:  # not XDG_CONFIG_HOME, which a Flatpak host sets to a folder of its own
        folder = Path.home() / ".config" / "scumble"
    return folder / POINTER_NAME


def _chosen() -> list[str] | None:
    chosen = os.environ.get(ENGINE_VARIABLE, "").strip()
    if not chosen or Path(chosen).exists():
        return _absolute([chosen]) if chosen else None
    return shlex.split(chosen, posix=sys.platform != "win32")


def _remembered() -> list[str] | None:
    try:
        scumble = json.loads(pointer_path().read_text(encoding="utf-8"))["scumble"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    usable = isinstance(scumble, list) and scumble and all(isinstance(part, str) for part in scumble)
    return scumble if usable and Path(scumble[0]).exists() else None


def _on_path() -> list[str] | None:
    found = shutil.which("scumble")
    return _absolute([found]) if found else None


def _absolute(command: Sequence[str]) -> list[str]:
    """Make a relative path to a program absolute, since the engine starts in another folder; a bare name stays one."""
    program, *rest = command
    return [os.path.abspath(program) if os.path.dirname(program) else program, *rest]


# ---- the process ----------------------------------------------------------------------------------------------------


def _spawn(command: Sequence[str], errors: int) -> subprocess.Popen[bytes]:
    """Start a process that outlives the host and does not share its terminal."""
    environment = engine_environment(os.environ)
    nothing = subprocess.DEVNULL
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=errors, env=environment, creationflags=flags
        )
    return subprocess.Popen(
        command, stdin=nothing, stdout=nothing, stderr=errors, env=environment, cwd="/", start_new_session=True
    )


def engine_environment(variables: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """Return the variables without those that a host sets for its own Python and libraries."""
    left_out = _HOST_VARIABLES + _HOST_VARIABLES_APPLE
    return {name: value for name, value in variables.items() if name not in left_out}


def _why_not_started(exit_code: int) -> str:
    """Say in the engine's own words why it ended, if it had any."""
    try:
        lines = (own_runtime_dir() / _ERRORS_NAME).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "").removeprefix("scumble: ")
    return f"The engine did not start: {said or f'it ended with exit code {exit_code}; run “scumble doctor”.'}"
