"""A screen of its own with a person's hands on it: Xvfb, and xdotool for mouse and keys."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from gimp.waiting import wait_for

SIZE = "1620x900x24"


class Screen:
    """One Xvfb. `name` goes into DISPLAY."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        self._process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writer), "-screen", "0", SIZE, "-nolisten", "tcp", "-ac"],
            pass_fds=[writer],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as answer:
            self.name = ":" + answer.readline().strip()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    # ---- hands ------------------------------------------------------------------------------------------------------

    def do(self, *words: object) -> str:
        """Run one xdotool command and return what it prints."""
        command = ["xdotool", *map(str, words)]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=30)
        return done.stdout

    def click(self, x: float, y: float, keys: Sequence[str] = ()) -> None:
        """Click the left button at a place on the screen, with keys held down."""
        self.do("mousemove", round(x), round(y))
        time.sleep(0.1)
        for key in keys:
            self.do("keydown", key)
        self.do("click", 1)
        for key in keys:
            self.do("keyup", key)
        time.sleep(0.15)

    def pull(self, *places: tuple[float, float]) -> None:
        """Press at the first place, move through the others, let go at the last."""
        self.do("mousemove", *map(round, places[0]))
        self.do("mousedown", 1)
        for place in places[1:]:
            time.sleep(0.05)
            self.do("mousemove", *map(round, place))
        time.sleep(0.05)
        self.do("mouseup", 1)

    def key(self, *keys: str) -> None:
        for key in keys:
            self.do("key", "--clearmodifiers", key)
            time.sleep(0.1)

    def type(self, text: str) -> None:
        self.do("type", "--delay", "15", text)

    # ---- eyes -------------------------------------------------------------------------------------------------------

    def windows(self, title: str) -> list[str]:
        """Return the ids of visible windows with such a title."""
        return self.do("search", "--onlyvisible", "--name", title).split()

    def focused(self) -> str:
        """Return the id of the window that has the keys."""
        return self.do("getwindowfocus", "-f").strip()

    def wait_for_window(self, title: str, timeout_s: float = 60.0) -> str:
        return wait_for(f"a window “{title}”", lambda: self.windows(title), timeout_s, 0.2)[-1]

    def place_of(self, window: str) -> tuple[int, int, int, int]:
        """Return x, y, width and height of a window on the screen."""
        lines = self.do("getwindowgeometry", "--shell", window).split()
        values = {name: int(value) for name, _, value in (line.partition("=") for line in lines)}
        return values["X"], values["Y"], values["WIDTH"], values["HEIGHT"]

    def shoot(self, path: Path) -> None:
        """Save a picture of the screen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["import", "-silent", "-window", "root", str(path)]
        subprocess.run(command, env=self._environment(), check=True, timeout=30)

    def _environment(self) -> dict[str, str]:
        return os.environ | {"DISPLAY": self.name}
