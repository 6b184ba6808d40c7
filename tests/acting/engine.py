"""Start an acting engine, talk to it as a host does, and end it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from scumble_protocol.client.session import Session
from scumble_protocol.connection import ConnectionInfo, read
from scumble_protocol.messages import FINAL_EVENTS, Edit, Event, Instruction
from scumble_protocol.pixels import Picture, Plane

HERE = Path(__file__).parent
ACTING_WORKER = (sys.executable, str(HERE / "worker.py"))
T = TypeVar("T")


def edit(instruction: str, side: int = 8) -> Edit:
    return Edit(Picture(Plane(side, side, 4, "u8", bytes(side * side * 4))), (Instruction(instruction),))


def eventually(what: Callable[[], T | None], timeout_s: float = 20.0) -> T:
    """Return the first truthy answer; fail the test when none comes in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true within {timeout_s} s")


class ActingEngine:
    """A server process with an acting worker; the context's end stops it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        options = {"worker_command": ACTING_WORKER, "log_dir": str(self.logs)} | options
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "serve.py"), json.dumps(options)],
            env=os.environ | {"SCUMBLE_RUNTIME_DIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def info(self) -> ConnectionInfo:
        """Wait for the connection file of this process."""

        def published() -> ConnectionInfo | None:
            assert self.process.poll() is None, self.process.communicate()
            info = read(self.folder / "engine.json")
            return info if info is not None and info.pid == self.process.pid else None

        return eventually(published)

    def session(self, name: str = "test") -> Session:
        session = Session(self.info, name)
        session.wait_until_open(10)
        return session

    def end(self) -> tuple[int, str, str]:
        """Ask it to stop; return its exit code and what it said."""
        self.process.terminate()
        return self.ended()

    def ended(self, timeout_s: float = 20.0) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, out, err

    def __enter__(self) -> ActingEngine:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def events_of(session: Session, job: str, timeout_s: float = 30.0) -> list[Event]:
    """Collect a job's events up to its final one; those of other jobs are dropped."""
    collected: list[Event] = []
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for event in session.wait(0.1):
            if getattr(event, "job", None) == job:
                collected.append(event)
                if isinstance(event, FINAL_EVENTS):
                    return collected
    raise AssertionError(f"job {job} did not end within {timeout_s} s; it said {collected}")


def final_of(session: Session, job: str, timeout_s: float = 30.0) -> Event:
    return events_of(session, job, timeout_s)[-1]
