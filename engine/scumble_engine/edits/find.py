"""Finding the things that handles hold: by their contours, and in flat drawings by what stands out from the ground, which is whole."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.wording import said

from ..imaging import grab
from ..imaging.arrays import Bools, Bytes, Floats
from ..imaging.claims import holds, joined, settle, swallowed
from ..imaging.figure import divided, figure_at
from ..imaging.flat import is_flat
from ..imaging.mask import bounds_of, cut, grow
from ..imaging.matte import soft_matte
from ..imaging.sureness import SAME, SURE, overlap, sureness
from .scene import Scene

Shape = tuple[Floats, Bounds, tuple[int, ...]]
# Shapes with their handles' numbers, the numbers of those that hold none for certain, and notes.
Found = tuple[list[Shape], tuple[int, ...], tuple[str, ...]]
# Measured with 120 handles on 60 composed scenes: where a sure contour is a part of the figure there, its overlap with the true
# thing is .38 and the figure's .90; where the contour is not sure, .34 and .94 for figures that are at least so sure.
FIGURE_SURE = 0.2
PART = 0.9
# How far the figure's outline may be off at the small size, in its pixels.
ROUGH_PX = 2.5


@dataclass(frozen=True)
class Look:
    """The part of a scene in which things are sought, `rgb` (h, w, 3) u8 of it made small by `scale`; `may`: where they can be;
    `closed`: which sides of it cannot cut through one."""

    window: Bounds
    rgb: Bytes
    scale: float
    may: Bools
    closed: grab.Sides

    def seed(self, start: Point) -> Point:
        return Point((start.x - self.window.x) * self.scale, (start.y - self.window.y) * self.scale)


def found_shapes(starts: list[Point], scene: Scene) -> Found:
    """Find the thing under each handle; handles on one thing move it together. Raises RequestError for one outside the mask."""
    for number, start in enumerate(starts, start=1):
        if scene.may is not None and not scene.may[int(start.y), int(start.x)]:
            raise RequestError(said("Handle {number} starts outside the mask.", number=number), "bad-handle")
    limits = None if scene.may is None else bounds_of(scene.may)
    figures = _figures(scene, starts)
    window = grab.search_bounds(starts, limits, scene.whole)
    for figure in figures:
        window = window if figure is None else window.united(_around(figure, scene)).intersected(scene.whole)
    look = _look(scene, window)
    seeds = [look.seed(start) for start in starts]
    found = [grab.find_in(look.rgb, seed, look.may, look.closed) for seed in seeds]
    for number, other in swallowed([thing for thing, _ in found], seeds):
        found[number] = grab.find_in(look.rgb, seeds[number], look.may & ~found[other][0], look.closed)
    parts: list[int] = []
    for number, figure in enumerate(figures):
        piece = None if figure is None else _seen_in(look, scene, figure)
        if piece is not None and _is_better(look, piece, found[number], seeds):
            thing, sure = found[number]
            parts += [number + 1] if sure >= SURE and overlap(thing, piece) <= SAME else []
            found[number] = piece, SURE
    doubts = tuple(number for number, (_, sure) in enumerate(found, start=1) if sure < SURE)
    groups = joined([thing for thing, _ in found], seeds)
    settle(groups, seeds)
    shapes = [_matted(scene, thing, window, tuple(handles)) for thing, handles in groups]
    return shapes, doubts, tuple(_whole_note(number) for number in parts)


def _whole_note(number: int) -> str:
    return said(
        "All of the figure under handle {number} was moved; select a part of it to move that alone.", number=number
    )


def _look(scene: Scene, window: Bounds) -> Look:
    small, scale = scene.small_srgb8(window, grab.SMALL_SIDE_PX)
    can = scene.inside(window).astype(np.uint8)
    may = cv2.resize(can, small.shape[1::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    whole = scene.whole
    closed = (window.y > 0, window.bottom < whole.bottom, window.x > 0, window.right < whole.right)
    return Look(window, small, scale, may, closed)


def _figures(scene: Scene, starts: list[Point]) -> list[Bools | None]:
    """Return for each handle the figure that a flat drawing shows there, on a small grid of the whole picture.

    None where nothing stands out, in what is no flat drawing, and where a mask selects a part of it.
    """
    small, scale = scene.small_srgb8(scene.whole, grab.SMALL_SIDE_PX)
    if not is_flat(small.astype(np.float32) / 255.0):
        return [None] * len(starts)
    can = cv2.resize(scene.inside(scene.whole).astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_AREA) > 0
    figures = [figure_at(small, Point(start.x * scale, start.y * scale)) for start in starts]
    return [None if one is None or (one & can).sum() < PART * one.sum() else one for one in figures]


def _around(figure: Bools, scene: Scene) -> Bounds:
    """Return where a figure lies in the picture, with a margin."""
    box, wide = bounds_of(figure), scene.whole.width / figure.shape[1]
    tall = scene.whole.height / figure.shape[0]
    place = Bounds(int(box.x * wide), int(box.y * tall), round(box.width * wide) + 1, round(box.height * tall) + 1)
    return place.grown(max(8, round(0.08 * max(place.width, place.height)))).intersected(scene.whole)


def _seen_in(look: Look, scene: Scene, figure: Bools) -> Bools:
    """Bring a figure of the whole picture's small grid to a look's own, where its colours settle its edge once more."""
    wide, tall = scene.whole.width / figure.shape[1], scene.whole.height / figure.shape[0]
    size, step = (look.rgb.shape[1], look.rgb.shape[0]), 1 / look.scale
    columns = ((look.window.x + (np.arange(size[0]) + 0.5) * step) / wide - 0.5).astype(np.float32)
    rows = ((look.window.y + (np.arange(size[1]) + 0.5) * step) / tall - 0.5).astype(np.float32)
    x, y = np.meshgrid(columns, rows)
    near = np.asarray(cv2.remap(figure.astype(np.float32), x, y, cv2.INTER_LINEAR) > 0.5, dtype=bool)
    if wide * look.scale < 1.5:
        return near & look.may
    rough = ROUGH_PX * wide * look.scale
    return divided(look.rgb, near, ~grow(near, rough)) & look.may


def _is_better(look: Look, piece: Bools, found: tuple[Bools, float], seeds: list[Point]) -> bool:
    """Tell whether the figure is what a handle holds, and not the contour that was found, which is the same, a part of it, or not sure."""
    thing, sure = found
    if sure >= SURE:
        others = any(holds(piece, seed) and not holds(thing, seed) for seed in seeds)
        return bool((thing & piece).sum() >= PART * thing.sum()) and not others
    lab = cv2.cvtColor(look.rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    return sureness(lab, grab.edge_strength(look.rgb), piece, look.may) >= FIGURE_SURE


def _matted(scene: Scene, thing: Bools, window: Bounds, handles: tuple[int, ...]) -> Shape:
    """Bring a small rough shape to the picture's size with a soft edge, inside what may change."""
    ratio = window.width / thing.shape[1]
    radius = max(2.0, 1.5 * ratio)
    box = bounds_of(thing)
    step = max(1, round((radius + 2) / ratio) + 2)
    near = box.grown(step).intersected(Bounds(0, 0, thing.shape[1], thing.shape[0]))
    tall = window.height / thing.shape[0]
    x0, y0 = window.x + round(near.x * ratio), window.y + round(near.y * tall)
    x1, y1 = window.x + round(near.right * ratio), window.y + round(near.bottom * tall)
    bounds = Bounds(x0, y0, x1 - x0, y1 - y0).intersected(window)
    guide = np.clip(scene.colors(bounds), 0.0, 1.0)
    matte = soft_matte(guide, np.ascontiguousarray(cut(thing, near)), radius)
    return np.where(scene.inside(bounds), matte, 0.0).astype(np.float32), bounds, handles
