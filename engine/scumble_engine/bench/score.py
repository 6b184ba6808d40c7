"""Scoring an edited picture against the truth of its scene: handles, shape, likeness, and what should not have changed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scumble_protocol.geometry import Point
from skimage.metrics import structural_similarity

from ..imaging.arrays import Bools, Bytes, Floats
from .scenes import Scene

PATCH_PX = 10


@dataclass(frozen=True)
class Score:
    """`handle_px` is the mean distance of what should lie at the handles' ends from there, `confidence` its correlation (NCC).

    `iou` and `centroid_px` compare where the thing is seen with where it should be; `psnr` (dB) and `ssim` are over the region
    that the motion concerns; `outside` counts changed pixels outside the mask.
    """

    handle_px: float
    confidence: float
    iou: float
    centroid_px: float
    psnr: float
    ssim: float
    outside: int


def score(scene: Scene, result: Bytes) -> Score:
    """Score one result, (h, w, 3) u8, for a drag."""
    found = [find_patch(scene.truth, result, handle.end, handle.start) for handle in scene.handles]
    have, should = (thing_seen(scene, picture) for picture in (result, scene.truth))
    psnr, ssim = likeness(result, scene.truth, scene.region)
    outside = 0 if scene.mask is None else int(((result != scene.start).any(axis=2) & ~scene.mask).sum())
    return Score(
        handle_px=float(np.mean([distance for distance, _ in found])),
        confidence=float(np.mean([confidence for _, confidence in found])),
        iou=float((have & should).sum() / max(1, (have | should).sum())),
        centroid_px=_centroid_distance(have, should),
        psnr=psnr,
        ssim=ssim,
        outside=outside,
    )


def find_patch(truth: Bytes, result: Bytes, end: Point, start: Point) -> tuple[float, float]:
    """Look in the result for the truth's patch around a handle's end; return how far off it is, and its correlation.

    The search reaches as far as the handle came, so that a thing that stayed behind is found there.
    """
    height, width = truth.shape[:2]
    x, y = (round(min(max(v, 0), limit - 1)) for v, limit in ((end.x - 0.5, width), (end.y - 0.5, height)))
    reach = round(end.distance(start)) + 8
    # Black beyond the border: mirrored, a patch there would be found twice.
    wide = cv2.copyMakeBorder(truth, *(PATCH_PX,) * 4, cv2.BORDER_CONSTANT)
    patch = wide[y : y + 2 * PATCH_PX + 1, x : x + 2 * PATCH_PX + 1]
    field = cv2.copyMakeBorder(result, *(PATCH_PX + reach,) * 4, cv2.BORDER_CONSTANT)
    area = field[y : y + 2 * (PATCH_PX + reach) + 1, x : x + 2 * (PATCH_PX + reach) + 1]
    response = cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED)
    _low, best, _where, (bx, by) = cv2.minMaxLoc(np.nan_to_num(response, posinf=0.0, neginf=0.0))
    return float(np.hypot(bx - reach, by - reach)), float(best)


def thing_seen(scene: Scene, picture: Bytes) -> Bools:
    """Say where the thing is: where it should have landed and at its first place, each pixel by which it is more like.

    At the landing place that is the truth or the clean background; where only the first place was, the start or the background.
    """
    only_first = scene.grab & ~scene.landed
    there = np.where(scene.landed[..., None], scene.truth, scene.start)
    to_thing, to_background = (_distance(picture, other) for other in (there, scene.background))
    return (scene.landed | only_first) & (to_thing < to_background)


def _distance(one: Bytes, other: Bytes) -> Floats:
    """Return the colour distance of each pixel's neighbourhood, (h, w)."""
    squares = ((one.astype(np.float32) - other.astype(np.float32)) ** 2).sum(axis=2)
    blurred: Floats = cv2.blur(squares, (5, 5))
    return blurred


def sharpness(result: Bytes, truth: Bytes, region: Bools) -> float:
    """Return the fine detail (mean size of the Laplacian) of a region against the truth's: 1 = as much, 0 = a blur."""
    sizes = [float(np.abs(cv2.Laplacian(p.astype(np.float32), cv2.CV_32F))[region].mean()) for p in (result, truth)]
    return sizes[0] / max(sizes[1], 1e-6)


def likeness(result: Bytes, truth: Bytes, region: Bools) -> tuple[float, float]:
    """Return PSNR (dB, at most 99) and mean SSIM over a region."""
    difference = (result.astype(np.float64) - truth)[region]
    mean_square = float((difference**2).mean()) if difference.size else 0.0
    psnr = min(99.0, 10 * float(np.log10(255.0**2 / max(mean_square, 1e-9))))
    if min(truth.shape[:2]) < 7 or not region.any():
        return psnr, 1.0
    _mean, every = structural_similarity(truth, result, channel_axis=2, full=True)
    local: Floats = every.mean(axis=2)
    return psnr, float(local[region].mean())


def _centroid_distance(have: Bools, should: Bools) -> float:
    """Return the distance of the centroids in pixels; where nothing is visible, the picture's half diagonal."""
    if not have.any() or not should.any():
        return 0.0 if have.any() == should.any() else float(np.hypot(*have.shape)) / 2
    return float(np.linalg.norm(np.argwhere(have).mean(axis=0) - np.argwhere(should).mean(axis=0)))
