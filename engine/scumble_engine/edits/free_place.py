"""A free place for a new thing: in the selection, on the thing that is named, or where the picture has most room."""

from __future__ import annotations

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds

from ..imaging.arrays import Bools
from ..imaging.figure import SIDE_PX
from ..imaging.mask import bounds_of
from ..imaging.matte import SEEN
from .ground import figure_in
from .model_window import ModelWindow

# A new thing's side as shares of the picture's shorter side, and how much of the free circle it takes.
LEAST, MOST, FILLED = 0.28, 0.55, 1.4
# A thing on another: its side as a share of that one's width, and how much of it lies over that one.
HAT, OVERLAP = 0.6, 0.3


def place_for(window: ModelWindow, told: str, on_a_thing: bool = False) -> Bounds:
    """Return where in the picture the new thing may stand: the selection's largest piece, else the largest free square.

    `on_a_thing`: the instruction names what stands there already; "on" that is on top of it.
    """
    may = window.scene.may_in(window.bounds)
    if may is not None:
        return bounds_of(_largest(may > 0)).moved(window.bounds.x, window.bounds.y)
    figure = figure_in(window)
    if figure is not None and on_a_thing and " on " in told:
        return _on_top(bounds_of(_largest(figure > SEEN)), window)
    taken = np.zeros((window.bounds.height, window.bounds.width), bool) if figure is None else figure > SEEN
    scale = min(1.0, SIDE_PX / max(taken.shape))
    size = (max(3, round(taken.shape[1] * scale)), max(3, round(taken.shape[0] * scale)))
    small = cv2.resize(taken.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    x, y, radius = _roomiest(small, _wanted(small, told))
    shorter = min(small.shape)
    half = 0.5 * min(max(FILLED * radius, LEAST * shorter), MOST * shorter)
    x, y = (min(max(at, half), length - half) for at, length in ((x, size[0]), (y, size[1])))
    left, top = (round((at - half) / length * whole) for at, length, whole in _sides(x, y, size, window.bounds))
    right, bottom = (round((at + half) / length * whole) for at, length, whole in _sides(x, y, size, window.bounds))
    return Bounds(window.bounds.x + left, window.bounds.y + top, max(1, right - left), max(1, bottom - top))


def _on_top(thing: Bounds, window: ModelWindow) -> Bounds:
    """Return a square whose lower part lies over a thing's top, within the window."""
    side = max(1, min(round(HAT * thing.width), window.bounds.width, window.bounds.height))
    x = min(max(0, thing.x + (thing.width - side) // 2), window.bounds.width - side)
    y = max(0, thing.y + round(OVERLAP * side) - side)
    return Bounds(window.bounds.x + x, window.bounds.y + y, side, side)


def _largest(selected: Bools) -> Bools:
    """Return the largest piece of a selection."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats(selected.astype(np.uint8))
    largest: Bools = labels == 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())
    return largest


def _sides(x: float, y: float, size: tuple[int, int], bounds: Bounds) -> tuple[tuple[float, int, int], ...]:
    return (x, size[0], bounds.width), (y, size[1], bounds.height)


def _roomiest(taken: Bools, wanted: Bools) -> tuple[float, float, float]:
    """Return the middle and radius of the largest free circle with its middle where it is wanted."""
    free = np.pad((~taken).astype(np.uint8), 1)
    room = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.where(wanted, room, -1.0).argmax()), room.shape)
    return float(column) + 0.5, float(row) + 0.5, float(room[row, column])


def _wanted(taken: Bools, told: str) -> Bools:
    """Return where a spatial relation in the instruction lets the middle lie, beside what stands there already."""
    everywhere = np.ones(taken.shape, bool)
    if not taken.any():
        return everywhere
    rows, columns = np.nonzero(taken)
    y, x = np.mgrid[: taken.shape[0], : taken.shape[1]]
    sides: dict[str, Bools] = {
        " left of ": x < columns.mean(),
        " right of ": x > columns.mean(),
        " above ": y < rows.mean(),
        " over ": y < rows.mean(),
        " below ": y > rows.mean(),
        " under ": y > rows.mean(),
    }
    return next((side for words, side in sides.items() if words in f" {told} " and side.any()), everywhere)
