"""Edits by words and by add and colour strokes, typed and painted in the real Krita, on the embedded illustrator."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from drawings import heart
from kritatest.probe import eventually
from kritatest.program import Program
from PIL import Image, ImageDraw

pytestmark = [pytest.mark.krita, pytest.mark.slow]

EDIT_S = 180.0

# Whether the guess of the whole drawing is there, not one of its first strokes.
GUESSED = """
app.activeDocument().waitForDone()
docker().refresh()
of, work = docker().guessing, docker().work
answer = of._asked is not None and of._asked == of._seen and bool(work.guessed) and not work._guess_job
"""


@pytest.fixture
def drawing(krita: Program, tmp_path: Path) -> Program:
    """A flat drawing of a red apple on a pale ground, 256×256, open in Krita."""
    picture = Image.new("RGBA", (256, 256), (225, 236, 240, 255))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((68, 90, 188, 210), fill=(214, 52, 48, 255))
    pen.rectangle((124, 62, 132, 98), fill=(110, 72, 40, 255))
    pen.ellipse((132, 60, 172, 84), fill=(96, 160, 60, 255))
    path = tmp_path / "apple.png"
    picture.save(path)
    krita.probe.ask(f"panel().words.clear(); panel().show_message(''); open_file({str(path)!r})")
    eventually(lambda: krita.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 20)
    krita.probe.ask("app.activeWindow().activeView().canvas().setZoomLevel(2.0)")
    return krita


def finished(program: Program) -> str:
    """Wait for the end of the edit and return what the docker says."""
    return str(eventually(lambda: program.state()["message"], EDIT_S, 0.3))


def take_add_tool(program: Program) -> None:
    program.press("ScumbleTool-add")
    eventually(lambda: program.state()["tool"] == "add", 20)


def draw(program: Program) -> None:
    """Draw a triangle beside the apple with the add tool: three strokes of Krita's brush."""
    take_add_tool(program)
    corners = [(200, 40), (235, 100), (165, 100), (200, 40)]
    for start, end in pairwise(corners):
        program.screen.pull(program.at(*start), program.at(*end))
    eventually(lambda: "Add strokes" in program.state()["cues"], 20)


def draw_heart(program: Program) -> None:
    """Draw a heart across the picture with the add tool: one line of Krita's brush."""
    take_add_tool(program)
    program.screen.trace([program.at(*corner) for corner in heart(128, 125, 2.0)])
    eventually(lambda: "Add strokes" in program.state()["cues"], 20)


def source(program: Program) -> bytes:
    raw: bytes = program.probe.value("pixels('Background', 0, 0, 256, 256)")
    return raw


def assert_one_step_of_undo(program: Program, layer: str) -> None:
    """Show that one Ctrl+Z takes the layer away and that redo brings every byte of it back."""
    made, layers = program.probe.value(f"pixels({layer!r}, 0, 0, 256, 256)"), program.layers()
    program.screen.do("mousemove", *map(round, program.at(128, 128)))
    program.screen.key("ctrl+z")
    eventually(lambda: program.layers() == [name for name in layers if name != layer], 20)
    program.screen.key("ctrl+shift+z")
    eventually(lambda: program.layers() == layers, 20)
    assert program.probe.value(f"pixels({layer!r}, 0, 0, 256, 256)") == made


def recipe(program: Program, layer: str) -> dict[str, Any]:
    """Return what is kept with the document about how a layer was made."""
    text: str = program.probe.ask(
        f"""
        from scumble_krita import nodes
        answer = nodes.kept(app.activeDocument(), nodes.RECIPE + nodes.id_of(node({layer!r})))
        """
    )
    read: dict[str, Any] = json.loads(text)
    return read


def type_words(program: Program, words: str) -> None:
    program.press("ScumbleWords")
    program.screen.type(words)
    eventually(lambda: program.probe.value("panel().words.text()") == words, 30)


def test_words_typed_into_the_docker_make_a_layer_inside_the_selection_only(drawing: Program) -> None:
    before, layer = drawing.probe.value("seen(0, 0, 256, 256)"), source(drawing)
    drawing.probe.ask(
        """
        from krita import Selection
        chosen = Selection()
        chosen.select(60, 80, 140, 140, 255)
        chosen.feather(6)
        app.activeDocument().setSelection(chosen)
        """
    )
    mask = drawing.probe.value("bytes(app.activeDocument().selection().pixelData(0, 0, 256, 256))")
    type_words(drawing, "make the apple green")
    drawing.screen.key("Return")
    said = finished(drawing)
    drawing.shoot("9-said")
    assert drawing.layers() == ["Background", "Say: make the apple green", "Selection Mask"], said
    assert drawing.probe.value("panel().words.text()") == ""
    after = drawing.probe.value("seen(0, 0, 256, 256)")
    pixels = [slice(4 * at, 4 * at + 4) for at in range(256 * 256)]
    assert any(after[one] != before[one] for one in pixels)
    assert sum(0 < sample < 255 for sample in mask) > 0  # the edge is soft
    assert all(after[one] == before[one] for one, sample in zip(pixels, mask, strict=True) if sample == 0)
    assert_one_step_of_undo(drawing, "Say: make the apple green")
    assert source(drawing) == layer


