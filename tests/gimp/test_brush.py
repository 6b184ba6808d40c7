"""Add and colour strokes of GIMP's own brush, through the panel, with the real engine on its own illustrator.

What that paints is not judged here. Each test leaves the picture as it found it, by undo.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gimp.desktop import Desktop
from gimp.engine import Engine
from gimp.picture import Picture, leave_path_out
from gimp.waiting import wait_for

pytestmark = [pytest.mark.gimp, pytest.mark.slow]

EDIT_S = 240.0  # the first one loads the illustrator
PLAIN_HINT = "Say what should change"
TRIANGLE = ((190, 40), (225, 110), (155, 110), (190, 40))


@pytest.fixture
def painter(panel: Desktop, engine: Engine, picture: Picture) -> Iterator[Desktop]:
    wait_for("the engine to be ready", lambda: engine.phase() == "ready", 90, 0.5)
    if "AddStrokes" not in engine.state().cues:
        pytest.skip("this engine has no model that paints")
    leave_path_out(panel)
    yield panel
    picture.undo_until(["scene.png"])


def paint(panel: Desktop, picture: Picture, button: str, layer: str, cue: str) -> list[Any]:
    """Press a tool's button and paint a triangle on its layer; return the strokes' group as `layers` names it."""
    group = ["Scumble strokes", [layer]]
    panel.press(button)
    picture.wait_for_layers([group, "scene.png"], 30)
    panel.focus_canvas()
    blank = picture.bytes_of(layer)
    panel.screen.key("p")
    panel.paint(*TRIANGLE)
    wait_for("paint", lambda: picture.bytes_of(layer) != blank, 30, 0.3)
    panel.wait_for_text(cue)
    return group


def hint(panel: Desktop) -> str:
    line = panel.find("Entry", window="Scumble")
    return str(line["hint"]) if line else ""


def assert_one_step_of_undo(panel: Desktop, picture: Picture, layer: str) -> None:
    """Show that one Ctrl+Z takes the layer away and gives the strokes back, and that redo brings every byte of it."""
    made, layers = picture.bytes_of(layer), picture.layers()
    panel.focus_canvas()
    panel.screen.key("ctrl+z")
    picture.wait_for_layers([name for name in layers if name != layer], 30)
    assert picture.shown("Scumble strokes")
    panel.focus_canvas()
    panel.screen.key("ctrl+y")
    picture.wait_for_layers(layers, 30)
    assert picture.bytes_of(layer) == made
    assert not picture.shown("Scumble strokes")


def test_a_guess_that_is_not_sure_is_offered_and_asked_back_not_painted(painter: Desktop, picture: Picture) -> None:
    before = picture.bytes_of("scene.png")
    group = paint(painter, picture, "+", "Add (+)", "Strokes that add something")
    strokes = picture.bytes_of("Add (+)")

    painter.focus_panel()
    wait_for("a guess", lambda: hint(painter).startswith("Is it “"), EDIT_S, 0.3)
    word = hint(painter).removeprefix("Is it “").partition("”")[0]
    painter.shoot("16-guess")
    painter.press("Edit")
    wait_for("the question", lambda: "The strokes could be" in painter.texts(), EDIT_S, 0.3)
    painter.shoot("17-guess-asked-back")

    assert word
    assert word in painter.texts()
    assert picture.layers() == [group, "scene.png"]
    assert picture.bytes_of("scene.png") == before
    assert picture.bytes_of("Add (+)") == strokes


def test_add_strokes_become_what_the_typed_words_say(painter: Desktop, picture: Picture) -> None:
    before = picture.bytes_of("scene.png")
    group = paint(painter, picture, "+", "Add (+)", "Strokes that add something")

    painter.write("a red apple")
    painter.press("Edit")
    painter.wait_for_text("Made the layer “Add, say: a red apple”.", EDIT_S)
    painter.shoot("18-added-by-word")

    assert picture.layers() == [group, "Add, say: a red apple", "scene.png"]
    assert picture.recipe("Add, say: a red apple")["words"] == {"say": "a red apple"}
    assert_one_step_of_undo(painter, picture, "Add, say: a red apple")
    assert picture.bytes_of("scene.png") == before


def test_strokes_in_the_painters_own_colour_recolour(painter: Desktop, picture: Picture) -> None:
    before = picture.bytes_of("scene.png")
    group = paint(painter, picture, "Colour", "Colours", "Strokes of colour")

    painter.press("Edit")
    painter.wait_for_text("Made the layer “Colour”.", EDIT_S)
    painter.shoot("19-recoloured")

    assert picture.layers() == [group, "Colour", "scene.png"]
    assert_one_step_of_undo(painter, picture, "Colour")
    assert picture.bytes_of("scene.png") == before
