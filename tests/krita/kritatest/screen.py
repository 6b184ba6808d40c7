"""A screen of our own (Xvfb) with a pointer and keys (xdotool), as a person would use them."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

SIZE = (1600, 1000)


class Screen:
    """An X server without a window manager, on a display number of its own."""

    def __init__(self) -> None:
        for _ in range(5):
            self.display = f":{random.randrange(200, 1000)}"
            command = ["Xvfb", self.display, "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp", "-noreset"]
            self._server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._is_up():
                return
            self.close()
        raise RuntimeError("Xvfb does not start")

    def _is_up(self) -> bool:
        for _ in range(50):
            time.sleep(0.1)
            if self._server.poll() is not None:
                return False
            asked = ["xdotool", "getmouselocation"]
            environment = os.environ | {"DISPLAY": self.display}
            if subprocess.run(asked, env=environment, capture_output=True, check=False).returncode == 0:
                return True
        return False

    def close(self) -> None:
        self._server.terminate()
        self._server.wait(10)

    def do(self, *words: object) -> None:
        """Run one xdotool command line."""
        command = ["xdotool", *map(str, words)]
        subprocess.run(command, env=os.environ | {"DISPLAY": self.display}, check=True, timeout=30)

    def click(self, x: float, y: float, button: int = 1) -> None:
        self.do("mousemove", round(x), round(y))
        time.sleep(0.08)
        self.do("click", button)

    def key(self, keys: str) -> None:
        self.do("key", "--clearmodifiers", keys)

    def type(self, text: str) -> None:
        self.do("type", "--delay", 20, text)

    def press_and_pull(self, start: tuple[float, float], end: tuple[float, float], steps: int = 12) -> None:
        """Press at `start` and pull to `end`, without letting go."""
        self.do("mousemove", round(start[0]), round(start[1]))
        time.sleep(0.1)
        self.do("mousedown", 1)
        for step in range(1, steps + 1):
            part = step / steps
            x, y = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
            self.do("mousemove", x, y)
            time.sleep(0.03)

    def release(self) -> None:
        self.do("mouseup", 1)

    def pull(self, start: tuple[float, float], end: tuple[float, float], steps: int = 12) -> None:
        """Pull from one place to another: a drag, or a brush stroke."""
        self.press_and_pull(start, end, steps)
        self.release()

    def trace(self, places: Sequence[tuple[float, float]], steps: int = 3) -> None:
        """Draw one line through places without letting go, in one xdotool: a busy machine is slow to begin programs."""
        moves: list[object] = ["mousemove", *map(round, places[0]), "sleep", 0.1, "mousedown", 1]
        for start, end in pairwise(places):
            for step in range(1, steps + 1):
                x, y = (round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True))
                moves += ["mousemove", x, y, "sleep", 0.03]
        self.do(*moves, "mouseup", 1)

    def shoot(self, path: Path) -> None:
        """Save what is on the screen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["import", "-display", self.display, "-window", "root", str(path)]
        subprocess.run(command, check=True, timeout=30)
