"""Pulling handles on the overlay under PyQt6, and handles to and from a vector layer's SVG."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from kritatest.stand_in import StandIn
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle


@pytest.fixture
def overlay(stand_in: StandIn) -> Any:
    qt = import_module("scumble_krita.qt")
    canvas = qt.QWidget()
    canvas.resize(400, 300)
    canvas.show()
    overlay = import_module("scumble_krita.overlay").Overlay(canvas)
    overlay.set_dragging(True)
    overlay.set_segments([], qt.QTransform.fromScale(2, 2))  # a document pixel is two of the screen
    yield overlay
    canvas.close()


def mouse(overlay: Any, kind: str, x: float, y: float, button: str = "LeftButton") -> None:
    from PyQt6.QtCore import QEvent, QPointF, Qt
    from PyQt6.QtGui import QMouseEvent
    from PyQt6.QtWidgets import QApplication

    which = Qt.MouseButton[button]
    at = QPointF(x, y)
    what = QEvent.Type.MouseMove if kind == "Move" else QEvent.Type[f"MouseButton{kind}"]
    event = QMouseEvent(what, at, at, which, which, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(overlay, event)


def pull(overlay: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse(overlay, "Press", *start)
    mouse(overlay, "Move", *end)
    mouse(overlay, "Release", *end)


def heard(signal: Any) -> list[tuple[object, ...]]:
    said: list[tuple[object, ...]] = []
    signal.connect(lambda *words: said.append(words))
    return said


OLD = ("handle-1", Handle(Point(10, 10), Point(50, 40)))


def test_a_pull_is_a_handle_in_document_pixels(overlay: Any) -> None:
    moving, done = heard(overlay.pulling), heard(overlay.pulled)
    pull(overlay, (20, 40), (120, 90))
    assert moving == [(Handle(Point(10, 20), Point(60, 45)), "")]
    assert done == [(Handle(Point(10, 20), Point(60, 45)), "")]


def test_a_click_without_a_pull_is_no_handle(overlay: Any) -> None:
    done, left = heard(overlay.pulled), heard(overlay.abandoned)
    pull(overlay, (20, 40), (21, 41))
    assert done == []
    assert len(left) == 1


@pytest.mark.parametrize(
    ("grip", "changed"),
    [((100, 80), Handle(Point(10, 10), Point(70, 70))), ((20, 20), Handle(Point(70, 70), Point(50, 40)))],
)
def test_either_end_of_a_handle_can_be_pulled_again(overlay: Any, grip: tuple[float, float], changed: Handle) -> None:
    overlay.set_segments([OLD], overlay._map)
    done = heard(overlay.pulled)
    pull(overlay, grip, (140, 140))
    assert done == [(changed, "handle-1")]


def test_the_right_button_deletes_the_handle_under_it_only(overlay: Any) -> None:
    overlay.set_segments([OLD], overlay._map)
    gone = heard(overlay.removed)
    mouse(overlay, "Press", 300, 200, "RightButton")
    assert gone == []
    mouse(overlay, "Press", 101, 82, "RightButton")
    assert gone == [("handle-1",)]


def test_the_wheel_is_left_to_the_canvas(overlay: Any) -> None:
    from PyQt6.QtCore import QPoint, QPointF, Qt
    from PyQt6.QtGui import QWheelEvent

    at, no = QPointF(9, 9), QPoint()
    keys, phase = Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, at, no, QPoint(0, 120), Qt.MouseButton.NoButton, keys, phase, False)
    overlay.wheelEvent(event)
    assert not event.isAccepted()


def test_a_preview_is_painted_at_its_bounds(overlay: Any) -> None:
    from PyQt6.QtGui import QColor, QImage
    from scumble_protocol.geometry import Bounds

    image = QImage(4, 4, QImage.Format.Format_RGBA8888)
    image.fill(QColor(250, 0, 0))
    overlay.set_look(import_module("scumble_krita.overlay").Look(image, Bounds(20, 30, 40, 20)))
    shown = overlay.grab().toImage()
    assert shown.pixelColor(80, 80).red() == 250  # document 40, 40
    assert shown.pixelColor(80, 110).red() != 250  # document 40, 55: below it


# ---- SVG ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolution", [72.0, 300.0])
def test_handles_survive_the_way_through_svg(stand_in: StandIn, resolution: float) -> None:
    points = import_module("scumble_krita.points")
    handles = [
        ("handle-1", Handle(Point(10.5, 20), Point(300, 199.25))),
        ("handle-2", Handle(Point(5, 5), Point(1, 2))),
    ]
    written = points.svg_of(handles, 600, 400, resolution)
    # Krita hands the layer back in points; the document's own SVG is in pixels through its viewBox.
    back = points.segments_in(written, 72.0)
    assert [(name, pytest.approx(flat(handle), abs=0.01)) for name, handle in handles] == [
        (name, flat(handle)) for name, handle in back
    ]


def test_a_shapes_name_from_a_strangers_file_stays_a_name(stand_in: StandIn) -> None:
    points = import_module("scumble_krita.points")
    name = """a"/><image href="file:///etc/passwd"/><path d='M 0 0' & <b>"""
    written = points.svg_of([(name, OLD[1])], 100, 100, 72.0)
    assert "<image" not in written
    assert [found for found, _ in points.segments_in(written, 72.0)] == [name]


def flat(handle: Handle) -> list[float]:
    return [handle.start.x, handle.start.y, handle.end.x, handle.end.y]


def test_groups_and_transforms_are_followed_and_marker_arrows_are_no_handles(stand_in: StandIn) -> None:
    svg = """<svg xmlns="http://www.w3.org/2000/svg"><defs><marker><path d="M0 0L4 2"/></marker></defs>
      <g transform="translate(10, 20)"><path id="a" transform="matrix(0 1 -1 0 5 0)" d="M0 0C1 1 2 2 10 0"/></g>
      <path id="dot" d="M7 7"/><path id="still" d="M7 7L7 7"/></svg>"""
    found = import_module("scumble_krita.points").segments_in(svg, 144.0)
    assert [(name, flat(handle)) for name, handle in found] == [("a", pytest.approx([30, 40, 30, 60]))]
