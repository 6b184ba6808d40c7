"""Cast shadows on plain grounds: what near a thing is the ground, only darker, goes where the thing goes."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import Bools, Floats
from .mask import bounds_of, grow
from .plain import CLOSE, plain_ground

# How far a shadow reaches from its thing, as a share of that one's side; what is darker than DARKEST of black over the ground,
# or takes so unlike shares of its colours, is another thing.
REACH, DARKEST, TINTED = 0.15, 0.7, 0.12
# Where two grounds meet (in a step of so much a pixel, and within so much of the side around it) a shadow is seen too badly; it is
# what it is on both sides.
STEEP, GAP = 0.02, 0.015


def cast_shadow(srgb: Floats, thing: Bools) -> Floats | None:
    """Return how much black lies over the ground around a thing in a picture (h, w, 3) sRGB, (h, w) in 0..1; None where none does.

    Under the thing it goes on smoothly. Only a plain ground tells its shadows.
    """
    extent = bounds_of(thing)
    near = grow(thing, REACH * max(extent.width, extent.height))
    ground = None if near.all() else plain_ground(srgb, near)
    if ground is None:
        return None
    left = np.clip(srgb, 0.0, 1.0) / np.maximum(ground, 1e-3)
    dark = 1.0 - left.mean(axis=-1)
    even = (left.max(axis=-1) - left.min(axis=-1) < TINTED) & (dark < DARKEST)
    gap = max(1, round(GAP * max(thing.shape)))
    slope = np.maximum(*(np.abs(np.gradient(ground, axis=axis)).max(axis=-1) for axis in (0, 1)))
    line = cv2.dilate((slope > STEEP).astype(np.uint8), np.ones((2 * gap + 1,) * 2, np.uint8)).astype(bool)
    shaded = near & ~thing & ~line & even & ((ground - srgb).max(axis=-1) > CLOSE) & (dark > 0)
    shaded &= _at(shaded | thing, thing)
    if not shaded.any():
        return None
    pen = np.ones((4 * gap + 1,) * 2, np.uint8)
    whole = cv2.morphologyEx((shaded | thing).astype(np.uint8), cv2.MORPH_CLOSE, pen).astype(bool)
    whole &= shaded | thing | line
    known = np.rint(np.where(shaded, dark, 0.0) * 255).astype(np.uint8)
    goes_on = cv2.inpaint(known, (whole & ~shaded).astype(np.uint8), gap, cv2.INPAINT_TELEA)
    return np.asarray(goes_on, dtype=np.float32) / 255.0


def _at(covered: Bools, thing: Bools) -> Bools:
    """Keep the pieces that lie at the thing."""
    _, pieces = cv2.connectedComponents(covered.astype(np.uint8))
    kept: Bools = np.isin(pieces, np.unique(pieces[thing]))
    return kept
