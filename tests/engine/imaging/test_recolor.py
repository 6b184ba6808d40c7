"""What a small model tinted is brought to the colour that was named, with its light and shade."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.imaging.palette import PALETTE, nearest_color
from scumble_engine.imaging.recolor import brought_to

ROWS, COLUMNS = np.mgrid[:80, :80]
DISC = (ROWS - 40) ** 2 + (COLUMNS - 40) ** 2 < 20**2
SHADE = (0.8 + 0.2 * ROWS / 80).astype(np.float32)[..., None]


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return a shaded red disc on gray, and the same with a weak tint of blue."""
    before = np.where(DISC[..., None], np.float32([0.8, 0.15, 0.15]) * SHADE, np.float32(0.6))
    after = np.where(DISC[..., None], 0.7 * before + 0.3 * np.float32([0.2, 0.3, 0.8]), before)
    return before.astype(np.float32), after.astype(np.float32)


@pytest.mark.parametrize("color", ["blue", "green", "white", "black", "brown"])
def test_it_becomes_the_named_colour_and_stays_shaded(color: str) -> None:
    before, after = pictures()
    found = brought_to(before, after, PALETTE[color])
    assert nearest_color(found[DISC]) == color
    assert np.abs(found - before)[~DISC].max() < 0.01
    luma = found.mean(axis=-1)
    assert luma[24:30, 36:44].mean() < luma[50:56, 36:44].mean()


def test_where_nothing_changed_nothing_is_brought_anywhere() -> None:
    before, _ = pictures()
    assert np.array_equal(brought_to(before, before, PALETTE["blue"]), before)
