"""Flat art: whether a picture is drawn (smooth in most places, with clear edges), as figure and ground can only be told apart there.

Told by the pixels alone, not by what any model makes of them.
"""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import Floats

# Drawings are smooth in most places, photographs hardly anywhere. Measured at 128 px: of 200 composed scenes 1 % lie above the
# bound; of 60 each with gradients, washes, as line or pixel drawings or through JPEG 0 to 5 % (hatched 20 %, on grainy paper 10
# to 100 %); of 13 photographs that scikit-image brings 12 (not the moon), of crops of theirs 80 %.
FLAT_ROUGHNESS = 2.3
SIDE_PX = 128


def is_flat(rgb: Floats) -> bool:
    """Tell whether a picture (h, w, 3), sRGB 0..1 of any size, is drawn rather than photographed."""
    scale = min(1.0, SIDE_PX / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return roughness(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)) <= FLAT_ROUGHNESS


def roughness(rgb: Floats) -> float:
    """Return how rough (h, w, 3) sRGB 0..1 is in Lab units: the geometric mean of the quartiles of its local spread.

    That is the range, within 3×3 pixels, of what a 3×3 mean takes away: gradients have none, and a few strong edges hardly count.
    """
    lab = cv2.cvtColor(np.ascontiguousarray(rgb, dtype=np.float32), cv2.COLOR_RGB2LAB)
    near, fine = np.ones((3, 3), np.uint8), lab - cv2.blur(lab, (3, 3))
    spread = np.linalg.norm(cv2.dilate(fine, near) - cv2.erode(fine, near), axis=2)
    return float(np.prod(np.quantile(spread, (0.25, 0.5, 0.75))) ** (1 / 3))
