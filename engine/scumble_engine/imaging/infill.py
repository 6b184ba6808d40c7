"""Filling holes of any size, at any depth, with a model that knows one size: windows with context, then the picture's own detail.

Colours are unit floats in the picture's own space; only the model's small picture passes through sRGB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds

from .arrays import Bools, Bytes, Floats
from .color import ColorSpace
from .detail import add_grain, transfer_detail
from .hint import smooth_fill
from .mask import bounds_of, cut, extent, grow
from .plain import STRAY, plain_ground

SmallFill = Callable[[Bytes, Bools], Bytes]

CONTEXT = 1.0
RIM_PX = 3.0
MAX_WINDOWS = 8
MAX_TILES = 24
SPARSE = 0.3
LONG = 4


@dataclass(frozen=True)
class Infill:
    """How to fill: the model and the side of its picture, the colour space, and the seed of the grain and of the variant.

    The model has no dice of its own, so seeds 0 to 3 (modulo 4) show it the picture as it is, mirrored, upside down, or both.
    """

    fill: SmallFill
    side_px: int
    space: ColorSpace
    seed: int = 0


def fill_holes(how: Infill, colors: Floats, hole: Bools, unknown: Bools | None = None) -> Iterator[tuple[int, int]]:
    """Fill `colors`, (height, width, 3), in place where `hole`; yield (windows done, windows in all) after each.

    `unknown` marks further pixels that are no evidence (transparent ones) but need no filling either.
    """
    left = hole.copy()
    windows = plan_windows(hole, how.side_px)
    for number, window in enumerate(windows, start=1):
        here = cut(left, window.hole)
        inner = window.hole.moved(-window.around.x, -window.around.y)
        blind = cut(left, window.around)
        if unknown is not None:
            blind = blind | cut(unknown, window.around)
        filled = fill_window(how, cut(colors, window.around), blind, inner, number)
        cut(colors, window.hole)[here] = filled[here]
        here[:] = False
        yield number, len(windows)


@dataclass(frozen=True)
class Window:
    """One run of the model: the holes in `hole` are filled from what is seen in `around`."""

    hole: Bounds
    around: Bounds


def plan_windows(hole: Bools, side_px: int) -> list[Window]:
    """Group the holes so that few windows cover them: near ones together, and one big window when there would be many."""
    count, labels, stats, _centres = cv2.connectedComponentsWithStats(hole.astype(np.uint8), connectivity=8)
    boxes = [Bounds(*(int(n) for n in stats[label][:4])) for label in range(1, count)]
    if len(boxes) > 4 * MAX_WINDOWS:
        boxes = [bounds_of(hole)]
    groups = _merged(boxes, side_px // 2)
    if len(groups) > MAX_WINDOWS:
        groups = [bounds_of(hole)]
    limit = max(1, MAX_TILES // max(1, len(groups)))
    tiles = [tile for group in groups for tile in _split(hole, group, side_px // 2, limit)]
    return [Window(tile, around(tile, extent(labels), side_px)) for tile in tiles]


def _split(hole: Bools, box: Bounds, cell_px: int, limit: int) -> list[Bounds]:
    """Split a long thin hole (a wire across the sky) along its way: seen from afar all at once it would be lost."""
    long = max(box.width, box.height)
    if long <= cell_px or (cut(hole, box).mean() > SPARSE and long < LONG * min(box.width, box.height)):
        return [box]
    while True:
        corners = [(x, y) for y in range(box.y, box.bottom, cell_px) for x in range(box.x, box.right, cell_px)]
        cells = [Bounds(x, y, cell_px, cell_px).intersected(box) for x, y in corners]
        tight = [(cell, bounds_of(cut(hole, cell))) for cell in cells]
        found = [inner.moved(cell.x, cell.y) for cell, inner in tight if not inner.empty]
        if len(found) <= limit:
            return found
        cell_px *= 2


def _merged(boxes: list[Bounds], side_px: int) -> list[Bounds]:
    """Unite boxes that overlap, or that a window at the model's own scale holds together."""
    groups: list[Bounds] = []
    for box in sorted(boxes, key=lambda b: (b.y, b.x)):
        group, others = box, groups
        joined = True
        while joined:
            joined = False
            for other in others:
                union = group.united(other)
                if max(union.width, union.height) <= side_px or not group.intersected(other).empty:
                    others = [each for each in others if each is not other]
                    group, joined = union, True
                    break
        groups = [*others, group]
    return groups


