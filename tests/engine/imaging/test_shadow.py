"""A cast shadow on a plain ground is known from its ground; patterns and other things are no shadows."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.imaging.shadow import cast_shadow

ROWS, COLUMNS = np.mgrid[:160, :160].astype(np.float32)
THING = np.hypot(ROWS - 80, COLUMNS - 80) < 30
CAST = np.clip((36 - np.hypot(ROWS - 84, COLUMNS - 84)) / 6, 0, 1) * 0.4


def ground(kind: str) -> np.ndarray:
    low = np.stack([0.9 - ROWS / 600, 0.6 + COLUMNS / 800, np.full_like(ROWS, 0.3)], axis=-1)
    if kind == "meadow":
        low = np.where((70 + 4 * np.sin(COLUMNS / 60) < ROWS)[..., None], (0.3, 0.6, 0.2), low)
    if kind == "stripes":
        low[(COLUMNS // 8) % 2 == 0] *= 0.8
    return low.astype(np.float32)


@pytest.mark.parametrize("kind", ["graded", "meadow"])
def test_a_shadow_is_found_as_dark_as_it_is(kind: str) -> None:
    seen = ground(kind) * (1 - CAST[..., None])
    seen[THING] = (0.8, 0.1, 0.1)
    found = cast_shadow(seen.astype(np.float32), THING)
    assert found is not None
    away = np.abs(found - CAST)[~THING]
    assert np.mean(away) < 0.01
    assert np.quantile(away, 0.99) < 0.1
    assert found[THING].max() <= 0.45


@pytest.mark.parametrize("kind", ["graded", "meadow"])
def test_no_shadow_is_found_where_none_is_cast(kind: str) -> None:
    seen = ground(kind)
    seen[THING] = (0.8, 0.1, 0.1)
    found = cast_shadow(seen, THING)
    assert found is None or found[~THING].max() < 0.1


def test_neither_a_pattern_nor_a_coloured_neighbour_is_a_shadow() -> None:
    seen = ground("stripes")
    seen[THING] = (0.8, 0.1, 0.1)
    assert cast_shadow(seen, THING) is None
    seen = ground("graded")
    seen[THING] = (0.8, 0.1, 0.1)
    seen[70:90, 108:118] = (0.1, 0.5, 0.2)
    assert cast_shadow(seen, THING) is None
