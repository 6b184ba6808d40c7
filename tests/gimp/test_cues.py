"""What is on the canvas, in words, without GIMP."""

from __future__ import annotations

from scumble_gimp.cues import cue_lines, found_sentence
from scumble_protocol.client.host import Marks
from scumble_protocol.geometry import NOWHERE, Bounds, Point
from scumble_protocol.messages import Handle

DRAG = Handle(Point(1, 1), Point(5, 5))
SOME = Bounds(1, 1, 4, 4)


def test_every_cue_has_a_line_and_blank_strokes_have_none() -> None:
    marks = Marks(handles=(DRAG, DRAG), add=NOWHERE, subtract=SOME, color=None, mask=SOME)
    assert [line.kind for line in cue_lines(marks)] == ["drag", "subtract", "mask"]
    assert cue_lines(marks)[0].text == "2 drag points"


def test_one_drag_point_is_not_two() -> None:
    assert found_sentence(cue_lines(Marks(handles=(DRAG,)))) == "On the canvas: 1 drag point."


def test_an_empty_canvas_says_what_to_do() -> None:
    assert found_sentence(cue_lines(Marks())).startswith("Nothing is placed on the canvas yet")


def test_what_bounds_an_edit_is_named() -> None:
    marks = Marks(mask=SOME)
    assert [line.text for line in cue_lines(marks)] == ["Only the selection may change"]
    assert [line.text for line in cue_lines(marks, by_layer_mask=True)] == ["Only what the layer mask shows may change"]
