"""Bringing a recolouring to the colour that was named: a small model says where and roughly what, the word says exactly."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import Floats

# Of the strongest change, (h, w): below the first share nothing was meant, from the second on all.
MEANT = (0.2, 0.5)


def brought_to(before: Floats, after: Floats, color: tuple[int, int, int]) -> Floats:
    """Return `after` with what changed since `before`, both (h, w, 3) sRGB 0..1, shifted until its middle is `color` (0..255).

    The shift is one for all of it, in Lab, so that light, shade and pattern stay.
    """
    strength = np.abs(after - before).max(axis=-1)
    full = float(np.quantile(strength, 0.97))
    if full < 1e-3:
        return after
    meant = np.clip((strength / full - MEANT[0]) / (MEANT[1] - MEANT[0]), 0.0, 1.0).astype(np.float32)
    wanted = cv2.cvtColor(np.array([[color]], np.float32) / 255.0, cv2.COLOR_RGB2LAB)[0, 0]
    lab = cv2.cvtColor(np.clip(after, 0.0, 1.0), cv2.COLOR_RGB2LAB)
    middle = (lab * meant[..., None]).sum(axis=(0, 1)) / meant.sum()
    moved = lab + meant[..., None] * (wanted - middle)
    shifted: Floats = np.clip(cv2.cvtColor(moved.astype(np.float32), cv2.COLOR_LAB2RGB), 0.0, 1.0)
    return shifted
