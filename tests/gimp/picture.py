"""A picture in the GIMP with windows, and what a person does to it before an edit."""

from __future__ import annotations

import json
import time
from typing import Any

from gimp.desktop import Desktop
from gimp.waiting import wait_for

EDIT_S = 120.0


class Picture:
    """The picture on the screen, asked from inside GIMP."""

    def __init__(self, desktop: Desktop, number: int) -> None:
        self._desktop = desktop
        self.number = number

    def layers(self) -> Any:
        return self._desktop.probe.call("pictures.layers", image=self.number)

    def named(self, name: str) -> int:
        number: int = self._desktop.probe.call("pictures.layer_named", image=self.number, name=name)
        return number

    def bytes_of(self, name: str) -> str:
        digest: str = self._desktop.probe.call("pictures.native", layer=self.named(name))
        return digest

    def shown(self, name: str) -> bool:
        visible: bool = self._desktop.probe.call("scene.visible", layer=self.named(name))
        return visible

    def recipe(self, name: str) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self._desktop.probe.call("host.recipe", layer=self.named(name)))
        return kept

    def wait_for_layers(self, layers: Any, timeout_s: float = EDIT_S) -> None:
        wait_for(f"the layers {layers}, not {self.layers()}", lambda: self.layers() == layers, timeout_s, 0.3)

    def undo_until(self, layers: Any) -> None:
        """Press Ctrl+Z until the layers are these."""
        self._desktop.focus_canvas()
        for _ in range(12):
            if self.layers() == layers:
                return
            self._desktop.screen.key("ctrl+z")
        raise AssertionError(f"undo did not lead back to {layers} but to {self.layers()}")


def draw_path(desktop: Desktop) -> None:
    """Take the path tool and click two anchors: from the disc's middle to 60 pixels right of it."""
    desktop.focus_canvas()
    desktop.screen.key("b")
    desktop.click_canvas(100, 128)
    desktop.click_canvas(160, 128)


def leave_path_out(panel: Desktop) -> None:
    """Press × beside the drag point, if one still counts."""
    time.sleep(1.5)
    if "1 drag point" in panel.texts():
        panel.press("×")
        wait_for("the path to be left out", lambda: "1 drag point" not in panel.texts(), 30)
