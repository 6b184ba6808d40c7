from __future__ import annotations

import cv2
import numpy as np
from scumble_engine.imaging.arrays import Floats
from scumble_engine.imaging.guided import follow_edges, vote_by_color


def disc(side: int) -> Floats:
    rows, columns = np.mgrid[:side, :side] / side
    inside: Floats = ((rows - 0.5) ** 2 + (columns - 0.45) ** 2 < 0.3**2).astype(np.float32)
    return inside


def test_a_blocky_change_of_a_thing_stops_where_the_thing_does() -> None:
    large = np.stack([disc(320), 0.3 + 0 * disc(320), 1 - disc(320)], axis=-1)
    small = cv2.resize(large, (80, 80), interpolation=cv2.INTER_AREA)
    blocks = cv2.resize(cv2.resize(disc(320), (10, 10), interpolation=cv2.INTER_AREA), (80, 80), interpolation=0)
    found = follow_edges(blocks[..., None], small, large, 4.0, 0.04)[..., 0]
    plain = cv2.resize(blocks, (320, 320), interpolation=cv2.INTER_LINEAR)
    assert step_at_the_edge(plain) < 0.15
    assert step_at_the_edge(found) > 0.5


def step_at_the_edge(values: Floats) -> float:
    """Return by how much the two pixels' width inside the disc lie above the two outside it."""
    inside, pen = disc(320), np.ones((5, 5), np.uint8)
    within, beside = (inside > cv2.erode(inside, pen)), (cv2.dilate(inside, pen) > inside)
    return float(values[within].mean() - values[beside].mean())


def test_where_the_picture_is_flat_values_are_smoothed() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (64, 64, 1)).astype(np.float32)
    flat = np.full((64, 64, 3), 0.5, np.float32)
    found = follow_edges(noise + 0.25, flat, np.full((128, 128, 3), 0.5, np.float32), 4.0, 0.04)
    assert found.shape == (128, 128, 1)
    assert abs(float(found.mean()) - 0.25) < 0.01
    assert float(found.std()) < 0.02


def test_ground_that_took_on_colour_beside_a_thing_is_outvoted() -> None:
    large = np.stack([disc(320), 0.3 + 0 * disc(320), 1 - disc(320)], axis=-1)
    small = cv2.resize(large, (80, 80), interpolation=cv2.INTER_AREA)
    found = cv2.dilate(disc(80), np.ones((7, 7), np.uint8))
    found[40:44, 30:34] = 0.0
    votes = vote_by_color(found, small, large, 20.0, 0.05)
    assert votes.shape == (320, 320)
    inside, pen = disc(320), np.ones((9, 9), np.uint8)
    beside = (cv2.dilate(inside, pen) > inside) & (large[..., 0] < 0.5)
    assert votes[beside].max() < 0.25
    assert votes[cv2.erode(inside, pen) > 0].min() > 0.9


def test_votes_on_a_large_picture_are_counted_on_a_small_one_and_say_the_same() -> None:
    large = np.stack([disc(512), 0.3 + 0 * disc(512), 1 - disc(512)], axis=-1)
    small = cv2.resize(large, (128, 128), interpolation=cv2.INTER_AREA)
    found = cv2.dilate(disc(128), np.ones((7, 7), np.uint8))
    at_large = vote_by_color(cv2.resize(found, (512, 512), interpolation=cv2.INTER_LINEAR), large, large, 128.0, 0.05)
    assert np.abs(at_large - vote_by_color(found, small, large, 32.0, 0.05)).mean() < 0.01
