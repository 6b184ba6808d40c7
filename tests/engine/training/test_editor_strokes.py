"""Painters' strokes: near the thing they are about, different every time, of the colour that lies under them."""

from __future__ import annotations

import random

import numpy as np
from scipy import ndimage
from scumble_engine.training.editor_strokes import dabs, outline, scribble

THING = np.hypot(*(np.mgrid[:96, :96] - 48.0)) < 30
RGB = np.where(THING[..., None], np.array([0.8, 0.1, 0.1]), 0.9).astype(np.float32)


def drawings(count: int) -> list[np.ndarray]:  # type: ignore[type-arg]
    return [outline(THING, RGB, random.Random(seed)) for seed in range(count)]


def test_outlines_keep_near_the_things_rim() -> None:
    rim = ndimage.distance_transform_edt(THING) + ndimage.distance_transform_edt(~THING)
    for lines in drawings(20):
        assert 0 <= lines.min() <= lines.max() <= 1
        assert (lines > 0.5).sum() > 20
        assert rim[lines > 0.5].max() < 12


def test_outlines_differ_in_what_they_leave_out_and_in_how_wide_they_are() -> None:
    amounts = [float(lines.sum()) for lines in drawings(20)]
    assert max(amounts) > 2 * min(amounts)


def test_a_scribble_covers_a_part_of_the_thing_and_keeps_to_its_extent() -> None:
    reach = ndimage.distance_transform_edt(~THING)
    for seed in range(20):
        stroke = scribble(THING, random.Random(seed), share=0.6, wide_px=5)
        assert (stroke[THING] > 0.5).any()
        assert (stroke[THING] > 0.5).mean() < 0.95
        assert reach[stroke > 0.5].max() < 20


def test_nothing_is_scribbled_where_there_is_no_thing() -> None:
    assert scribble(np.zeros((20, 20), bool), random.Random(0), 0.5, 4).max() == 0


def test_dabs_have_the_colour_of_what_they_cover_and_clean_ones_keep_to_the_thing() -> None:
    for seed in range(10):
        painted = dabs(THING, RGB, random.Random(seed))
        alpha = painted[..., 3]
        assert alpha[~THING].max() == 0
        covered = alpha > 0.99
        if covered.any():
            assert np.allclose(painted[covered][:, :3], [0.8, 0.1, 0.1], atol=0.02)