def around(box: Bounds, whole: Bounds, side_px: int) -> Bounds:
    """Return the square with context around a hole, at least the model's size, moved to lie inside the picture."""
    side = max(side_px, round(max(box.width, box.height) * (1 + 2 * CONTEXT)))
    width, height = min(side, whole.width), min(side, whole.height)
    x = min(max(0, box.x + box.width // 2 - width // 2), whole.width - width)
    y = min(max(0, box.y + box.height // 2 - height // 2), whole.height - height)
    return Bounds(x, y, width, height)


def fill_window(how: Infill, colors: Floats, hole: Bools, wanted: Bounds, number: int) -> Floats:
    """Return new colours for `wanted` (inside the window): the model's structure with the window's own detail and grain."""
    height, width = hole.shape
    scale = max(1.0, max(height, width) / how.side_px)
    small_size = (max(1, round(width / scale)), max(1, round(height / scale)))
    small, blind = shrink(colors, hole, small_size)
    if blind.all():
        # Nothing is known: there is no evidence to invent from.
        return np.zeros((wanted.height, wanted.width, 3), dtype=np.float32)
    values = add_grain(_painted(how, small, blind), blind, how.seed + number)
    return transfer_detail(colors, hole, values, blind, wanted) if scale > 1.0 else cut(values, wanted)


def _painted(how: Infill, small: Floats, blind: Bools) -> Floats:
    """Return the small picture with its hole filled, so that the fill meets what is known without a step.

    A plain ground is continued without the model. Elsewhere the model fills a little more than the hole; on that rim its fill
    and the truth are both known, and their difference is spread smoothly over the hole.
    """
    wide = grow(blind, RIM_PX)
    rim = wide & ~blind
    plain = plain_ground(np.clip(how.space.to_srgb(small), 0.0, 1.0), blind)
    if plain is None:
        # The model's pipeline softens its seam with what lies under the hole: let that be smooth, not the thing itself.
        seen = how.space.to_srgb8(smooth_fill(small, wide))
        filled = how.space.from_srgb(_run_padded(how, seen, wide).astype(np.float32) / 255.0)
    else:
        filled = how.space.from_srgb(plain)
        rim &= np.abs(small - filled).max(axis=-1) < STRAY  # a shadow is no part of a plain ground
    if rim.any():
        filled = filled + smooth_fill(np.where(rim[..., None], small - filled, 0.0).astype(np.float32), ~rim)
    return np.where(blind[..., None], filled, small).astype(np.float32)


def shrink(colors: Floats, hole: Bools, size: tuple[int, int]) -> tuple[Floats, Bools]:
    """Shrink by area, counting known pixels only; a small pixel with less than half known is a hole."""
    if (hole.shape[1], hole.shape[0]) == size:
        return colors.astype(np.float32, copy=True), hole
    known = (~hole).astype(np.float32)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    # A channel at a time: the product of a whole large picture would be the largest array of all.
    totals = [cv2.resize(colors[..., channel] * known, size, interpolation=cv2.INTER_AREA) for channel in range(3)]
    small = (np.stack(totals, axis=-1) / np.maximum(weight, 1e-6)[..., None]).astype(np.float32)
    return small, weight < 0.5


def _run_padded(how: Infill, seen: Bytes, blind: Bools) -> Bytes:
    """Run the model on its square: a smaller picture is mirrored outwards, so that its border is no edge."""
    height, width = blind.shape
    top, left = (how.side_px - height) // 2, (how.side_px - width) // 2
    pad: tuple[tuple[int, int], tuple[int, int]] = (
        (top, how.side_px - height - top),
        (left, how.side_px - width - left),
    )
    image: Bytes = np.pad(seen, (*pad, (0, 0)), mode="symmetric")
    holes: Bools = np.pad(blind, pad, mode="symmetric")
    turn = (slice(None, None, -1 if how.seed & 2 else 1), slice(None, None, -1 if how.seed & 1 else 1))
    painted = how.fill(np.ascontiguousarray(image[turn]), np.ascontiguousarray(holes[turn]))[turn]
    return painted[top : top + height, left : left + width]
