"""Small pictures, strokes and a shelf with a tiny random model: what tests of diffusion edits share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scumble_engine.diffusion.model import DiffusionModel
from scumble_engine.edits.work import Layer, Sketch, Step, Work
from scumble_engine.imaging.arrays import array_of
from scumble_protocol.messages import AddStrokes, ColorStrokes, Mask, SubtractStrokes
from scumble_protocol.pixels import Picture, Plane


@dataclass(frozen=True)
class TinyShelf:
    """A shelf whose diffusion model is given."""

    diffusion: DiffusionModel
    model: str = "auto"
    device: str = "cpu"
    own_reader: None = None
    own_guesser: None = None

    def __hash__(self) -> int:
        return id(self.diffusion)


def illustration(width: int = 96, height: int = 80, depth: str = "u8") -> Picture:
    """A red disc on a blue-green ground, a little shaded, so that no two pixels are quite alike."""
    rows, columns = np.mgrid[:height, :width]
    ground = np.stack([40 + 0 * rows, 90 + rows, 140 + columns // 2], axis=-1)
    disc = (columns - 40) ** 2 + (rows - 40) ** 2 < 18**2
    colors = np.where(disc[..., None], np.array([214, 38, 38]), ground)
    if depth == "u16":
        wide = (colors * 257 + np.arange(width)[None, :, None]).astype("<u2")
        return Picture(Plane(width, height, 3, "u16", wide.tobytes()))
    return Picture(Plane(width, height, 3, "u8", colors.astype(np.uint8).tobytes()))


def ring(picture: Picture, x: int, y: int, radius: int, pen: float = 1.5) -> NDArray[np.bool_]:
    """A circle drawn with a pen."""
    rows, columns = np.mgrid[: picture.plane.height, : picture.plane.width]
    drawn: NDArray[np.bool_] = np.abs(np.hypot(columns - x, rows - y) - radius) < pen
    return drawn


def disc(picture: Picture, x: int, y: int, radius: int) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[: picture.plane.height, : picture.plane.width]
    inside: NDArray[np.bool_] = np.hypot(columns - x, rows - y) < radius
    return inside


def _alpha(where: NDArray[np.bool_]) -> Plane:
    return Plane(where.shape[1], where.shape[0], 1, "u8", (where * 255).astype(np.uint8).tobytes())


def add(where: NDArray[np.bool_]) -> AddStrokes:
    return AddStrokes(_alpha(where))


def subtract(where: NDArray[np.bool_]) -> SubtractStrokes:
    return SubtractStrokes(_alpha(where))


def mask(where: NDArray[np.bool_]) -> Mask:
    return Mask(_alpha(where))


def color(where: NDArray[np.bool_], rgb: tuple[int, int, int]) -> ColorStrokes:
    rgba = np.zeros((*where.shape, 4), np.uint8)
    rgba[where] = (*rgb, 255)
    return ColorStrokes(Plane(where.shape[1], where.shape[0], 4, "u8", rgba.tobytes()))


def run(work: Work) -> tuple[Layer, list[Step | Sketch]]:
    """Do the work to its end; return the layer and what was yielded on the way."""
    seen: list[Step | Sketch] = []
    while True:
        try:
            seen.append(next(work))
        except StopIteration as end:
            return end.value, seen


def whole_alpha(layer: Layer, picture: Picture) -> NDArray[np.uint8]:
    """Return the layer's alpha at the picture's size."""
    out = np.zeros((picture.plane.height, picture.plane.width), dtype=array_of(layer.plane).dtype)
    b = layer.bounds
    out[b.y : b.bottom, b.x : b.right] = array_of(layer.plane)[..., 3]
    return out
