"""Plain grounds: where all around a hole lies one smooth surface of colour, that surface is what lies behind, and no model is asked.

Illustrations stand on such grounds, and a model of photographs paints stains into them.
"""

from __future__ import annotations

import numpy as np

from .arrays import Bools, Floats
from .mask import grow

# The surface is fitted to this share of the picture's side around the hole, leaving out what lies farther off it than STRAY
# (a shadow, the tip of another thing). It is plain when so much of the surroundings lies within CLOSE of it (0..1 sRGB).
RING, STRAY, CLOSE, PLAIN = 1 / 8, 0.04, 0.012, 0.75
ROUNDS, MOST_SAMPLES, FEWEST_SAMPLES = 4, 20_000, 64


def plain_ground(srgb: Floats, hole: Bools) -> Floats | None:
    """Return the surface, (h, w, 3), that continues a plain ground through the hole of a picture in sRGB; None where it isn't plain.

    A quadratic in x and y a channel, fitted by least squares to the surroundings, with what strays from it left out.
    """
    ring = grow(hole, RING * max(hole.shape)) & ~grow(hole, 1.0)
    rows, columns = np.nonzero(ring)
    if len(rows) < FEWEST_SAMPLES:
        return None
    every = max(1, len(rows) // MOST_SAMPLES)
    rows, columns = rows[::every], columns[::every]
    terms, seen = _terms(rows, columns, hole.shape), srgb[rows, columns].astype(np.float64)
    near = np.abs(seen - np.median(seen, axis=0)).max(axis=1) < 4 * STRAY
    for _ in range(ROUNDS):
        if near.sum() < FEWEST_SAMPLES:
            return None
        surface, *_ = np.linalg.lstsq(terms[near], seen[near], rcond=None)
        away = np.abs(terms @ surface - seen).max(axis=1)
        near = away < STRAY
    if (away < CLOSE).mean() < PLAIN:
        return None
    height, width = hole.shape
    all_rows, all_columns = np.mgrid[:height, :width]
    fitted = _terms(all_rows.ravel(), all_columns.ravel(), hole.shape) @ surface
    whole: Floats = np.clip(fitted, 0.0, 1.0).reshape(height, width, 3).astype(np.float32)
    return whole


def _terms(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return (n, 6): 1, x, y, x², xy, y², with x and y in −1..1."""
    y, x = rows / (0.5 * shape[0]) - 1.0, columns / (0.5 * shape[1]) - 1.0
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
