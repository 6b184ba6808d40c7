"""A GIMP with windows on a screen of its own, used as a person would use it, and looked at from inside.

Its Python has neither pyzmq nor msgpack (the console's has both), so each of our two transports is used by a real GIMP.
"""

from __future__ import annotations

import json
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from gimp.console import end
from gimp.line import Line
from gimp.root import Root
from gimp.scene import CENTRE
from gimp.screen import Screen
from gimp.waiting import happens, wait_for
from PIL import Image

WINDOW = (1280, 900)
FILTERS_MENU = (427, 12)
PROGRESS_CANCEL = (1008, 886)  # at the right end of the progress bar
DISC = np.array((225, 60, 50))
ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts" / "gimp"


class Desktop:
    """One GIMP with one picture. Widgets of our windows are found by `seen`, the canvas by the red disc on it."""

    def __init__(self, root: Root, variables: dict[str, str], picture: Path) -> None:
        self.root = root
        self.screen = Screen()
        self._main = ""
        self._origin = (0.0, 0.0)  # where pixel 0,0 of the picture is on the screen
        folder = root.shared / "home" / ".config" / "GIMP" / "3.0" / "plug-ins" / "scumble-probe"
        folder.mkdir()
        shutil.copy(root.shared / "inside" / "probe.py", folder / "scumble-probe.py")
        (folder / "scumble-probe.py").chmod(0o755)
        eyes = {
            "SCUMBLE_TEST_BARE": "yes",
            "SCUMBLE_TEST_SHARED": str(root.shared),
            "PYTHONPATH": str(root.shared / "inside" / "eyes"),
        }
        with open(root.shared / "desktop.log", "wb") as log:
            command = ["gimp-3.0", "-n", str(picture)]
            self.process = root.start(command, variables | eyes | {"DISPLAY": self.screen.name}, log)
        try:
            self.probe = self._reach_probe()
            self._fill_screen()
        except BaseException:
            end(self.process, 0)
            self.screen.close()
            raise

    def _reach_probe(self) -> Line:
        path = self.root.shared / "probe.sock"
        wait_for("GIMP with its probe", path.exists, 90, 0.2)
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(path))
        return Line(line)

    def _fill_screen(self) -> None:
        wait_for("the picture", lambda: self.probe.call("scene.images"), 60, 0.3)
        wait_for("the disc on the canvas", self._find_canvas, 30, 0.5)
        self._main = self.screen.windows("GIMP")[-1]
        self.screen.do("windowmove", self._main, 0, 0)
        self.screen.do("windowsize", self._main, *WINDOW)
        time.sleep(1.5)
        self._origin = wait_for("the disc on the canvas", self._find_canvas, 30, 0.5)

    def close(self) -> None:
        """End GIMP without asking about unsaved pictures."""
        with suppress(Exception):
            self.probe.begin("scene.quit")
        self.probe.close()
        end(self.process, 5)
        self.screen.close()

    # ---- the canvas -------------------------------------------------------------------------------------------------

    def _find_canvas(self) -> tuple[float, float] | None:
        """Return where pixel 0,0 is on the screen (at 100 %), by the largest red spot left of the docks."""
        path = self.root.shared / "screen.png"
        self.screen.shoot(path)
        with Image.open(path) as shot:
            pixels = np.asarray(shot.convert("RGB")).astype(int)
        red = (np.abs(pixels - DISC).max(axis=-1) < 12)[:, 200:1030]
        if red.sum() < 2000:
            return None
        y, x = np.nonzero(red)
        return 200 + float(np.median(x)) - CENTRE[0], float(np.median(y)) - CENTRE[1]

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        return self._origin[0] + x, self._origin[1] + y

    def click_canvas(self, x: float, y: float, *keys: str) -> None:
        self.screen.click(*self.on_screen(x, y), keys)
        time.sleep(0.3)

    def paint(self, *places: tuple[float, float]) -> None:
        """Pull the brush over the canvas."""
        self.screen.pull(*(self.on_screen(*place) for place in places))
        time.sleep(0.5)

    def focus_canvas(self) -> None:
        """Move over an empty part of the canvas, where keys are GIMP's own."""
        self.screen.do("windowfocus", self._main)
        self.screen.do("mousemove", *map(round, self.on_screen(128, 380)))
        time.sleep(0.2)

    def focus_panel(self) -> None:
        """Bring the pen to the panel, as its window manager would give it the keys."""
        self.screen.do("windowfocus", self.screen.windows("^Scumble$")[-1])

    # ---- our own windows --------------------------------------------------------------------------------------------

    def choose(self, mnemonic: str) -> None:
        """Choose an entry of Filters > Scumble, the last of that menu. A click too early opens nothing, so it is tried again."""
        for _ in range(4):
            if self._open_submenu():
                self.screen.key(mnemonic)
                return
            self.screen.key("Escape", "Escape")
            time.sleep(1.0)
        raise AssertionError("Filters > Scumble does not open.")

    def _open_submenu(self) -> bool:
        open_before = self._windows_of_gimp()
        self.screen.click(*FILTERS_MENU)
        if not happens(lambda: self._windows_of_gimp() > open_before, 15):
            return False
        self.screen.key("Up", "Right")
        return happens(lambda: self._windows_of_gimp() > open_before + 1, 15)

    def _windows_of_gimp(self) -> int:
        """Count GIMP's own windows on the screen, open menus among them."""
        return len(self.screen.do("search", "--onlyvisible", "--class", "gimp").split())

    def open_panel(self) -> None:
        """Open the panel from the menu and put it beside GIMP's window, as there is no window manager to stack them."""
        if self.find("Button", "Colour"):
            return
        self.choose("p")
        wait_for("the panel", lambda: self.find("Button", "Colour"), 60, 0.3)
        self.screen.do("windowmove", self.screen.windows("^Scumble$")[-1], WINDOW[0], 0)
        time.sleep(0.5)

    def close_panel(self) -> None:
        self.screen.do("windowclose", self.screen.windows("^Scumble$")[-1])

    def widgets(self) -> list[dict[str, Any]]:
        """Return what our plug-in's windows show now."""
        seen: list[dict[str, Any]] = []
        for path in self.root.shared.glob("eyes-*.sock"):
            with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as line:
                line.settimeout(10)
                line.connect(str(path))
                line.sendall(b"look\n")
                seen += json.loads(line.makefile("rb").readline())
        return seen

    def texts(self) -> str:
        """Return all that can be read in our windows, for looking for a sentence."""
        return "\n".join(widget["text"] for widget in self.widgets())

    def find(self, kind: str, text: str = "", window: str = "") -> dict[str, Any] | None:
        """Return the first widget of that kind whose text, and whose window's title, hold these words."""
        for widget in self.widgets():
            if widget["kind"].endswith(kind) and text in widget["text"] and window in widget["window"]:
                return widget
        return None

    def _settled(self, kind: str, text: str, window: str) -> list[float] | None:
        first = self.find(kind, text, window)
        time.sleep(0.3)
        second = self.find(kind, text, window)
        return second["box"] if first and second and first["box"] == second["box"] else None

    def wait_for_text(self, text: str, timeout_s: float = 60.0) -> None:
        wait_for(f"“{text}” in our window", lambda: text in self.texts(), timeout_s, 0.2)

    def press(self, label: str, window: str = "") -> None:
        """Click the button with that label, once it stays where it is."""
        x, y, width, height = wait_for(f"a button {label}", lambda: self._settled("Button", label, window), 30, 0.1)
        self.screen.click(x + width / 2, y + height / 2)

    def write(self, text: str, kind: str = "Entry", window: str = "Scumble", holds: str = "") -> None:
        """Click the line of text (or a "SpinButton") that holds this now, and type."""
        x, y, _, height = wait_for(f"a field, {kind}", lambda: self._settled(kind, holds, window), 30, 0.1)
        self.screen.do("windowfocus", self.screen.windows(f"^{window}$")[-1])
        self.screen.click(x + 30, y + height / 2)
        self.screen.key("ctrl+a", "BackSpace")
        self.screen.type(text)

    def shoot(self, name: str) -> None:
        """Keep a picture of the screen as an artifact."""
        self.screen.shoot(ARTIFACTS / f"{name}.png")
