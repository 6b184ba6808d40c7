"""What a model's control networks are shown of an edit by strokes: lines, colours and the hole, each drawn as the networks learnt it.

Which networks there are is the painter's choice (`scumble engine --control`); without any, there are no conditions.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..diffusion.capabilities import Condition
from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Bools, Floats
from ..models.control_file import COLORS, EDGES, HOLES
from .model_window import to_tensor

# ControlNet's own Canny thresholds, of 255 (Zhang et al. 2023, its demo).
CANNY = (100, 200)
# MagicQuill's weight of each of its control networks, which act beside one another; one alone has the say that it was trained with.
TOGETHER, ALONE = 0.5, 1.0
# A tile network would paint the start again as it is: at full strength it leaves drawn lines no room.
TILE = 0.5
# T2I-Adapter's palettes have 8 × 8 fields at 512 px; MagicQuill's colour network reads fields of 16 px.
PALETTE_PX, FIELD_PX = 64, 16
# What ControlNet inpaint is shown where it may paint (its published preprocessor).
HOLE = -1.0
HALF_COVERED = 0.5


def conditions_for(
    model: DiffusionModel,
    srgb: Floats,
    hole: Floats,
    lines: Floats | None = None,
    erased: Floats | None = None,
    color: Floats | None = None,
) -> tuple[Condition, ...]:
    """Return what the model's control networks are shown; empty where it has none that these strokes speak to.

    All at the model's size: `srgb` (h, w, 3) in 0..1, the picture with its colour strokes on it; `hole` (h, w), where may be painted;
    `lines`, `erased` (h, w) in 0..1: add and subtract strokes; `color` (h, w): how far colour strokes cover.
    """
    maps: dict[str, Floats] = {}
    if (edge := _first(model, EDGES)) and (_any(lines) or _any(erased) or _any(color)):
        maps[edge] = edge_map(srgb, lines, erased)
    if (dye := _first(model, COLORS)) and _any(color):
        maps[dye] = fields(srgb, PALETTE_PX if hasattr(model.controls[dye], "adapter") else FIELD_PX)
    if gap := _first(model, HOLES):
        maps[gap] = np.where(hole[..., None] > HALF_COVERED, np.float32(HOLE), srgb).astype(np.float32)
    strokes = [kind for kind in maps if kind not in HOLES]
    scale = TOGETHER if len(strokes) > 1 else ALONE
    scales = {kind: ALONE if kind in HOLES else min(scale, TILE) if kind == "tile" else scale for kind in maps}
    return tuple(Condition(kind, to_tensor(shown), scales[kind]) for kind, shown in maps.items())


def edge_map(srgb: Floats, lines: Floats | None, erased: Floats | None) -> Floats:
    """Return the picture's edges without the erased ones, add strokes drawn over them: white on black, (h, w, 3)."""
    gray = cv2.cvtColor(np.round(np.clip(srgb, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    white = cv2.Canny(gray, *CANNY) > 0
    if erased is not None:
        white &= ~_covered(erased)
    if lines is not None:
        white |= _covered(lines)
    return np.repeat(white.astype(np.float32)[..., None], 3, axis=-1)


def fields(srgb: Floats, side_px: int) -> Floats:
    """Return the picture as flat fields of about `side_px`, at its own size."""
    height, width = srgb.shape[:2]
    size = max(1, round(width / side_px)), max(1, round(height / side_px))
    few = cv2.resize(srgb, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.float32)


def _first(model: DiffusionModel, kinds: tuple[str, ...]) -> str:
    return next((kind for kind in kinds if kind in model.controls), "")


def _any(strokes: Floats | None) -> bool:
    return strokes is not None and bool(_covered(strokes).any())


def _covered(strokes: Floats) -> Bools:
    covered: Bools = strokes > HALF_COVERED
    return covered
