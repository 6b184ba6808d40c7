"""Whether a picture is of the sort that the embedded illustrator knows. It paints illustrations; a photograph is worth a word.

Told by the pixels alone, not by what the model makes of them: it stays true when the weights are replaced.
"""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor

from .model import DiffusionModel

# Drawings are smooth in most places, photographs hardly anywhere. Measured at the model's size: of 200 composed scenes 1 % lie
# above the bound; of 60 each with gradients, washes, as line or pixel drawings or through JPEG 0 to 5 % (hatched 20 %, on grainy
# paper 10 to 100 %); of 13 photographs that scikit-image brings 12 (not the moon), of crops of theirs 80 %.
STRANGE_ROUGHNESS = 2.3
STRANGE_NOTE = (
    "This picture is unlike what the illustrator paints (it knows illustrations, not photographs); drag with the method warp, "
    "or take another --model."
)


def roughness(pixels: Tensor) -> float:
    """Return how rough (1, 3, h, w) sRGB 0..1 is in Lab units: the geometric mean of the quartiles of its local spread.

    That is the range, within 3×3 pixels, of what a 3×3 mean takes away: gradients have none, and a few strong edges hardly count.
    """
    rgb = np.ascontiguousarray(pixels[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy(), dtype=np.float32)
    lab, near = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.ones((3, 3), np.uint8)
    fine = lab - cv2.blur(lab, (3, 3))
    spread = np.linalg.norm(cv2.dilate(fine, near) - cv2.erode(fine, near), axis=2)
    return float(np.prod(np.quantile(spread, (0.25, 0.5, 0.75))) ** (1 / 3))


def is_strange(model: DiffusionModel, pixels: Tensor) -> bool:
    """Tell whether the embedded illustrator has never seen the like of (1, 3, h, w) pixels; other models are taken at their word."""
    return model.embedded and roughness(pixels) > STRANGE_ROUGHNESS
