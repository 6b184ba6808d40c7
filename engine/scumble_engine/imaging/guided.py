"""Guided upsampling: what was found on a small picture is brought to the large one along the large one's own edges.

He, Sun and Tang, Guided Image Filtering (2013), with a colour guide; He and Sun, Fast Guided Filter (2015): the filter's
coefficients are found at the small size and only applied at the large one.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from .arrays import Floats

# The longer side of the picture that main colours are found and votes are counted on.
VOTES_PX = 128


def follow_edges(values: Floats, guide: Floats, large: Floats, radius_px: float, noise: float) -> Floats:
    """Return `values` (h, w, c), found beside the colours `guide` (h, w, 3), at the size of the colours `large` (H, W, 3).

    Within about `radius_px` of the small picture the values are taken to be a linear function of the guide's colours;
    colours that differ by less than `noise` (0..1) are not told apart, so there the values are smoothed.
    """
    slope, offset = _line(values, guide, radius_px, noise)
    height, width = large.shape[:2]
    result = np.empty((height, width, values.shape[2]), np.float32)
    for channel in range(values.shape[2]):
        slopes = cv2.resize(np.ascontiguousarray(slope[..., channel]), (width, height), interpolation=cv2.INTER_LINEAR)
        offsets = cv2.resize(offset[..., channel], (width, height), interpolation=cv2.INTER_LINEAR)
        result[..., channel] = np.einsum("hwc,hwc->hw", slopes, large) + offsets
    return result


def _line(values: Floats, guide: Floats, radius_px: float, noise: float) -> tuple[Floats, Floats]:
    """Return the slopes (h, w, 3, c) and offsets (h, w, c) of the best linear function around each pixel."""

    def mean(array: Floats) -> Floats:
        flat = array.reshape(*guide.shape[:2], -1)
        layers = [cv2.GaussianBlur(np.ascontiguousarray(flat[..., i]), (0, 0), radius_px) for i in range(flat.shape[2])]
        blurred: Floats = np.stack(layers, axis=-1).reshape(array.shape).astype(np.float32)
        return blurred

    middle, level = mean(guide), mean(values)
    spread = mean(guide[..., :, None] * guide[..., None, :]) - middle[..., :, None] * middle[..., None, :]
    shared = mean(guide[..., :, None] * values[..., None, :]) - middle[..., :, None] * level[..., None, :]
    slope = np.linalg.solve(spread + noise**2 * np.eye(3, dtype=np.float32), shared).astype(np.float32)
    offset = level - np.einsum("hwi,hwic->hwc", middle, slope)
    return mean(slope), mean(offset.astype(np.float32))


def vote_by_color(values: Floats, guide: Floats, large: Floats, radius_px: float, spread: float) -> Floats:
    """Return `values` (h, w), found beside the colours `guide` (h, w, 3), at the size of `large`: (H, W), outliers outvoted.

    Each place gets the mean of what was found within about `radius_px` at places of its own colour: a joint bilateral filter
    whose colours are a few main ones, told apart softly where they differ by `spread` (0..1).
    """
    # So wide a blur sees no detail: what is counted may be small.
    share = min(1.0, VOTES_PX / max(guide.shape[:2]))
    size = (max(1, round(guide.shape[1] * share)), max(1, round(guide.shape[0] * share)))
    found = np.zeros(large.shape[:2], np.float32)
    total = np.full(large.shape[:2], 1e-6, np.float32)
    for color in main_colors(guide):
        near = _likeness(guide, color, spread)
        for_it, all_votes = (_blurred(one, size, radius_px * share) for one in (near * values, near))
        votes = for_it / (all_votes + 1e-4)
        like = _likeness(large, color, spread)
        found += like * cv2.resize(votes, (large.shape[1], large.shape[0]), interpolation=cv2.INTER_LINEAR)
        total += like
    return found / total


def _blurred(votes: Floats, size: tuple[int, int], radius_px: float) -> Floats:
    """Return (h, w) at `size` (width, height), blurred by so many of its pixels."""
    small = cv2.resize(votes, size, interpolation=cv2.INTER_AREA) if size != votes.shape[::-1] else votes
    return np.asarray(cv2.GaussianBlur(small, (0, 0), radius_px), dtype=np.float32)


def main_colors(picture: Floats, count: int = 16) -> Floats:
    """Return up to `count` colours (n, 3), 0..1, that stand for those of a picture (h, w, 3), by median cut."""
    height, width = picture.shape[:2]
    share = VOTES_PX / max(height, width)
    if share < 1:  # seconds at 512 px, a few hundredths here
        size = (max(1, round(width * share)), max(1, round(height * share)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    eight = Image.fromarray(np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8))
    reduced = eight.quantize(count, method=Image.Quantize.MEDIANCUT, kmeans=3)
    palette: Floats = np.asarray(reduced.getpalette("RGB"), np.float32).reshape(-1, 3) / np.float32(255)
    used: Floats = palette[np.unique(np.asarray(reduced))]
    return used


def _likeness(picture: Floats, color: Floats, spread: float) -> Floats:
    likeness: Floats = np.exp(np.square(picture - color).sum(axis=-1) / np.float32(-2 * spread**2))
    return likeness.astype(np.float32)
