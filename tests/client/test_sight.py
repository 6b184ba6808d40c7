"""What an edit sees and what bounds it, as every host decides it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scumble_protocol.client.sight import BAND_ROWS, bounding, edited_sentence, hides_something, open_bounds, stack_of
from scumble_protocol.geometry import Bounds


@pytest.mark.parametrize(
    ("selection", "mask", "moves", "expected"),
    [
        (None, None, False, (None, None)),
        (None, None, True, (None, None)),
        ("selection", "mask", False, ("selection", None)),
        ("selection", None, True, (None, "selection")),
        ("selection", "mask", True, ("mask", "selection")),
        (None, "mask", False, ("mask", None)),
        (None, "mask", True, ("mask", None)),
    ],
)
def test_the_selection_bounds_an_edit_before_the_layers_mask_unless_it_is_what_moves(
    selection: str | None, mask: str | None, moves: bool, expected: tuple[str | None, str | None]
) -> None:
    assert bounding(selection, lambda: mask, moves) == expected


def test_a_mask_that_is_not_needed_is_not_looked_at() -> None:
    def look() -> str:
        raise AssertionError("looked at, which costs its pixels")

    assert bounding("selection", look, False) == ("selection", None)


def test_a_result_on_a_result_stands_on_all_beneath_it() -> None:
    made_from = {"third": "second", "second": "painting"}
    assert stack_of("third", made_from.get, str) == ["third", "second", "painting"]
    assert stack_of("painting", made_from.get, str) == ["painting"]


def test_layers_that_claim_each_other_end_somewhere() -> None:
    made_from = {"a": "b", "b": "a"}
    assert stack_of("a", made_from.get, str) == ["a", "b"]


def test_a_mask_is_looked_through_in_bands() -> None:
    canvas, hole = Bounds(0, 0, 20, 3 * BAND_ROWS), Bounds(4, BAND_ROWS - 2, 5, BAND_ROWS + 9)

    def mask(inside: int, outside: int) -> Callable[[Bounds], bytes]:
        def read(band: Bounds) -> bytes:
            rows = range(band.y, band.bottom)
            return bytes(
                inside if hole.x <= x < hole.right and hole.y <= y < hole.bottom else outside
                for y in rows
                for x in range(band.x, band.right)
            )

        return read

    assert open_bounds(canvas, mask(255, 0)) == hole
    assert open_bounds(canvas, mask(0, 0)).empty
    assert hides_something(canvas, mask(254, 255))
    assert not hides_something(canvas, mask(255, 255))


def test_what_is_edited_is_said_with_its_parts() -> None:
    assert edited_sentence("Ink") == "Edits the layer “Ink”, with all that shows beneath it"
    assert edited_sentence("Ink").wording.arguments[0].value == "Ink"
