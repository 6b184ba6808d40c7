"""A smooth guess at what lies behind a thing, in about a millisecond: for previews only."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import Bools, Floats


def smooth_fill(colors: Floats, hole: Bools) -> Floats:
    """Return `colors`, (h, w, 3), with the hole filled from ever coarser averages of what is known (push and pull)."""
    known = (~hole).astype(np.float32)
    levels = [np.concatenate([colors * known[..., None], known[..., None]], axis=-1)]
    while min(levels[-1].shape[:2]) > 2 and (levels[-1][..., 3] < 1e-3).any():
        height, width = levels[-1].shape[:2]
        levels.append(cv2.resize(levels[-1], ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA))
    filled = levels[-1][..., :3] / np.maximum(levels[-1][..., 3:], 1e-3)
    for level in reversed(levels[:-1]):
        coarse = cv2.resize(filled, (level.shape[1], level.shape[0]), interpolation=cv2.INTER_LINEAR)
        filled = level[..., :3] + coarse * np.maximum(0.0, 1.0 - level[..., 3:])
    return np.asarray(filled, dtype=np.float32)