def test_words_that_are_not_understood_come_back_as_two_prompts_to_be_mended(drawing: Program) -> None:
    type_words(drawing, "xyzzy plugh")
    drawing.press_afresh()
    assert "xyzzy plugh" in finished(drawing)
    assert drawing.layers() == ["Background"]
    source, _, target = drawing.probe.value("panel().words.text()").partition(" -> ")
    assert source
    assert target


def test_add_strokes_become_what_the_typed_words_say(drawing: Program) -> None:
    before, seen = source(drawing), drawing.probe.value("seen(0, 0, 256, 256)")
    draw(drawing)
    type_words(drawing, "a red apple")
    drawing.press_afresh()
    said = finished(drawing)
    drawing.shoot("12-added-by-word")
    name = "Add, say: a red apple"
    assert drawing.layers() == ["Background", name, "Scumble: add"], said
    assert drawing.probe.value("[visible for _, _, visible in layers()]") == [True, True, False]
    assert recipe(drawing, name)["words"] == {"say": "a red apple"}
    after = drawing.probe.value("seen(0, 0, 256, 256)")
    changed = [at for at in range(256 * 256) if after[4 * at : 4 * at + 4] != seen[4 * at : 4 * at + 4]]
    assert changed
    assert min(at % 256 for at in changed) > 128  # only around what was drawn
    assert_one_step_of_undo(drawing, name)
    assert source(drawing) == before


def test_a_guess_that_is_not_sure_is_offered_and_asked_back_not_painted(drawing: Program) -> None:
    before = source(drawing)
    draw(drawing)
    placeholder = "panel().words.placeholderText()"
    plain = "Say what should change"
    eventually(lambda: drawing.probe.ask(GUESSED), EDIT_S, 0.3)
    word, _, rest = drawing.probe.value(placeholder).partition("? ")
    drawing.shoot("13-guess")
    assert (bool(word), rest) == (True, plain)
    drawing.press_afresh()
    said = finished(drawing)
    drawing.shoot("14-guess-asked-back")
    assert "The strokes could be" in said
    assert word in said
    assert said.endswith("say what they show.")
    assert drawing.layers() == ["Background", "Scumble: add"], said
    assert source(drawing) == before


def test_a_guess_that_is_sure_is_offered_and_painted(drawing: Program) -> None:
    before = source(drawing)
    draw_heart(drawing)
    eventually(lambda: drawing.probe.ask(GUESSED), EDIT_S, 0.3)
    assert drawing.probe.value("panel().words.placeholderText()") == "heart? Say what should change"
    drawing.press_afresh()
    said = finished(drawing)
    drawing.shoot("15-guess-painted")
    assert drawing.layers() == ["Background", "Add", "Scumble: add"], said
    assert "The strokes were taken for a heart" in said
    assert_one_step_of_undo(drawing, "Add")
    assert source(drawing) == before


def test_strokes_in_the_painters_own_colour_recolour(drawing: Program) -> None:
    before, seen = source(drawing), drawing.probe.value("seen(90, 120, 75, 60)")
    drawing.probe.ask(
        """
        from krita import ManagedColor
        from PyQt5.QtGui import QColor
        view = app.activeWindow().activeView()
        view.setForeGroundColor(ManagedColor.fromQColor(QColor(40, 90, 220), view.canvas()))
        """
    )
    drawing.press("ScumbleTool-color")
    eventually(lambda: drawing.state()["tool"] == "color", 20)
    for height in (120, 140, 160, 180):
        drawing.screen.pull(drawing.at(90, height), drawing.at(165, height))
    eventually(lambda: "Colour strokes" in drawing.state()["cues"], 20)
    drawing.shoot("10-colour-strokes")
    drawing.press_afresh()
    said = finished(drawing)
    drawing.shoot("11-recoloured")
    assert drawing.layers() == ["Background", "Colour", "Scumble: colour"], said
    assert drawing.probe.value("seen(90, 120, 75, 60)") != seen
    painted = drawing.probe.value("pixels('Scumble: colour', 120, 138, 1, 4)")
    assert bytes([220, 90, 40, 255]) in [painted[at : at + 4] for at in range(0, 16, 4)]  # the painter's own colour
    assert_one_step_of_undo(drawing, "Colour")
    assert source(drawing) == before
