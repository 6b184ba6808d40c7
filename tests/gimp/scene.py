"""A picture to edit: a red disc with a darker rim on a meadow of soft noise, as raw sRGB RGBA."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

SIDE = 256
CENTRE = (100, 128)
RADIUS = 36


def raw_scene() -> bytes:
    """Return SIDE×SIDE pixels, four bytes each."""
    rng = np.random.default_rng(5)
    noise = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 2.0) * 60
    picture = np.stack([70 + noise, 130 + noise, 80 + noise, np.full_like(noise, 255)], axis=-1)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    far = np.hypot(x - CENTRE[0], y - CENTRE[1])
    picture[far < RADIUS] = (205, 45, 40, 255)
    picture[far < RADIUS - 4] = (225, 60, 50, 255)
    return picture.clip(0, 255).astype(np.uint8).tobytes()
