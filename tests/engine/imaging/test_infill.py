"""Filling holes of any size with a fill that knows one: windows, exactness outside, texture, grain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scumble_engine.imaging.color import ColorSpace
from scumble_engine.imaging.hint import smooth_fill
from scumble_engine.imaging.infill import MAX_TILES, Infill, fill_holes, plan_windows
from scumble_engine.models.photo_fill import ClassicalFill
from skimage import data

SRGB = ColorSpace("srgb", b"", False)


def filled(colors: np.ndarray, hole: np.ndarray, side_px: int = 64, seed: int = 0) -> np.ndarray:
    result = colors.copy()
    for _ in fill_holes(Infill(ClassicalFill(), side_px, SRGB, seed), result, hole):
        pass
    return result


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_only_the_hole_changes_and_windows_cover_it_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    colors = rng.random((90, 130, 3)).astype(np.float32)
    hole = np.zeros((90, 130), bool)
    for _ in range(int(rng.integers(1, 12))):
        y, x, h, w = rng.integers(0, 80), rng.integers(0, 120), rng.integers(1, 30), rng.integers(1, 30)
        hole[y : y + h, x : x + w] = True
    result = filled(colors, hole)
    assert np.array_equal(result[~hole], colors[~hole])
    assert (result[hole] != colors[hole]).any(axis=1).mean() > 0.99
    windows = plan_windows(hole, 64)
    assert len(windows) <= MAX_TILES
    covered = np.zeros_like(hole)
    for window in windows:
        box = window.hole
        covered[box.y : box.bottom, box.x : box.right] = True
        assert box.intersected(window.around) == box
    assert covered[hole].all()


def test_a_thousand_specks_do_not_take_a_thousand_runs() -> None:
    hole = np.zeros((2000, 2000), bool)
    hole[::60, ::60] = True
    assert len(plan_windows(hole, 512)) <= MAX_TILES


def test_a_wire_across_a_large_picture_is_filled_piece_by_piece_at_full_size() -> None:
    hole = np.zeros((1200, 4000), bool)
    for x in range(4000):
        hole[400 + x // 20 : 406 + x // 20, x] = True
    windows = plan_windows(hole, 512)
    assert 8 <= len(windows) <= MAX_TILES
    assert max(max(window.around.width, window.around.height) for window in windows) < 800
    assert sum(np.count_nonzero(hole[w.hole.y : w.hole.bottom, w.hole.x : w.hole.right]) for w in windows) == hole.sum()


def test_what_is_under_the_hole_never_shows() -> None:
    """The fill must not depend on the pixels that it replaces."""
    colors = np.random.default_rng(0).random((80, 80, 3)).astype(np.float32) * 0.2 + 0.4
    hole = np.zeros((80, 80), bool)
    hole[30:50, 25:60] = True
    other = colors.copy()
    other[hole] = (1.0, 0.0, 1.0)
    assert np.array_equal(filled(colors, hole), filled(other, hole))
    assert np.array_equal(filled(colors, hole, side_px=32), filled(other, hole, side_px=32))


def test_a_large_hole_in_texture_gets_texture_not_a_blur() -> None:
    grass = np.repeat(data.grass()[..., None] / 255.0, 3, axis=2).astype(np.float32)
    hole = np.zeros(grass.shape[:2], bool)
    hole[180:330, 180:330] = True
    result = filled(grass, hole, side_px=128)
    inside = result[200:310, 200:310]
    assert inside.std() > 0.5 * grass[~hole].std()
    smooth = smooth_fill(grass, hole)[200:310, 200:310]
    assert inside.std() > 3 * smooth.std()


def test_the_grain_of_the_surroundings_goes_on_in_the_fill() -> None:
    rng = np.random.default_rng(3)
    for sigma in (0.004, 0.012):
        flat = (0.5 + rng.normal(0, sigma, (64, 64, 3))).astype(np.float32)
        hole = np.zeros((64, 64), bool)
        hole[20:44, 20:44] = True
        noise = filled(flat, hole)[22:42, 22:42].std()
        assert noise == pytest.approx(sigma, rel=0.35)


def test_the_seed_decides_and_decides_alone() -> None:
    colors = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    hole = np.zeros((64, 64), bool)
    hole[20:40, 20:40] = True
    assert np.array_equal(filled(colors, hole, seed=7), filled(colors, hole, seed=7))
    assert not np.array_equal(filled(colors, hole, seed=7), filled(colors, hole, seed=8))


def test_a_picture_that_is_all_hole_gives_something_finite() -> None:
    colors = np.ones((10, 10, 3), np.float32)
    assert np.isfinite(filled(colors, np.ones((10, 10), bool))).all()
