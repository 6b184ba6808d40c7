"""Dragging with a pen: its events are the overlay's while it drags, and the canvas's otherwise. Under PyQt6, and in the real Krita."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from kritatest.probe import eventually
from kritatest.program import Program
from kritatest.stand_in import StandIn
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle


@pytest.fixture
def stage(stand_in: StandIn) -> Any:
    """A canvas that notes the pen's events which reach it, with an overlay."""
    qt = import_module("scumble_krita.qt")

    class Canvas(qt.QWidget):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.heard: list[str] = []

        def tabletEvent(self, event: Any) -> None:
            self.heard.append(event.type().name)
            event.accept()

    canvas = Canvas()
    canvas.resize(400, 300)
    canvas.overlay = import_module("scumble_krita.overlay").Overlay(canvas)
    canvas.overlay.set_segments([], qt.QTransform.fromScale(2, 2))
    canvas.show()
    yield canvas
    canvas.close()


def pen(canvas: Any, kind: str, x: float, y: float, button: str = "LeftButton") -> None:
    """Send a pen's event to the window, which finds the widget under it as for a real one."""
    from PyQt6.QtCore import QEvent, QPointF, Qt
    from PyQt6.QtGui import QInputDevice, QPointingDevice, QTabletEvent
    from PyQt6.QtWidgets import QApplication

    stylus, tip = QInputDevice.DeviceType.Stylus, QPointingDevice.PointerType.Pen
    device = QPointingDevice("pen", 1, stylus, tip, QInputDevice.Capability.Pressure, 1, 3)
    at, which = QPointF(x, y), Qt.MouseButton[button]
    far = canvas.mapToGlobal(at)
    held = Qt.MouseButton.NoButton if kind == "Release" else which
    by = Qt.MouseButton.NoButton if kind == "Move" else which
    keys = Qt.KeyboardModifier.NoModifier
    event = QTabletEvent(QEvent.Type[f"Tablet{kind}"], device, at, far, 0.5, 0, 0, 0, 0, 0, keys, by, held)
    QApplication.sendEvent(canvas.windowHandle(), event)


def pull(canvas: Any, start: tuple[float, float], end: tuple[float, float], button: str = "LeftButton") -> None:
    pen(canvas, "Press", *start, button)
    pen(canvas, "Move", *end, button)
    pen(canvas, "Release", *end, button)


def heard(signal: Any) -> list[tuple[object, ...]]:
    said: list[tuple[object, ...]] = []
    signal.connect(lambda *words: said.append(words))
    return said


def test_a_pull_with_the_pen_is_a_handle_and_the_canvas_hears_nothing_of_it(stage: Any) -> None:
    stage.overlay.set_dragging(True)
    moving, done = heard(stage.overlay.pulling), heard(stage.overlay.pulled)
    pull(stage, (20.5, 40), (120, 90))
    assert moving == done == [(Handle(Point(10.25, 20), Point(60, 45)), "")]
    assert stage.heard == []


def test_the_pens_side_button_deletes_the_handle_under_it(stage: Any) -> None:
    stage.overlay.set_dragging(True)
    stage.overlay.set_segments([("handle-1", Handle(Point(10, 10), Point(50, 40)))], stage.overlay._map)
    gone = heard(stage.overlay.removed)
    pen(stage, "Press", 101, 82, "RightButton")
    assert gone == [("handle-1",)]
    assert stage.heard == []
    pen(stage, "Release", 101, 82, "RightButton")  # Qt would send all that follows to the widget that was pressed


def test_other_buttons_and_hovering_are_left_to_the_canvas(stage: Any) -> None:
    stage.overlay.set_dragging(True)
    pull(stage, (20, 40), (120, 90), "MiddleButton")
    assert stage.heard == ["TabletPress", "TabletMove", "TabletRelease"]


def test_without_the_drag_tool_the_pen_is_the_canvass(stage: Any) -> None:
    done = heard(stage.overlay.pulled)
    image = import_module("scumble_krita.qt").QImage(4, 4, import_module("scumble_krita.qt").QImage.Format.Format_RGB32)
    bounds = import_module("scumble_protocol.geometry").Bounds(0, 0, 4, 4)
    stage.overlay.set_look(import_module("scumble_krita.overlay").Look(image, bounds))  # it is shown, for a preview
    pull(stage, (20, 40), (120, 90))
    assert done == []
    assert stage.heard == ["TabletPress", "TabletMove", "TabletRelease"]


# ---- the real Krita -------------------------------------------------------------------------------------------------

PEN = """
from PyQt5.QtCore import QEvent, Qt
from PyQt5.QtGui import QTabletEvent
from PyQt5.QtWidgets import QApplication

def pen(kind, x, y):
    widget = canvas_widget()
    window = widget.window()
    view = sys.modules["scumble_krita.view"]
    inside = view.to_widget(app.activeWindow().activeView(), widget).map(QPointF(x, y))
    at = QPointF(widget.mapTo(window, QPoint(round(inside.x()), round(inside.y()))))
    far = QPointF(widget.mapToGlobal(QPoint(round(inside.x()), round(inside.y()))))
    left, none = Qt.LeftButton, Qt.NoButton
    event = QTabletEvent(
        getattr(QEvent, "Tablet" + kind), at, far, QTabletEvent.Stylus, QTabletEvent.Pen, 0.0 if kind == "Release" else 0.8,
        0, 0, 0.0, 0.0, 0, Qt.NoModifier, 7, none if kind == "Move" else left, none if kind == "Release" else left)
    QApplication.sendEvent(window.windowHandle(), event)

def pull(start, end):
    pen("Press", *start)
    for part in range(1, 6):
        pen("Move", start[0] + (end[0] - start[0]) * part / 5, start[1] + (end[1] - start[1]) * part / 5)
    pen("Release", *end)
"""


@pytest.mark.krita
def test_in_krita_a_pen_drags_while_the_drag_tool_is_on_and_paints_before(krita: Program) -> None:
    krita.probe.ask("new(400, 300, pixel=bytes([200, 200, 200, 255]))")
    eventually(lambda: krita.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 20)
    krita.probe.ask("app.activeWindow().activeView().canvas().setZoomLevel(1.0)")
    krita.probe.ask("app.action('KritaShape/KisToolBrush').trigger()")
    krita.probe.ask(PEN)
    plain = krita.probe.value("pixels('Background', 0, 0, 400, 300)")

    def painted() -> bool:
        return bool(krita.probe.value("pixels('Background', 0, 0, 400, 300)") != plain)

    krita.probe.ask("pull((60, 60), (160, 60))")
    eventually(painted, 30)
    plain = krita.probe.value("app.activeDocument().waitForDone() or pixels('Background', 0, 0, 400, 300)")
    krita.press("ScumbleTool-drag")
    eventually(lambda: krita.state()["tool"] == "drag", 30)
    krita.probe.ask("pull((100, 200), (200, 220))")
    eventually(lambda: krita.state()["cues"], 30)
    (cue,) = krita.state()["cues"]  # type: ignore[misc]
    assert cue.startswith("Drag 1")
    krita.probe.ask("app.activeDocument().waitForDone()")
    assert not painted()
