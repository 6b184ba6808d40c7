"""A patch of new background under a hole, by the shelf's fill: what drag and erase have in common."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from scumble_protocol.geometry import Bounds

from ..imaging.arrays import Floats
from ..imaging.infill import Infill, around, fill_holes
from ..imaging.mask import cut
from ..models.photo_fill import SIDE_PX, Fill
from .scene import Scene
from .work import Step


@dataclass(frozen=True)
class Patch:
    """Colours, (h, w, 3) unit floats of the picture's space, for the hole's bounds; `runs` counts the model's runs; `notes` on it."""

    colors: Floats
    runs: int
    notes: tuple[str, ...] = ()


def fill_patch(
    scene: Scene, fill: Fill, hole: Floats, bounds: Bounds, seed: int, done: int
) -> Generator[Step, None, Patch]:
    """Fill the hole (alpha over `bounds`) from its surroundings; yield a step for each run, counting on from `done`."""
    crop = around(bounds, scene.whole, SIDE_PX)
    colors = scene.colors(crop)
    missing = np.zeros(colors.shape[:2], bool)
    inner = bounds.moved(-crop.x, -crop.y)
    cut(missing, inner)[...] = hole > 0
    own = scene.opacity(crop)
    how = Infill(fill, SIDE_PX, scene.space, seed)
    runs = 0
    for number, of in fill_holes(how, colors, missing, None if own is None else own < 0.5):
        runs = number
        yield Step(done + number, done + of + 1, "filling")
    return Patch(cut(colors, inner).copy(), runs, (fill.note,) if fill.note else ())
