"""A red square on blue stripes, and the first steps of erasing it: a document for tests that are not about pictures.

Stripes, as a plain ground would be filled at once, without the model: too soon for what a test does meanwhile.
"""

from __future__ import annotations

from .probe import eventually
from .program import Program

BLUE = "bytes([200, 120, 40, 255])"


def open_square(program: Program) -> None:
    """Open the document, 560×540, at a zoom of 1."""
    program.probe.ask(f"new(560, 540, pixel={BLUE})")
    eventually(lambda: program.probe.value("app.activeDocument().activeNode() is not None"), 20)
    program.probe.ask(
        """
        stripes = b"".join(bytes([200, 120, 40 + 60 * (x // 7 % 2), 255]) for x in range(560)) * 540
        app.activeDocument().topLevelNodes()[0].setPixelData(QByteArray(stripes), 0, 0, 560, 540)
        app.activeDocument().topLevelNodes()[0].setPixelData(QByteArray(bytes([20, 20, 220, 255]) * 3600), 200, 200, 60, 60)
        app.activeDocument().refreshProjection()
        app.activeWindow().activeView().canvas().setZoomLevel(1.0)
        """
    )


def stroke(program: Program) -> None:
    """Paint over the square with the remove tool."""
    program.press("ScumbleTool-subtract")
    eventually(lambda: program.state()["tool"] == "subtract", 20)
    for height in (210, 230, 250):
        program.screen.pull(program.at(195, height), program.at(265, height))
    eventually(lambda: "Remove strokes" in program.state()["cues"], 20)


def begin(program: Program) -> None:
    """Press Edit and wait until the engine works on it."""
    program.press_afresh()
    eventually(lambda: program.state()["working"] not in ("", "Starting the engine…", "Sent…"), 60)


def message(program: Program, timeout_s: float = 30.0) -> str:
    """Wait for what the docker says."""
    return str(eventually(lambda: program.state()["message"], timeout_s))
