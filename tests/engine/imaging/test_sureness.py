"""How sure a found shape is a thing: right shapes are surer than wrong ones, on the scenes whose truth is known and on photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from photographs import disc, photograph
from scumble_engine.imaging.grab import edge_strength, find_in, search_bounds
from scumble_engine.imaging.mask import cut, extent
from scumble_engine.imaging.sureness import SURE, solidity, stands_free, sureness
from scumble_protocol.geometry import Point
from skimage import data


def how_sure(rgb: np.ndarray, thing: np.ndarray) -> float:
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    return sureness(lab, edge_strength(rgb), thing, np.ones(thing.shape, bool))


def test_a_thing_s_own_shape_is_sure_and_another_is_not() -> None:
    rgb = photograph("u8")
    assert how_sure(rgb, disc(14) > 0) >= SURE
    for wrong in (disc(8), disc(22), disc(14, (52, 48)), disc(14, (100, 30))):
        assert how_sure(rgb, wrong > 0) < SURE


def test_a_thing_cut_by_the_picture_s_border_is_not() -> None:
    rgb = photograph("u8")[:, 40:]
    assert how_sure(np.ascontiguousarray(rgb), np.ascontiguousarray(disc(14)[:, 40:] > 0)) < SURE


def test_solidity_is_the_share_of_the_hull() -> None:
    square = np.zeros((40, 40), bool)
    square[5:35, 5:35] = True
    assert solidity(square) == 1.0
    square[10:35, 12:28] = False
    assert solidity(square) == pytest.approx(1 - 25 * 16 / 900, abs=0.01)


@pytest.mark.parametrize(
    ("name", "place", "sure"),
    [
        ("astronaut", (171, 385), True),
        ("coffee", (410, 75), False),
        ("rocket", (335, 100), False),
    ],
)
def test_on_photographs_only_what_stands_free_is_sure(name: str, place: tuple[int, int], sure: bool) -> None:
    photo = getattr(data, name)()
    photo = np.repeat(photo[..., None], 3, axis=2) if photo.ndim == 2 else photo
    window = search_bounds([Point(*place)], None, extent(photo))
    scale = 320 / max(window.width, window.height)
    small = cv2.resize(np.ascontiguousarray(cut(photo, window)), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    whole = extent(photo)
    closed = (window.y > 0, window.bottom < whole.bottom, window.x > 0, window.right < whole.right)
    seed = Point((place[0] - window.x) * scale, (place[1] - window.y) * scale)
    _, found = find_in(small, seed, np.ones(small.shape[:2], bool), closed)
    assert (found >= SURE) == sure


def test_a_soft_thing_that_another_way_finds_too_is_sure() -> None:
    ground = np.full((160, 160, 3), (200, 190, 160), np.uint8)
    thing = disc(40, (80, 80), 160, 160)
    soft = cv2.GaussianBlur(thing, (0, 0), 6.0)[..., None] / 255.0
    picture = np.rint(ground * (1 - soft) + np.array((120, 150, 90)) * soft).astype(np.uint8)
    assert how_sure(picture, thing > 0) < SURE
    assert stands_free(picture, thing > 0, Point(80, 80))
    assert not stands_free(picture, disc(20, (80, 80), 160, 160) > 0, Point(80, 80))
    assert not stands_free(picture, thing > 0, Point(5, 5))
    assert not stands_free(ground, thing > 0, Point(80, 80))
