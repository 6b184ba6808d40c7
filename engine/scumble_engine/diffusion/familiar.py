"""Whether a picture is of the sort that the embedded illustrator knows. It paints illustrations; a photograph is worth a word."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..imaging.flat import FLAT_ROUGHNESS, roughness
from .model import DiffusionModel

STRANGE_NOTE = (
    "This picture is unlike what the illustrator paints (it knows illustrations, not photographs); drag with the method warp, "
    "or take another --model."
)


def is_strange(model: DiffusionModel, pixels: Tensor) -> bool:
    """Tell whether the embedded illustrator has never seen the like of (1, 3, h, w) pixels; other models are taken at their word."""
    rgb = pixels[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return model.embedded and roughness(np.asarray(rgb, dtype=np.float32)) > FLAT_ROUGHNESS
