"""The real engine, as a process outside GIMP's root; both sides see one runtime folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from gimp.waiting import wait_for
from scumble_protocol.client.session import Session
from scumble_protocol.connection import read
from scumble_protocol.messages import EngineState

# A short grace: what a cancelled job still does is ended after a second. A worker that a test has stopped is not given up.
CODE = """
import sys
from pathlib import Path
from scumble_engine.server import serve
from scumble_engine.supervisor import Patience
serve(device="cpu", idle_exit_s=3600.0, log_dir=Path(sys.argv[1]), patience=Patience(cancel_s=1.0, silence_s=600.0))
"""


class Engine:
    """One engine that can be started, killed and stopped."""

    def __init__(self, run_folder: Path) -> None:
        self.run_folder = run_folder
        self.log = run_folder.parent / "engine-output.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it can be found."""
        variables = os.environ | {"SCUMBLE_RUNTIME_DIR": str(self.run_folder), "OMP_NUM_THREADS": "2"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", CODE, str(self.run_folder.parent)],
                env=variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for("the engine's connection file", self._published)

    def _published(self) -> bool:
        with suppress(OSError, ValueError):
            info = json.loads((self.run_folder / "engine.json").read_text())
            return self._process is not None and info["pid"] == self._process.pid
        return False

    def phase(self) -> str:
        """Say whether the engine is ready or busy."""
        return self.state().phase

    def state(self) -> EngineState:
        """Ask the engine, as another client would, how it is."""
        info = read(self.run_folder / "engine.json")
        assert info is not None
        session = Session(info, "test")
        try:
            return session.wait_until_open(5.0)
        finally:
            session.close()

    def freeze_worker(self) -> int:
        """Stop the worker where it is, so that a job can't end by itself; return its process id."""
        assert self._process is not None
        worker = wait_for("a worker", lambda: children(self._process.pid if self._process else 0))[0]
        os.kill(worker, signal.SIGSTOP)
        return worker

    def has_ended(self) -> bool:
        """Say whether the server has ended by itself."""
        return self._process is None or self._process.poll() is not None

    def thaw_worker(self, worker: int) -> None:
        """Let a stopped worker go on."""
        os.kill(worker, signal.SIGCONT)

    def log_lines(self, word: str) -> list[str]:
        """Return the lines of the engine's own log that hold a word."""
        log = self.run_folder.parent / "engine.log"
        return [line for line in log.read_text().splitlines() if word in line] if log.exists() else []

    def kill(self) -> None:
        """End the server and its worker at once, as a crash would."""
        assert self._process is not None
        for pid in [*children(self._process.pid), self._process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it as a user would."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self.kill()


def children(parent: int) -> list[int]:
    """Return the ids of a process's own children."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split() if folder.name.isdigit() else []
            if fields and int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(folder.name))
    return found
