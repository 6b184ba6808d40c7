"""Figure and ground by the border's colours: where the thing is, however the ground looks, and when to say that there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scumble_engine.imaging.figure import find_figure
from skimage import data

ROWS, COLUMNS = np.mgrid[:96, :128]
GROUNDS = {
    "plain": np.full((96, 128, 3), (90, 160, 90), np.uint8),
    "gradient": np.stack([40 + ROWS, 90 + ROWS, 140 + COLUMNS // 2], axis=-1).astype(np.uint8),
    "two halves": np.where((ROWS < 55)[..., None], (150, 190, 240), (70, 140, 60)).astype(np.uint8),
}


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("centre", [(64, 48), (36, 60)])
def test_a_thing_is_found_wherever_it_stands(ground: str, centre: tuple[int, int]) -> None:
    picture, thing = GROUNDS[ground].copy(), np.zeros((96, 128), np.uint8)
    cv2.ellipse(thing, centre, (22, 26), 20, 0, 360, 255, -1)
    picture[thing > 0] = (214, 60, 38)
    cv2.circle(picture, centre, 6, (250, 240, 80), -1)  # what it wears is it
    found = find_figure(picture)
    assert found is not None
    assert overlap(found, thing > 0) > 0.9
    again = find_figure(picture)
    assert again is not None
    assert np.array_equal(found, again)


def test_several_things_are_one_figure_and_crumbs_are_none() -> None:
    picture = GROUNDS["plain"].copy()
    for x in (40, 90):
        cv2.circle(picture, (x, 48), 14, (200, 40, 160), -1)
    cv2.circle(picture, (64, 20), 2, (200, 40, 160), -1)
    found = find_figure(picture)
    assert found is not None
    assert found[48, 40]
    assert found[48, 90]
    assert not found[20, 64]


@pytest.mark.parametrize("side", [1, 5, 40])
def test_an_empty_picture_has_none(side: int) -> None:
    assert find_figure(np.full((side, side, 3), 90, np.uint8)) is None


def test_what_fills_the_picture_is_no_figure() -> None:
    assert find_figure(cv2.resize(data.camera(), (160, 160))[..., None].repeat(3, axis=2)) is None
