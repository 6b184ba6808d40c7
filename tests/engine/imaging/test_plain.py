"""A plain ground is continued through a hole exactly; what is not plain is left to a model."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.imaging.plain import is_plain, plain_ground

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


@pytest.mark.parametrize("ground", ["stripes", "waves", "grain"])
def test_other_grounds_are_not_plain(ground: str) -> None:
    seen = graded()
    if ground == "stripes":
        seen[(COLUMNS // 8) % 2 == 0] *= 0.8
    elif ground == "waves":
        seen[60:] *= 0.6
        seen[60:][(ROWS[60:] + 3 * np.sin(COLUMNS[60:] / 9)) % 12 < 3] += 0.1
    else:
        seen += np.random.default_rng(0).normal(0, 0.05, seen.shape)
    assert plain_ground(seen.astype(np.float32), HOLE) is None


def test_without_surroundings_nothing_is_known() -> None:
    assert plain_ground(graded(), np.ones((120, 160), bool)) is None


@pytest.mark.parametrize("softness_px", [1.0, 6.0])
@pytest.mark.parametrize("contrast", [0.08, 0.4])
def test_two_grounds_meet_behind_a_thing_as_they_do_beside_it(softness_px: float, contrast: float) -> None:
    """A meadow under a sky: no edge is seen where the thing stood, neither along the horizon nor along the hole's own bounds."""
    horizon = 55 + 5 * np.sin(COLUMNS / 50)
    share = np.clip((ROWS - horizon) / softness_px + 0.5, 0, 1)[..., None]
    truth = graded() * (1 - share) + (graded() - (contrast, 0.1 * contrast, -contrast)) * share
    seen = truth.copy()
    seen[HOLE] = (0.9, 0.1, 0.1)
    found = plain_ground(seen.astype(np.float32), HOLE)
    assert found is not None
    away = np.abs(found - truth).max(axis=-1)[HOLE]
    assert away.mean() < 0.05 * contrast
    assert np.quantile(away, 0.8) < 2 / 255


def test_a_sky_alone_is_plain_and_a_landscape_is_not() -> None:
    assert is_plain(graded().astype(np.float32))
    meadow = graded().astype(np.float32)
    meadow[60:] *= 0.6
    assert not is_plain(meadow)
