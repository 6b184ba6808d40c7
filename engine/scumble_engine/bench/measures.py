"""Numbers for edited pictures: likeness to the truth, colours, edges. All pictures are (h, w, 3) u8 sRGB."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab

from ..imaging.arrays import Bools, Bytes
from ..imaging.palette import PALETTE

EDGE_LOW, EDGE_HIGH = 60, 140


def psnr(result: Bytes, truth: Bytes, where: Bools) -> float:
    """Return PSNR in dB over a region, at most 99; an empty region is exact."""
    if not where.any():
        return 99.0
    error = float(((result.astype(np.float64) - truth)[where] ** 2).mean())
    return min(99.0, 10 * float(np.log10(255.0**2 / max(error, 1e-9))))


def nearer_to_truth(result: Bytes, before: Bytes, truth: Bytes, where: Bools) -> bool:
    """Whether the result lies nearer to the truth than to what was there before."""
    return psnr(result, truth, where) > psnr(result, before, where)


def color_named(picture: Bytes, where: Bools) -> str:
    """Return the palette's name for what a region mainly looks like: each pixel votes for its nearest, in Lab with lightness halved."""
    if not where.any():
        return ""
    weights = np.array([0.5, 1.0, 1.0])
    pixels = rgb2lab(picture[where][None] / 255.0)[0] * weights
    palette = rgb2lab(np.array([list(PALETTE.values())]) / 255.0)[0] * weights
    votes = np.linalg.norm(pixels[:, None] - palette[None], axis=2).argmin(1)
    return list(PALETTE)[int(np.bincount(votes, minlength=len(PALETTE)).argmax())]


def color_error(result: Bytes, wanted: Bytes, where: Bools) -> float:
    """Return the mean ΔE2000 between two pictures over a region, both seen from a little afar."""
    seen = [rgb2lab(cv2.blur(one, (3, 3)) / 255.0)[where] for one in (result, wanted)]
    return float(deltaE_ciede2000(seen[0], seen[1]).mean()) if where.any() else 0.0


def edges_of(picture: Bytes) -> Bools:
    """Return the strong edges of a picture (Canny on each colour channel, joined)."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.8)
    found = [cv2.Canny(np.ascontiguousarray(smooth[..., channel]), EDGE_LOW, EDGE_HIGH) for channel in range(3)]
    return np.asarray(np.max(found, axis=0) > 0, dtype=bool)


def edge_f1(result: Bytes, lines: Bools, region: Bools, reach_px: float = 3.0) -> float:
    """Return F1 of drawn lines against the result's edges in the region, both within `reach_px` of each other."""
    edges, lines = edges_of(result) & region, lines & region
    if not edges.any() or not lines.any():
        return 0.0
    to_lines, to_edges = (ndimage.distance_transform_edt(~one) for one in (lines, edges))
    precision = float((to_lines[edges] <= reach_px).mean())
    recall = float((to_edges[lines] <= reach_px).mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def changed_outside(result: Bytes, before: Bytes, may: Bools) -> int:
    """Count pixels that differ where nothing may."""
    return int(((result != before).any(axis=2) & ~may).sum())


def differs(one: Bytes, other: Bytes, visibly: int = 24) -> Bools:
    """Say where two pictures differ by more than `visibly` of 255 in any channel."""
    difference: Bools = np.abs(one.astype(np.int16) - other.astype(np.int16)).max(axis=2) > visibly
    return difference
