"""The engine under siege, what it weighs meanwhile, and the honest painter who goes on working.

`python -m scumble_engine.bench.siege.ground FOLDER` is the server; its worker hands pictures back (`bench.passing`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from scumble_protocol.client.session import Session
from scumble_protocol.connection import RUNTIME_DIR_VARIABLE, ConnectionInfo, read
from scumble_protocol.errors import EngineError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import FINAL_EVENTS, Edit, Failure, Handle, Result
from scumble_protocol.pixels import Picture, Plane

from .. import passing

MODULE = "scumble_engine.bench.siege.ground"
JOBS_PER_CLIENT = 100
START_S = 60.0
JOB_S = 60.0  # a job that has no end by then is lost
LOOK_S = 0.05


@dataclass
class Tally:
    """What became of the jobs that were asked for; `lost` had no end, `wrong` brought other pixels than were sent."""

    asked: int = 0
    layers: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    waits_s: list[float] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return self.asked - self.layers - self.wrong - sum(self.failed.values())

    def note(self, edit: Edit, event: Failure | Result, wait_s: float) -> None:
        self.waits_s.append(wait_s)
        if isinstance(event, Failure):
            self.failed[event.code] = self.failed.get(event.code, 0) + 1
        elif bytes(event.plane.data) == bytes(edit.picture.plane.data):
            self.layers += 1
        else:
            self.wrong += 1


@dataclass(frozen=True)
class Ground:
    """A running engine: how to reach it, and its process."""

    info: ConnectionInfo
    server: psutil.Process

    def worker(self) -> psutil.Process | None:
        return next(iter(self.server.children()), None)

    def session(self, name: str) -> Session:
        """Greet as a client does. Raises ScumbleError."""
        session = Session(self.info, name)
        try:
            session.wait_until_open(JOB_S)
        except BaseException:
            session.close()
            raise
        return session


@contextlib.contextmanager
def besieged() -> Iterator[Ground]:
    """Run an engine on loopback tcp, where every user of the machine could knock, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="scumble-siege-") as folder:
        variables = os.environ | {RUNTIME_DIR_VARIABLE: folder}
        process = subprocess.Popen([sys.executable, "-m", MODULE, folder], env=variables, stdout=subprocess.DEVNULL)
        try:
            yield Ground(_published(process, Path(folder)), psutil.Process(process.pid))
        finally:
            if sys.platform != "win32":
                process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(START_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _published(process: subprocess.Popen[bytes], folder: Path) -> ConnectionInfo:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if (info := read(folder / "engine.json")) is not None:
            return info
        time.sleep(0.01)
    raise EngineError("The engine did not start; run “scumble engine” to see why.")


def small_edit(number: int, side: int = 16) -> Edit:
    """Return an edit whose picture tells it apart from all others."""
    pixels = number.to_bytes(8, "big") * (side * side // 2)
    return Edit(Picture(Plane(side, side, 4, "u8", pixels)), (Handle(Point(1, 1), Point(9, 9)),))


def finished(session: Session, edit: Edit, tally: Tally) -> bool:
    """Ask for one edit and wait for its end; say whether its own layer came."""
    before, started = tally.layers, time.monotonic()
    tally.asked += 1
    job = session.submit(edit)
    while time.monotonic() - started < JOB_S:
        for event in session.wait(0.25):
            if isinstance(event, FINAL_EVENTS) and event.job == job and isinstance(event, Failure | Result):
                tally.note(edit, event, time.monotonic() - started)
                return tally.layers > before
    return False


class Painter(threading.Thread):
    """An honest painter: opens a session, asks for an edit, looks at the layer, and again, every tenth of a second."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(name="painter", daemon=True)
        self.tally = Tally()
        self._ground = ground
        self._over = threading.Event()

    def run(self) -> None:
        number = 2**62
        while not self._over.is_set():
            started = time.monotonic()
            try:
                session = self._ground.session("painter")
            except Exception as exc:
                self.tally.asked += 1
                code = getattr(exc, "code", type(exc).__name__)
                self.tally.failed[code] = self.tally.failed.get(code, 0) + 1
                continue
            finally:
                self.tally.waits_s.append(time.monotonic() - started)  # the greeting counts as well
            for _ in range(3):
                number += 1
                finished(session, small_edit(number), self.tally)
            session.close()
            self._over.wait(0.1)

    def rest(self) -> None:
        self._over.set()
        self.join(JOB_S)


class Scale(threading.Thread):
    """Weigh the server many times a second."""

    def __init__(self, server: psutil.Process) -> None:
        super().__init__(name="scale", daemon=True)
        self.peak_bytes = 0
        self._server = server
        self._over = threading.Event()

    def run(self) -> None:
        with contextlib.suppress(psutil.Error):
            looking = True
            while looking:  # once at least, and once more at the end
                looking = not self._over.wait(LOOK_S)
                self.peak_bytes = max(self.peak_bytes, self._server.memory_info().rss)

    def rest(self) -> None:
        self._over.set()
        self.join()


def until(what: Callable[[], object], timeout_s: float = JOB_S) -> bool:
    """Wait until something is true; say whether it came true in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


def main(folder: str) -> int:
    from ...scheduler import Limits
    from ...server import serve

    limits = Limits(jobs_per_client=JOBS_PER_CLIENT)
    worker = (sys.executable, "-m", passing.MODULE)
    serve(worker_command=worker, listen="tcp", log_dir=Path(folder), idle_exit_s=120.0, limits=limits)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
