"""Finding what lies under a handle, on real photographs and on drawn ones; shapes scored by overlap."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from photographs import disc, photograph
from scumble_engine.imaging.grab import SMALL_SIDE_PX, find_in, search_bounds
from scumble_engine.imaging.mask import cut, extent
from scumble_engine.imaging.matte import pure_colors, soft_matte
from scumble_protocol.geometry import Bounds, Point
from skimage import data


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_the_patch_on_a_real_suit_is_found_from_one_point() -> None:
    photo = data.astronaut()
    window = search_bounds([Point(170, 385)], None, extent(photo))
    scale = SMALL_SIDE_PX / window.width
    size = (SMALL_SIDE_PX, round(window.height * scale))
    small = cv2.resize(np.ascontiguousarray(cut(photo, window)), size, interpolation=cv2.INTER_AREA)
    seed = Point((170 - window.x) * scale, (385 - window.y) * scale)
    found, stands_out = find_in(small, seed, np.ones(small.shape[:2], bool), (True, False, False, True))
    truth = np.zeros(small.shape[:2], np.uint8)
    cv2.circle(truth, (round((172 - window.x) * scale), round((385 - window.y) * scale)), round(37 * scale), 255, -1)
    assert stands_out
    assert overlap(found, truth > 0) > 0.85


def test_it_is_the_same_every_time_and_stays_inside_the_mask() -> None:
    image = photograph("u8")
    may = disc(30) > 0
    first, _ = find_in(image, Point(40, 48), may)
    again, _ = find_in(image, Point(40, 48), may)
    assert np.array_equal(first, again)
    assert not (first & ~may).any()
    assert overlap(first, disc(14) > 0) > 0.85


def test_search_bounds_lie_in_the_picture() -> None:
    assert search_bounds([Point(0, 0)], None, Bounds(0, 0, 1, 1)) == Bounds(0, 0, 1, 1)
    wide = search_bounds([Point(19_999, 10)], None, Bounds(0, 0, 20_000, 50))
    assert wide.right == 20_000
    assert wide.width < 500


def test_a_matte_is_soft_at_the_edge_and_exact_elsewhere() -> None:
    image = photograph("f32")
    matte = soft_matte(image, disc(14) > 0, 2.0)
    assert matte[48, 40] == 1.0
    assert matte[0, 0] == 0.0
    assert overlap(matte > 0.5, disc(14) > 0) > 0.95


def test_edge_colours_lose_the_background_and_keep_the_inside_bit_for_bit() -> None:
    """Compose a known thing over green with a known alpha; its own colour comes back at the mixed pixels."""
    rng = np.random.default_rng(0)
    own = (np.array([0.7, 0.2, 0.6]) + rng.normal(0, 0.004, (60, 60, 3))).astype(np.float32)
    back = np.broadcast_to(np.array([0.1, 0.8, 0.1], np.float32), own.shape)
    rows, columns = np.mgrid[:60, :60]
    alpha = np.clip(18.5 - np.hypot(rows - 30, columns - 30), 0, 3)[..., None].astype(np.float32) / 3
    mixed = (own * alpha + back * (1 - alpha)).astype(np.float32)
    pure = pure_colors(mixed, alpha[..., 0], 2.0)
    edge = (alpha[..., 0] > 0.2) & (alpha[..., 0] < 1)
    assert np.array_equal(pure[alpha[..., 0] == 1], mixed[alpha[..., 0] == 1])
    assert np.abs(pure - own)[edge].mean() < 0.3 * np.abs(mixed - own)[edge].mean()


@pytest.mark.parametrize("side", [1, 2, 5])
def test_tiny_pictures_do_not_break_it(side: int) -> None:
    image = np.full((side, side, 3), 90, np.uint8)
    found, stands_out = find_in(image, Point(0.5, 0.5), np.ones((side, side), bool))
    assert found.shape == (side, side)
    assert not stands_out
