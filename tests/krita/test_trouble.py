"""When something goes wrong: a sentence in the docker, Krita alive and the canvas usable, and the next edit works."""

from __future__ import annotations

import json
import os
import signal
import socket
import time

import pytest
from kritatest.probe import eventually
from kritatest.program import Program, runs
from kritatest.square import begin, message, open_square, stroke

pytestmark = [pytest.mark.krita, pytest.mark.slow]


@pytest.fixture
def blue(krita: Program) -> Program:
    """A plain document with a square on it."""
    open_square(krita)
    return krita


def assert_paints(program: Program) -> None:
    """Show that the painter can go on: a stroke of Krita's brush changes the photograph's own layer."""
    program.probe.ask("app.activeDocument().setActiveNode(node('Background'))")
    program.probe.ask("app.action('KritaShape/KisToolBrush').trigger()")
    before = program.probe.value("pixels('Background', 400, 400, 100, 40)")
    program.screen.pull(program.at(410, 420), program.at(480, 420))
    eventually(lambda: program.probe.value("pixels('Background', 400, 400, 100, 40)") != before, 30)


def test_an_engine_killed_in_the_middle_is_said_and_the_next_edit_works(blue: Program) -> None:
    stroke(blue)
    begin(blue)
    blue.end_engine(signal.SIGKILL)
    assert "engine" in message(blue)
    blue.shoot("7-engine-killed")
    assert blue.layers() == ["Background", "Scumble: remove"]
    assert_paints(blue)
    assert "Remove strokes" in blue.state()["cues"]  # they are back, to try again
    begin(blue)
    eventually(lambda: blue.layers() == ["Background", "Erase", "Scumble: remove"], 90)


def test_an_engine_that_cannot_start_is_said(blue: Program) -> None:
    blue.end_engine()
    eventually(lambda: blue.probe.value("docker().work.state is None"), 20)
    blue.probe.ask("import os; os.environ['SCUMBLE_ENGINE'] = '/nowhere/scumble'")
    try:
        stroke(blue)
        blue.press_afresh()
        assert "could not be started" in message(blue) or "not installed" in message(blue)
        blue.shoot("8-no-engine")
        assert blue.layers() == ["Background", "Scumble: remove"]
        assert_paints(blue)
    finally:
        blue.probe.ask(f"import os; os.environ['SCUMBLE_ENGINE'] = {str(blue.folder / 'scumble')!r}")


def test_the_painter_can_stop_the_engine_and_the_next_edit_starts_it_again(blue: Program) -> None:
    stroke(blue)
    begin(blue)
    running = blue.engine_info()
    assert running is not None
    blue.press_afresh("ScumbleStop")
    assert message(blue).startswith("The engine was stopped")
    assert blue.state()["phase"] == "off"
    eventually(lambda: not runs(running.pid), 30)
    assert blue.layers() == ["Background", "Scumble: remove"]
    begin(blue)
    eventually(lambda: blue.layers() == ["Background", "Erase", "Scumble: remove"], 90)


def test_an_engine_of_another_protocol_is_said(blue: Program) -> None:
    blue.end_engine()
    eventually(lambda: blue.probe.value("docker().work.state is None"), 20)
    path, file = blue.run / "other.sock", blue.run / "engine.json"
    values = {
        "address": f"ipc://{path}",
        "key": "00" * 32,
        "pid": os.getpid(),
        "engine_version": "99.0",
        "protocols": [99],
        "started_at": time.time(),
    }
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(4)
        file.write_text(json.dumps(values))
        file.chmod(0o600)
        stroke(blue)
        blue.press_afresh()
        said = message(blue)
    file.unlink()
    assert "speaks protocol 99" in said
    assert blue.layers() == ["Background", "Scumble: remove"]


def test_cancel_stops_the_edit_and_gives_the_strokes_back(blue: Program) -> None:
    stroke(blue)
    begin(blue)
    blue.press("ScumbleCancel")
    assert "cancelled" in message(blue)
    assert blue.layers() == ["Background", "Scumble: remove"]
    assert blue.state()["cues"] == ["Remove strokes"]


def test_a_document_closed_in_the_middle_is_said(blue: Program) -> None:
    stroke(blue)
    begin(blue)
    blue.probe.ask("close_all()")
    assert "was closed" in message(blue, 90)
    assert blue.alive()


def test_a_source_deleted_in_the_middle_is_said_and_nothing_is_added(blue: Program) -> None:
    stroke(blue)
    begin(blue)
    blue.probe.ask("node('Background').remove()")
    assert "was deleted" in message(blue, 90)
    assert blue.layers() == ["Scumble: remove"]


def test_edit_with_nothing_placed_or_said_is_refused_in_words(blue: Program) -> None:
    blue.press_afresh()
    assert "Nothing was asked for" in message(blue)
    assert blue.layers() == ["Background"]
