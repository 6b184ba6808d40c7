"""The real Krita in a home of its own, with the plug-in installed as a painter installs it, and the probe beside it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from scumble_protocol.connection import ConnectionInfo, read

from .probe import Probe, eventually
from .screen import SIZE, Screen

HERE = Path(__file__).parent
ARTIFACTS = HERE.parents[2] / "artifacts" / "krita"
START_S = 90.0
MAX_DEATHS = 1


def hosts_folder() -> Path:
    """Return where `make hosts` keeps what it made."""
    return Path(os.environ.get("SCUMBLE_HOSTS") or Path.home() / ".cache" / "scumble" / "hosts")


def why_not() -> str:
    """Return "" when Krita can run here, else one sentence with how to get it."""
    missing = [tool for tool in ("krita", "Xvfb", "xdotool", "import") if shutil.which(tool) is None]
    return f"{', '.join(missing)} missing: run `make hosts` (root, Debian 12)" if missing else ""


class Program:
    """One running Krita. `folder` holds its home, the engine's runtime folder and our sockets (short paths)."""

    def __init__(self, folder: Path, screen: Screen, engine: str = "") -> None:
        """`engine`: what SCUMBLE_ENGINE is set to; "" = the real engine beside this Python."""
        self.folder, self.screen = folder, screen
        self.home, self.run = folder / "home", folder / "run"
        self.run.mkdir(mode=0o700, exist_ok=True)
        self.probe = Probe(folder / "probe")
        self._engine = engine or str(engine_script(folder))
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths = 0

    # ---- its life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.probe.path.unlink(missing_ok=True)
        with (self.folder / "krita.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["krita", "--nosplash"], env=self._variables(), stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._answers, START_S)
        self.probe.ask((HERE / "inside.py").read_text())
        self.probe.ask(f"app.activeWindow().qwindow().setGeometry(0, 0, {SIZE[0]}, {SIZE[1]})")
        self.probe.ask("app.activeWindow().qwindow().activateWindow()")  # no window manager does it here

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()[-3000:]
        try:
            return bool(self.probe.value("Krita.instance().activeWindow() is not None", 5))
        except OSError:
            return False

    def _variables(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "QT_", "PYTHON"))}
        return kept | {
            "PATH": "/usr/bin:/bin",  # Krita's Python looks for its own home along it
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.run),
            "SCUMBLE_RUNTIME_DIR": str(self.run),
            "SCUMBLE_ENGINE": self._engine,
            "SCUMBLE_PROBE": str(self.probe.path),
            "DISPLAY": self.screen.display,
            "LANG": "C.UTF-8",
        }

    def log(self) -> str:
        """Return what Krita has said on its standard output and error so far."""
        return (self.folder / "krita.log").read_text(errors="replace")

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def quit(self) -> int:
        """Close everything and leave by the menu's own action; return the exit code."""
        assert self._process is not None
        self.close_all()
        self.probe.ask(
            "from PyQt5.QtCore import QTimer\nQTimer.singleShot(50, lambda: app.action('file_quit').trigger())"
        )
        return self._process.wait(30)

    def end(self) -> None:
        """Stop Krita and the engine that it started, whatever state they are in."""
        if self.alive() and self._process is not None:
            self._process.kill()
            self._process.wait(10)
        self.end_engine()

    # ---- the engine it uses -----------------------------------------------------------------------------------------

    def engine_info(self) -> ConnectionInfo | None:
        path = self.run / "engine.json"
        return read(path) if path.exists() else None

    def end_engine(self, with_signal: int = signal.SIGTERM) -> None:
        """Stop the engine of our runtime folder; -9 leaves its files lying about, as a crash would."""
        info = self.engine_info()
        if info is None:
            return
        try:
            os.kill(info.pid, with_signal)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and runs(info.pid):
            time.sleep(0.05)

    # ---- as a person would ------------------------------------------------------------------------------------------

    def press(self, name: str) -> None:
        """Click a widget of the docker by its object name."""
        place = eventually(lambda: self.probe.value(f"middle({name!r})"), 30)
        self.screen.click(*place)

    def press_afresh(self, name: str = "ScumbleEdit") -> None:
        """Press what begins an edit, with no earlier sentence left that could be taken for its answer."""
        self.probe.ask("panel().show_message('')")
        self.press(name)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a document pixel is on the screen."""
        place: tuple[float, float] = tuple(self.probe.value(f"on_screen({x}, {y})"))
        return place

    def state(self) -> dict[str, object]:
        shown: dict[str, object] = self.probe.value("state()")
        return shown

    def layers(self) -> list[str]:
        return [name for name, _, _ in self.probe.value("layers()")]

    def close_all(self) -> None:
        """Close every document, and give Krita time to draw a dropped selection's outline for the last time."""
        if self.probe.value("deselect()"):
            time.sleep(0.5)
        self.probe.ask("close_all()")

    def begin_empty(self) -> None:
        """Close every document. A Krita that died between two tests, of a document that it closed, is started anew, once.

        Krita 5.1.5 does so now and then in its own code (its assertion "shape" in kis_node_manager.cpp, then a segmentation fault
        with no frame of Python). One that dies within a test fails that test.
        """
        try:
            self.close_all()
        except OSError:
            self._deaths += 1
            if self._deaths > MAX_DEATHS:
                raise
            print("Krita died while it closed a document, between two tests; it is started anew.")
            self.end()
            self.start()

    def shoot(self, name: str) -> None:
        self.screen.shoot(ARTIFACTS / f"{name}.png")


def engine_script(folder: Path) -> Path:
    """Write what starts the real engine, with our home and not Krita's, for there its models lie."""
    path = folder / "scumble"
    scumble = Path(sys.executable).with_name("scumble")
    path.write_text(f'#!/bin/sh\nHOME="{Path.home()}" OMP_NUM_THREADS=2 exec "{scumble}" "$@"\n')
    path.chmod(0o755)
    return path


def prepare_home(home: Path) -> None:
    """Give Krita a home: a copy of the one that `make hosts` warmed up (its first start builds databases for 20 s)."""
    warm = hosts_folder() / "krita-home"
    if warm.is_dir():
        shutil.copytree(warm, home, symlinks=True)
    (home / ".config").mkdir(parents=True, exist_ok=True)
    # Krita's own painter canvas: Xvfb's OpenGL is software.
    (home / ".config" / "kritadisplayrc").write_text("canvasState=OPENGL_SUCCESS\nOpenGLRenderer=none\n")
    settings = home / ".config" / "kritarc"
    shutil.copytree(HERE.parent / "probe", home / ".local" / "share" / "krita" / "pykrita", dirs_exist_ok=True)
    text = settings.read_text() if settings.exists() else ""
    group = "" if "[python]\n" in text else "\n[python]\n"
    settings.write_text((text + group).replace("[python]\n", "[python]\nenable_scumble_probe=true\n", 1))


def runs(pid: int) -> bool:
    """Say whether a process is alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] not in (b"Z", b"X")
    except OSError:
        return False
