"""Changing a layer in the real Krita: all of its cues come back, and its seed goes with the change alone. No engine is asked."""

from __future__ import annotations

from typing import Any

import pytest
from kritatest.probe import eventually
from kritatest.program import Program

pytestmark = pytest.mark.krita

MADE = """
from PyQt5.QtCore import QTimer
from scumble_krita import canvas, nodes, points, strokes
from scumble_protocol.client.host import LayerPlan
from scumble_protocol.client.packing import pack
from scumble_protocol.client.recipe import Recipe, to_json
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import Handle, Provenance, Settings
from scumble_protocol.pixels import Plane

REGION = Bounds(4, 5, 12, 8)

def soft():
    return bytes(range(0, 192, 2))

def made(name, **cues):
    host = canvas.KritaHost.of_active()
    picture = host.read(host.canvas(), REGION).picture
    by = Provenance("0.1.0", "warp", "m", "", "none", 1, 77, "cpu")
    recipe = to_json(Recipe("Background", REGION, "0" * 64, Settings(seed=77, strength=0.5), by, **cues))
    host.place(LayerPlan(name, REGION, picture, host.source, recipe))
    app.activeDocument().waitForDone()
    app.activeDocument().setActiveNode(node("Background"))

def plane():
    return pack(Plane(12, 8, 1, "u8", soft()))

def change(name):
    docker().change(nodes.id_of(node(name)))
    app.activeDocument().waitForDone()

def rest():
    rest.over = False
    QTimer.singleShot(nodes.ACTIVATION_MS + 100, lambda: setattr(rest, "over", True))

def selected():
    chosen = app.activeDocument().selection()
    return None if chosen is None else bytes(chosen.pixelData(4, 5, 12, 8))

def next_settings():
    \"\"\"Press Edit, as far as to the request, and take it back.\"\"\"
    work = docker().work
    work.wake = lambda: None
    try:
        docker().edit()
        job = work.jobs.get(nodes.document_id(app.activeDocument()))
        return [job.request.edit.settings.seed, job.request.edit.settings.strength] if job else panel().message.text()
    finally:
        del work.wake
        docker().cancel()
        docker().tick()
"""
HANDLES = "handles=(Handle(Point(6, 7), Point(12, 10)),)"


@pytest.fixture
def gray(krita: Program) -> Program:
    krita.probe.ask("new(40, 30, pixel=bytes([150, 150, 150, 255]))")
    eventually(lambda: krita.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 20)
    krita.probe.ask(MADE)
    return krita


def rest(program: Program) -> None:
    """Wait until the source has been made active once more, as it is shortly after a change begins."""
    program.probe.ask("rest()")
    eventually(lambda: program.probe.value("rest.over"), 20)


def next_settings(program: Program) -> Any:
    eventually(lambda: program.probe.value("app.activeDocument().activeNode().name()") == "Background", 20)
    return program.probe.value("next_settings()")


def test_the_mask_comes_back_as_the_selection_to_the_last_bit_of_softness(gray: Program) -> None:
    gray.probe.ask(f"made('Made', {HANDLES}, mask=plane()); change('Made')")
    assert gray.probe.value("selected() == soft()")
    assert gray.probe.value("panel().holds.isChecked()") is False
    cues = gray.state()["cues"]
    assert cues == ["Changes “Made”", "Drag 1   6, 7 → 12, 10", "Selection: bounds the edit"]


def test_what_the_handles_held_comes_back_as_the_selection_that_moves(gray: Program) -> None:
    gray.probe.ask(f"made('Made', {HANDLES}, grab=plane()); change('Made')")
    assert gray.probe.value("selected() == soft()")
    assert gray.probe.value("panel().holds.isChecked()") is True
    marks = "canvas.KritaHost.of_active(docker()._remembered(), True).marks()"
    assert gray.probe.value(f"[{marks}.grab is not None, {marks}.mask is None]") == [True, True]
    gray.probe.ask("panel().holds.setChecked(False)")


def test_an_edit_without_a_mask_comes_back_without_a_selection(gray: Program) -> None:
    gray.probe.ask(f"made('Made', {HANDLES})")
    gray.probe.ask("app.action('select_all').trigger(); app.activeDocument().waitForDone(); change('Made')")
    assert gray.probe.value("selected()") is None


def test_the_next_edit_of_a_change_has_its_seed_and_settings(gray: Program) -> None:
    gray.probe.ask("made('Made', subtract=plane()); change('Made')")
    assert next_settings(gray) == [77, 0.5]


def test_a_change_whose_cues_were_all_removed_is_given_up(gray: Program) -> None:
    gray.probe.ask("made('Made', subtract=plane()); change('Made')")
    eventually(lambda: gray.probe.value("app.activeDocument().activeNode().name()") == "Background", 20)
    gray.press("ScumbleRemove-subtract")
    eventually(lambda: gray.state()["cues"] == [], 20)
    gray.probe.ask("points.add(app.activeDocument(), Handle(Point(6, 7), Point(12, 10)))")
    seed, strength = next_settings(gray)
    assert (seed != 77, strength) == (True, 1.0)


def test_a_change_is_seen_and_can_be_given_up(gray: Program) -> None:
    gray.probe.ask("made('Made', subtract=plane()); change('Made')")
    assert gray.state()["cues"] == ["Changes “Made”", "Remove strokes"]
    gray.press("ScumbleRemove-change")
    eventually(lambda: gray.state()["cues"] == [], 20)
    assert gray.probe.value("node('Made').visible()") is True
    gray.probe.ask("points.add(app.activeDocument(), Handle(Point(6, 7), Point(12, 10)))")
    assert next_settings(gray)[1] == 1.0


def test_an_edit_of_another_layer_is_no_part_of_the_change(gray: Program) -> None:
    gray.probe.ask("made('Made', subtract=plane()); change('Made')")
    rest(gray)
    gray.probe.ask(
        """
        document = app.activeDocument()
        other = document.createNode("Other", "paintlayer")
        other.setPixelData(QByteArray(bytes([9, 9, 9, 255]) * 1200), 0, 0, 40, 30)
        document.rootNode().addChildNode(other, node("Background"))
        document.waitForDone()
        """
    )
    eventually(lambda: gray.probe.value("app.activeDocument().activeNode().name()") == "Other", 20)
    assert gray.probe.value("next_settings()")[1] == 1.0
