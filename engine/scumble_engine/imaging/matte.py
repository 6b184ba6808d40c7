"""Cutting a thing out: a soft matte from a rough shape, and edge colours without the background that shone through."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import Bools, Floats

SHARPEN = 1.6
# What of a matte is the thing's at all.
SEEN = 0.02


def soft_matte(guide: Floats, thing: Bools, radius_px: float) -> Floats:
    """Return alpha, (H, W), that follows the edges of `guide`, (H, W, 3), near the outline of `thing`, and is 0 or 1 elsewhere.

    `thing`, (h, w), is the rough shape at any smaller size; `radius_px` is the width of the soft band, in pixels of the guide.
    Fast guided filter (He and Sun, 2015): fitted at the small size, applied at the full one; sharpened about one half.
    """
    size, small = (guide.shape[1], guide.shape[0]), (thing.shape[1], thing.shape[0])
    radius = max(1, round(radius_px * small[0] / size[0]))
    low = cv2.resize(guide, small, interpolation=cv2.INTER_AREA) if size != small else guide
    slope, offset = _guided_fit(low, thing.astype(np.float32), 2 * radius + 1, 1e-4)
    alpha = (_enlarge(slope, size) * guide).sum(axis=-1) + _enlarge(offset, size)
    depth = cv2.distanceTransform(thing.astype(np.uint8), cv2.DIST_L2, 5)
    depth = depth - cv2.distanceTransform((~thing).astype(np.uint8), cv2.DIST_L2, 5)
    depth = _enlarge(np.asarray(depth, dtype=np.float32), size)
    sharp = np.clip((alpha - 0.5) * SHARPEN + 0.5, 0.0, 1.0)
    sharp = np.where(depth > radius, 1.0, np.where(depth < -radius, 0.0, sharp))
    return sharp.astype(np.float32)


def _enlarge(array: Floats, size: tuple[int, int]) -> Floats:
    if (array.shape[1], array.shape[0]) == size:
        return array
    enlarged: Floats = cv2.resize(array, size, interpolation=cv2.INTER_LINEAR)
    return enlarged


def _guided_fit(guide: Floats, values: Floats, side: int, epsilon: float) -> tuple[Floats, Floats]:
    """Fit values as a linear function of colour in every window; return the mean slopes (h, w, 3) and offsets (h, w)."""

    def mean(array: Floats) -> Floats:
        averaged: Floats = cv2.blur(array, (side, side), borderType=cv2.BORDER_REFLECT)
        return averaged

    mean_guide, mean_values = mean(guide), mean(values)
    # Rows of the colours' covariance, (h, w, 3, 3): cv2.blur takes at most four channels.
    rows = [mean(guide * guide[..., channel : channel + 1]) for channel in range(3)]
    sigma = np.stack(rows, axis=-2) - mean_guide[..., :, None] * mean_guide[..., None, :]
    sigma = sigma + epsilon * np.eye(3, dtype=np.float32)
    joint = mean(guide * values[..., None]) - mean_guide * mean_values[..., None]
    slope = np.linalg.solve(sigma, joint[..., None])[..., 0].astype(np.float32)
    offset = mean_values - (slope * mean_guide).sum(axis=-1)
    return mean(slope), mean(offset)


def pure_colors(colors: Floats, alpha: Floats, radius_px: float) -> Floats:
    """Return the thing's own colours, (h, w, 3), with the background taken out where alpha is between 0 and 1.

    Where alpha is 1 they are the given ones, bit for bit. Blur-fusion (Forte, "Approximate fast foreground colour estimation", 2021).
    """
    own = colors
    back = colors
    for radius in (max(2, round(3 * radius_px)), max(1, round(radius_px))):
        own, back = _blur_fusion(colors, alpha, own, back, 2 * radius + 1)
    return np.where(alpha[..., None] >= 1.0, colors, own)


def _blur_fusion(colors: Floats, alpha: Floats, own: Floats, back: Floats, side: int) -> tuple[Floats, Floats]:
    weight = alpha[..., None]
    size = (side, side)
    near_own = cv2.blur(own * weight, size) / (cv2.blur(alpha, size)[..., None] + 1e-5)
    near_back = cv2.blur(back * (1 - weight), size) / (cv2.blur(1 - alpha, size)[..., None] + 1e-5)
    estimate = near_own + weight * (colors - weight * near_own - (1 - weight) * near_back)
    low, high = colors.min(initial=0.0), colors.max(initial=1.0)
    return np.clip(estimate, low, high).astype(np.float32), near_back.astype(np.float32)
