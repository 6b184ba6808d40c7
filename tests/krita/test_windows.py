"""Two canvases in the real Krita: a second window with a docker of its own, and a second view in the same window."""

from __future__ import annotations

import pytest
from kritatest.probe import eventually
from kritatest.program import Program

pytestmark = pytest.mark.krita

OVERLAYS = """
def overlays():
    windows = [window.qwindow() for window in app.windows()]
    return [one for window in windows for one in window.findChildren(QWidget, "ScumbleOverlay")]

def dockers_of_ours():
    windows = [window.qwindow() for window in app.windows()]
    return [one for window in windows for one in window.findChildren(QWidget, "scumble")]

def shown():
    return [[one.stage.dragging, one.panel.tool_buttons["drag"].isChecked()] for one in dockers_of_ours()]

def taking():
    transparent = sys.modules["scumble_krita.qt"].Qt.WidgetAttribute.WA_TransparentForMouseEvents
    return [not one.testAttribute(transparent) for one in overlays()]
"""


@pytest.fixture
def gray(krita: Program) -> Program:
    krita.probe.ask("new(200, 150, pixel=bytes([150, 150, 150, 255]))")
    eventually(lambda: krita.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 20)
    krita.probe.ask(OVERLAYS)
    return krita


def drag_on(program: Program) -> None:
    program.probe.ask("docker().choose_tool('drag')")
    eventually(lambda: program.state()["tool"] == "drag", 20)


def test_of_two_views_in_a_window_only_the_one_in_front_takes_the_pointer(gray: Program) -> None:
    drag_on(gray)
    gray.probe.ask("app.activeWindow().addView(app.activeDocument())")
    eventually(lambda: len(gray.probe.value("taking()")) == 2, 20)
    gray.probe.ask("import gc; gc.collect()")  # Python must not let go of the overlay at the back
    assert gray.probe.value("[type(one).__name__ for one in overlays()]") == ["Overlay", "Overlay"]
    eventually(lambda: sorted(gray.probe.value("taking()")) == [False, True], 20)
    assert gray.probe.value("docker().overlay._dragging") is True
    gray.probe.ask("docker().choose_tool('')")
    eventually(lambda: gray.probe.value("taking()") == [False, False], 20)


def test_two_windows_dockers_leave_each_others_overlay_alone(gray: Program) -> None:
    drag_on(gray)
    gray.probe.ask(
        """
        window = app.openWindow()
        window.qwindow().setGeometry(100, 100, 1200, 800)
        window.qwindow().show()
        window.addView(app.documents()[0])
        window.activate()
        """
    )
    try:
        eventually(lambda: len(gray.probe.value("dockers_of_ours()")) == 2, 20)
        eventually(lambda: gray.probe.value("app.activeWindow().qwindow() == app.windows()[1].qwindow()"), 20)
        gray.probe.ask("[one.refresh() for one in dockers_of_ours()]")
        assert gray.probe.value("shown()") == [[True, True], [False, False]]
        gray.probe.ask("dockers_of_ours()[1].choose_tool('drag')")
        gray.probe.ask("[one.refresh() for one in dockers_of_ours() * 2]")
        assert gray.probe.value("shown()") == [[True, True], [True, True]]
        assert gray.probe.value("taking()") == [True, True]
        gray.probe.ask("dockers_of_ours()[1].choose_tool('')")
        gray.probe.ask("[one.refresh() for one in dockers_of_ours() * 2]")
        assert gray.probe.value("shown()") == [[True, True], [False, False]]
        assert gray.probe.value("taking()") == [True, False]
    finally:
        gray.probe.ask("app.windows()[1].qwindow().close()")
        gray.probe.ask("docker().choose_tool('')")
