"""Motions hit their handles, shifts copy exactly, and sampling is precise at any place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scumble_engine.imaging.warp import Motion, deform, landing, motion_of, warp, warp_fast
from scumble_protocol.geometry import Bounds, Point

PLACES = st.tuples(st.floats(-200, 200), st.floats(-200, 200))


def apart(points: list[tuple[float, float]]) -> bool:
    array = np.array(points)
    gaps = np.linalg.norm(array[:, None] - array[None], axis=-1) + np.eye(len(array)) * 1e3
    return bool(gaps.min() > 1.0)


@settings(max_examples=60)
@given(st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=5))
def test_every_handle_s_end_comes_from_its_start(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    starts, ends = [a for a, _ in pairs], [b for _, b in pairs]
    if not (apart(starts) and apart(ends)):
        return
    motion = motion_of([(Point(*a), Point(*b)) for a, b in pairs])
    assert np.allclose(motion.backward(motion.ends), motion.starts, atol=0.05)
    assert np.allclose(motion.forward(motion.starts), motion.ends, atol=0.05)


def test_two_handles_turn_and_scale_without_shear() -> None:
    before, after = np.array([[0.0, 0.0], [10.0, 0.0]]), np.array([[5.0, 5.0], [5.0, 25.0]])
    moved = deform(np.array([[0.0, 10.0], [10.0, 10.0]]), before, after)
    assert np.allclose(moved, [[-15.0, 5.0], [-15.0, 25.0]])


def test_three_handles_that_only_turn_give_the_turn_everywhere() -> None:
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    before = np.array([[0.0, 0.0], [30.0, 5.0], [10.0, 40.0]])
    points = np.random.default_rng(0).uniform(-50, 50, (20, 2))
    assert np.allclose(deform(points, before, before @ turn.T), points @ turn.T, atol=1e-6)


def test_moving_least_squares_stays_rigid_near_a_handle() -> None:
    before = np.array([[0.0, 0.0], [100.0, 0.0], [200.0, 0.0]])
    after = before + np.array([[0.0, 0.0], [0.0, 40.0], [0.0, 0.0]])
    near = deform(np.array([[100.0, 0.5], [101.0, 0.5]]), before, after)
    assert np.linalg.norm(near[1] - near[0]) == pytest.approx(1.0, abs=0.1)


def thing() -> np.ndarray:
    rng = np.random.default_rng(1)
    values = rng.random((20, 30, 4), dtype=np.float32)
    values[..., :3] *= values[..., 3:]
    return values


def test_a_single_handle_copies_pixels_bit_for_bit() -> None:
    source, lifted = Bounds(10, 10, 30, 20), thing()
    motion = motion_of([(Point(12, 12), Point(30.4, 7.0))])
    target = landing(motion, source, Bounds(0, 0, 200, 100))
    assert target == source.moved(18, -5)
    assert np.array_equal(warp(lifted, source, motion, target), lifted)
    assert np.array_equal(warp_fast(lifted, source, motion, target), lifted)


def test_what_lands_outside_the_picture_is_cut() -> None:
    source, lifted = Bounds(10, 10, 30, 20), thing()
    motion = motion_of([(Point(12, 12), Point(-8, 12))])
    target = landing(motion, source, Bounds(0, 0, 200, 100))
    assert target == Bounds(0, 10, 20, 20)
    assert np.array_equal(warp(lifted, source, motion, target), lifted[:, 10:])


def test_sampling_is_finer_than_sixteen_bits() -> None:
    """A smooth ramp moved by a fraction of a pixel comes out right to a part in 65,536: no quantised positions."""
    ramp = np.linspace(0.0, 1.0, 200, dtype=np.float32)
    lifted = np.ones((40, 200, 4), np.float32)
    lifted[..., :3] = ramp[None, :, None]
    starts = np.array([[50.0, 20.0], [150.0, 20.0]])
    angle = 0.0007
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    motion = Motion(starts, starts @ turn.T + (0.313, 0.0))
    whole = Bounds(0, 0, 200, 40)
    out = warp(lifted, whole, motion, whole)
    ys, xs = np.mgrid[10:30, 40:160]
    places = motion.backward(np.stack([xs + 0.5, ys + 0.5], axis=-1).astype(float))
    expected = (places[..., 0] - 0.5) / 199.0
    assert np.abs(out[10:30, 40:160, 0] - expected).max() < 0.5 / 65535


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((64, 64, 4), np.float32)
    stripes[:, ::2, :3] = 1.0
    stripes[..., 3] = 1.0
    starts = np.array([[0.0, 32.0], [64.0, 32.0]])
    motion = Motion(starts, np.array([[16.0, 32.0], [47.0, 32.0]]))
    out = warp(stripes, Bounds(0, 0, 64, 64), motion, Bounds(20, 24, 24, 16))
    assert np.ptp(out[..., 0]) < 0.35
