"""Paths as drag points, without GIMP."""

from __future__ import annotations

import pytest
from scumble_gimp.drag_path import PathStroke, fingerprint, handles_of
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle


def stroke(*anchors: tuple[float, float], closed: bool = False) -> PathStroke:
    """A stroke whose control points lie elsewhere than its anchors."""
    numbers = [n for x, y in anchors for n in (x - 5, y - 5, x, y, x + 5, y + 5)]
    return PathStroke(tuple(numbers), closed)


def test_a_stroke_of_two_anchors_is_a_handle_whatever_its_control_points() -> None:
    assert handles_of("p", [stroke((1, 2), (3, 4.5))]) == (Handle(Point(1, 2), Point(3, 4.5)),)


def test_each_stroke_is_a_handle_in_order() -> None:
    found = handles_of("p", [stroke((1, 2), (3, 4)), stroke((5, 6), (7, 8))])
    assert [handle.start for handle in found] == [Point(1, 2), Point(5, 6)]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (stroke((1, 1)), "Stroke 2 of the path “Drags” has one anchor"),
        (stroke((1, 1), (2, 2), (3, 3)), "has 3 anchors"),
        (stroke((1, 1), (2, 2), closed=True), "has 2 anchors"),
    ],
)
def test_any_other_stroke_is_refused_by_number_and_name(bad: PathStroke, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        handles_of("Drags", [stroke((1, 2), (3, 4)), bad])
    assert words in caught.value.sentence


def test_a_fingerprint_follows_the_anchors_and_nothing_else() -> None:
    plain = PathStroke((0.0, 0.0, 1.0, 2.0, 9.0, 9.0))
    bent = PathStroke((4.0, 4.0, 1.0, 2.0, 0.0, 0.0))
    moved = PathStroke((0.0, 0.0, 1.0, 2.5, 9.0, 9.0))

    assert fingerprint([plain]) == fingerprint([bent])
    assert fingerprint([plain]) != fingerprint([moved])
    assert fingerprint([plain, plain]) != fingerprint([plain])
