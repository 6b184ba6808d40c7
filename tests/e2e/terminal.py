"""A terminal to type `scumble` into: the real command in processes of its own, with a folder and an engine of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WITHIN_S = 240


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence of a refusal; fails the test when there is not exactly one, or a traceback instead."""
        lines = [line for line in self.err.splitlines() if line.startswith("scumble: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err + self.out
        assert "error of its own" not in self.err
        return lines[0].removeprefix("scumble: ")


class Terminal:
    """`files`: the folder that commands run in; `runtime`: where its engine is found."""

    def __init__(self, files: Path, runtime: Path) -> None:
        runtime.chmod(0o700)
        self.files, self.runtime = files, runtime
        self.environment = {
            **os.environ,
            "SCUMBLE_RUNTIME_DIR": str(runtime),
            "XDG_STATE_HOME": str(runtime / "state"),
            "OMP_NUM_THREADS": "2",
            "COLUMNS": "100",
        }

    def __call__(self, *arguments: object, **options: Any) -> Said:
        """Run `scumble` with these arguments to its end."""
        done = subprocess.run(
            self.command(*arguments), cwd=self.files, env=self.environment, capture_output=True, text=True,
            timeout=WITHIN_S, check=False, **options,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: object) -> subprocess.Popen[str]:
        """Start `scumble` and return at once. It hears Ctrl+C even where these tests run in the background of a shell."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.files,
            env=self.environment,
            stdout=pipe,
            stderr=pipe,
            text=True,
            preexec_fn=_hear_interrupts,
        )

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "scumble_engine.cli", *map(str, arguments)]

    @property
    def connection(self) -> dict[str, Any]:
        """The connection file of the engine that runs."""
        content: dict[str, Any] = json.loads((self.runtime / "engine.json").read_text())
        return content

    def kill_engine(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the engine of this terminal, if it has one, and wait until it is gone."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            pid = int(self.connection["pid"])
            os.kill(pid, number)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and running(pid):
                time.sleep(0.05)


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: subprocess.Popen[str]) -> Said:
    """Wait for a command that was begun."""
    out, err = process.communicate(timeout=WITHIN_S)
    return Said(process.returncode, out, err)


def running(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False
