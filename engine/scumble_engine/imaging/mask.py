"""Masks as float32 in 0..1: what may change, how it fades inwards, how strokes grow, and where a mask lies."""

from __future__ import annotations

import cv2
import numpy as np
from scumble_protocol.geometry import NOWHERE, Bounds

from .arrays import Array, Bools, Floats


def allowed(alpha: Array | None, height: int, width: int, feather_px: float) -> Floats | None:
    """Return how far each pixel may change, faded inwards from where `alpha` (u8) is 0; None means everywhere.

    Exactly 0 where `alpha` is 0. The picture's own border does not fade. No mask and an all-zero one mean everywhere.
    """
    if alpha is None or not alpha.any():
        return None
    assert alpha.shape[:2] == (height, width)
    given = alpha.reshape(height, width)
    bounded: Floats = np.minimum(given.astype(np.float32) / 255.0, fade_inwards(given > 0, feather_px))
    return bounded


def fade_inwards(inside: Bools, feather_px: float) -> Floats:
    """Return 0 outside, rising smoothly to 1 over `feather_px` pixels from the border inwards."""
    if feather_px < 0.01 or inside.all():
        return inside.astype(np.float32)
    # A pixel that touches the outside is at distance 1: half a pixel from the border to its centre, at most.
    distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ramp = np.clip((distance - 0.5) / np.float32(feather_px), 0.0, 1.0)
    return np.where(inside, np.maximum(ramp * ramp * (3 - 2 * ramp), 1e-3), 0.0).astype(np.float32)


def grow(inside: Bools, radius_px: float) -> Bools:
    """Return everything within `radius_px` of what is inside (a round brush)."""
    if radius_px <= 0 or not inside.any():
        return inside
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    grown: Bools = distance <= radius_px
    return grown


def bounds_of(inside: Array) -> Bounds:
    """Return the smallest bounds that hold every nonzero pixel (`NOWHERE` for none)."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return NOWHERE
    x, y = int(columns[0]), int(rows[0])
    return Bounds(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)


def cut(array: Array, bounds: Bounds) -> Array:
    """View the part of an array that lies in `bounds` (which lie in it)."""
    return array[bounds.y : bounds.bottom, bounds.x : bounds.right]


def extent(array: Array) -> Bounds:
    """Return the bounds of the whole array."""
    return Bounds(0, 0, array.shape[1], array.shape[0])
