"""Scores of edited pictures: each tells right from wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.bench.measures import (
    changed_outside,
    color_error,
    color_named,
    differs,
    edge_f1,
    nearer_to_truth,
    psnr,
)
from scumble_engine.imaging.arrays import Bytes
from scumble_engine.imaging.palette import PALETTE

ALL = np.ones((40, 40), bool)


def _plain(rgb: tuple[int, int, int]) -> Bytes:
    return np.full((40, 40, 3), rgb, np.uint8)


def _square() -> Bytes:
    picture = _plain((244, 244, 244))
    picture[10:30, 10:30] = (42, 98, 214)
    return picture


def test_psnr_is_exact_for_equals_and_falls_with_error() -> None:
    truth = _square()
    assert psnr(truth, truth, ALL) == 99.0
    assert psnr(truth, truth, ~ALL) == 99.0
    near, far = truth.copy(), truth.copy()
    near[10:30, 10:30] += 5
    far[10:30, 10:30, 0] += 100
    assert 30 < psnr(near, truth, ALL) < 50
    assert psnr(far, truth, ALL) < 20


def test_nearer_to_truth_tells_the_sides_apart() -> None:
    before, truth = _plain((214, 38, 38)), _plain((62, 160, 62))
    assert nearer_to_truth(_plain((80, 140, 60)), before, truth, ALL)
    assert not nearer_to_truth(_plain((200, 60, 40)), before, truth, ALL)


@pytest.mark.parametrize("name", list(PALETTE))
def test_colours_are_named(name: str) -> None:
    assert color_named(_plain(PALETTE[name]), ALL) == name


def test_colour_error_is_small_for_shades_and_large_for_others() -> None:
    assert color_error(_plain((214, 38, 38)), _plain((214, 38, 38)), ALL) < 0.1
    assert color_error(_plain((214, 38, 38)), _plain((205, 45, 40)), ALL) < 5
    assert color_error(_plain((214, 38, 38)), _plain((42, 98, 214)), ALL) > 40


def test_edges_are_matched_within_their_reach() -> None:
    picture, lines = _square(), np.zeros((40, 40), bool)
    lines[10:30, [10, 29]] = lines[[10, 29], 10:30] = True
    assert edge_f1(picture, lines, ALL) > 0.95
    assert edge_f1(picture, np.roll(lines, 2, axis=1), ALL) > 0.8
    assert edge_f1(picture, np.roll(lines, 8, axis=(1)), ALL) < 0.75
    assert edge_f1(_plain((9, 9, 9)), lines, ALL) == 0.0


def test_changes_outside_are_counted() -> None:
    before, after = _square(), _square()
    after[0, 0] += 1
    after[15, 15] = 0
    may = np.zeros((40, 40), bool)
    may[10:30, 10:30] = True
    assert changed_outside(after, before, may) == 1
    assert differs(after, before).sum() == 1
