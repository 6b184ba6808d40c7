"""Masks bound strictly and fade inwards only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import disc
from scumble_engine.imaging.mask import allowed, bounds_of, fade_inwards, grow
from scumble_protocol.geometry import NOWHERE, Bounds


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0, 20))
def test_nothing_may_change_where_the_mask_is_zero_and_something_may_elsewhere(seed: int, feather_px: float) -> None:
    mask = np.random.default_rng(seed).integers(0, 256, (24, 31), dtype=np.uint8)
    mask[np.random.default_rng(seed + 1).random(mask.shape) < 0.4] = 0
    may = allowed(mask, 24, 31, feather_px)
    assert may is not None
    assert (may[mask == 0] == 0).all()
    assert (may[mask > 0] > 0).all()
    assert (may <= mask / 255.0 + 1e-6).all()


def test_no_mask_and_an_empty_one_mean_everywhere() -> None:
    assert allowed(None, 4, 4, 2.0) is None
    assert allowed(np.zeros((4, 4), np.uint8), 4, 4, 2.0) is None


def test_the_fade_takes_its_pixels_from_inside_and_leaves_the_middle_whole() -> None:
    inside = disc(20) > 0
    fade = fade_inwards(inside, 6.0)
    assert (fade[~inside] == 0).all()
    assert fade[48, 40] == 1.0
    edge = fade[48, 20:28]
    assert (np.diff(edge) > 0).all()
    assert fade[48, 20] < 0.1


def test_the_picture_s_border_does_not_fade() -> None:
    inside = np.ones((20, 20), bool)
    inside[:, 10:] = False
    assert fade_inwards(inside, 4.0)[0, 0] == 1.0


def test_growing_is_round_and_bounds_are_tight() -> None:
    dot = np.zeros((21, 21), bool)
    dot[10, 10] = True
    grown = grow(dot, 5.0)
    assert np.count_nonzero(grown) == pytest.approx(np.pi * 25, rel=0.1)
    assert bounds_of(grown) == Bounds(5, 5, 11, 11)
    assert bounds_of(~grown & grown) == NOWHERE
