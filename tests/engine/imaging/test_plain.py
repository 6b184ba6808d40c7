"""A plain ground is continued through a hole exactly; what is not plain is left to a model."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.imaging.plain import plain_ground

ROWS, COLUMNS = np.mgrid[:120, :160].astype(np.float32)
HOLE = (ROWS - 60) ** 2 + (COLUMNS - 80) ** 2 < 30**2


def graded() -> np.ndarray:
    return np.stack([0.9 - ROWS / 400, 0.6 + COLUMNS / 800, np.full_like(ROWS, 0.3)], axis=-1)


@pytest.mark.parametrize("shadow", [0.0, 0.3])
def test_a_graded_ground_goes_on_behind_a_thing_and_its_shadow(shadow: float) -> None:
    truth = graded()
    cast = (ROWS - 66) ** 2 + (COLUMNS - 86) ** 2 < 32**2
    seen = np.where(cast[..., None], truth * (1 - shadow), truth)
    seen[HOLE] = 0.0
    found = plain_ground(seen.astype(np.float32), HOLE)
    assert found is not None
    assert np.abs(found - truth)[HOLE].max() < 1 / 255


@pytest.mark.parametrize("ground", ["stripes", "horizon", "grain"])
def test_other_grounds_are_not_plain(ground: str) -> None:
    seen = graded()
    if ground == "stripes":
        seen[(COLUMNS // 8) % 2 == 0] *= 0.8
    elif ground == "horizon":
        seen[60:] *= 0.6
    else:
        seen += np.random.default_rng(0).normal(0, 0.05, seen.shape)
    assert plain_ground(seen.astype(np.float32), HOLE) is None


def test_without_surroundings_nothing_is_known() -> None:
    assert plain_ground(graded(), np.ones((120, 160), bool)) is None
