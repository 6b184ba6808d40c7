"""Bends hit their handles, never fold, leave what they must not reach, and uncover nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import disc
from scumble_engine.imaging.bend import Bend, bend_of, bent, room_in
from scumble_protocol.geometry import Bounds, Point

WHOLE = Bounds(0, 0, 128, 96)
PLACES = st.tuples(st.floats(3, 125), st.floats(3, 93))
Pair = tuple[Point, Point]


def bend(*pairs: tuple[float, float, float, float], may: np.ndarray | None = None) -> Bend:
    return bend_of([(Point(a, b), Point(c, d)) for a, b, c, d in pairs], room_in(may, WHOLE))[0]


def nodes() -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(128) + 0.5, np.arange(96) + 0.5), axis=-1)


def apart(points: list[tuple[float, float]]) -> bool:
    array = np.array(points)
    return bool((np.linalg.norm(array[:, None] - array[None], axis=-1) + 1e3 * np.eye(len(array))).min() > 2.0)


@settings(max_examples=30)
@given(st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=1))
def test_a_handle_s_end_comes_from_its_start(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    one = bend(*((*a, *b) for a, b in pairs))
    assert np.allclose(one.backward(one.ends), one.starts, atol=1e-6)


@pytest.mark.parametrize("pairs", [[(30, 48, 100, 48)], [(40, 48, 20, 40), (80, 48, 110, 60)], [(64, 48, 64, 5)]])
def test_nothing_folds_however_far_it_goes(pairs: list[tuple[float, float, float, float]]) -> None:
    places = bend(*pairs).backward(nodes())
    across, down = np.diff(places, axis=1)[:-1], np.diff(places, axis=0)[:, :-1]
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert area.min() > 0


def test_opposed_handles_both_arrive_and_a_still_one_pins() -> None:
    pulled = bend((50, 48, 30, 48), (70, 48, 95, 48))
    assert np.allclose(pulled.backward(pulled.ends), pulled.starts, atol=2.0)
    pinned = bend((50, 48, 30, 48), (60, 48, 60, 48))
    assert np.allclose(pinned.backward(np.array([[60.0, 48.0]])), [[60.0, 48.0]], atol=0.1)


def test_what_is_near_the_handle_moves_with_it_and_what_is_far_stays() -> None:
    places = bend((64, 48, 70, 48)).backward(nodes()) - nodes()
    assert np.allclose(places[46:51, 68:73], (-6, 0), atol=0.8)
    assert (places[:, :20] == 0).all()
    assert (places[:, -20:] == 0).all()


def test_outside_the_mask_nothing_moves_and_an_end_outside_is_taken_back() -> None:
    may = disc(30, (50, 48)) > 0
    pairs = [(Point(50, 48), Point(120, 48))]
    one, arrives = bend_of(pairs, room_in(may, WHOLE))
    assert not arrives
    assert 70 < one.ends[0][0] < 80
    moved = np.abs(one.backward(nodes()) - nodes()).max(axis=-1)
    assert moved[~may].max() < 0.5
    assert moved[may].max() > 10


def test_a_layer_covers_all_that_moved_without_a_hole_and_keeps_a_flat_colour() -> None:
    one = bend((40, 48, 80, 40))
    bounds = one.bounds()
    flat = np.full((bounds.height, bounds.width, 4), (0.2, 0.4, 0.6, 1.0), np.float32)
    layer = bent(flat, one)
    seen = layer[..., 3] > 0
    assert np.allclose(layer[seen], (0.2, 0.4, 0.6, 1.0), atol=1e-5)
    there = np.abs(one.backward(nodes()) - nodes()).max(axis=-1) > 0.2
    whole = np.zeros((96, 128), bool)
    whole[bounds.y : bounds.bottom, bounds.x : bounds.right] = seen
    assert whole[there].all()


def test_the_quick_one_is_nearly_the_fine_one() -> None:
    one = bend((40, 48, 70, 40))
    bounds = one.bounds()
    ramp = np.ones((bounds.height, bounds.width, 4), np.float32)
    ramp[..., :3] *= np.linspace(0, 1, bounds.width, dtype=np.float32)[None, :, None]
    fine, quick = bent(ramp, one), bent(ramp, one, fine=False)
    both = (fine[..., 3] > 0) & (quick[..., 3] > 0)
    assert both.mean() > 0.3
    assert np.abs(fine - quick)[both][:, :3].mean() < 0.01
