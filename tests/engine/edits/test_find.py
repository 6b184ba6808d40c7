"""What a handle holds in a flat drawing: the whole of the thing under it, or the engine says that it is not sure."""

from __future__ import annotations

import numpy as np
import pytest
from photographs import classical_shelf, handle, laid_over, mask_of, perform, picture
from scumble_engine.demo import illustration
from scumble_engine.edits.find import found_shapes
from scumble_engine.edits.scene import open_scene
from scumble_engine.imaging.mask import grow
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Edit

BEFORE = illustration()
THING = BEFORE[..., 0] > 240
SURELY = ~grow(~THING, 3.0)


@pytest.mark.parametrize("start", [(320, 220), (300, 480), (200, 350)])
def test_a_thing_under_a_handle_is_whole_wherever_the_handle_is_on_it(start: tuple[int, int]) -> None:
    layer, _, _ = perform(picture(BEFORE), [handle(*start, start[0] + 100, start[1])], classical_shelf())
    after = laid_over(BEFORE, layer)
    arrived = np.abs(after[:, 100:].astype(int) - BEFORE[:, :-100]).max(axis=-1)[SURELY[:, :-100]] < 12
    assert arrived.mean() > 0.995
    assert not any("not clear" in note for note in layer.notes)


def test_a_part_that_the_mask_selects_is_moved_alone() -> None:
    cap = THING.copy()
    cap[425:] = False
    layer, _, _ = perform(
        picture(BEFORE), [handle(320, 220, 320, 160), mask_of(grow(cap, 30.0) * np.uint8(255))], classical_shelf()
    )
    assert np.array_equal(laid_over(BEFORE, layer)[500:540, 280:350], BEFORE[500:540, 280:350])


@pytest.mark.parametrize("times", [1, 3])
def test_the_outline_is_as_fine_as_the_picture(times: int) -> None:
    large = np.ascontiguousarray(np.repeat(np.repeat(BEFORE, times, 0), times, 1))
    scene = open_scene(Edit(picture(large), (handle(1, 1, 2, 2),)))
    ((alpha, bounds, handles),), doubts, _ = found_shapes([Point(240 * times, 250 * times)], scene)
    found = np.zeros(large.shape[:2], bool)
    found[bounds.y : bounds.bottom, bounds.x : bounds.right] = alpha > 0.5
    truth = np.repeat(np.repeat(THING, times, 0), times, 1)
    assert (found & truth).sum() / (found | truth).sum() > 0.95
    assert (handles, doubts) == ((0,), ())
