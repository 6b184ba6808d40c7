"""Place: where in the picture an edit by words happens."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Instruction
from torch import Tensor

from ..imaging.arrays import Floats
from ..imaging.mask import bounds_of, cut, fade_inwards, grow
from .free_place import place_for
from .ground import figure_in
from .model_window import ModelWindow, open_window
from .painting import disagreement, strong
from .scene import only
from .steps import Doing, Placed, Reading

# The share of D's full strength from which on a thing is meant that lies there.
MEANT = 0.4
# The same from which on a hole is; a thing to take away that seems to fill more of the picture than this was not found.
HOLE, MOST_OF_PICTURE = 0.5, 0.6
# How much of a figure's, and of a new thing's size a window shows around it: the illustrator learnt things that fill most of it.
AROUND = 0.19


def anywhere(reading: Reading, before: Placed | None) -> Doing[Placed]:
    """All that may change, in the window as it is."""
    return Placed(reading.window)
    yield


def around_figure(reading: Reading, before: Placed | None) -> Doing[Placed]:
    """The same, told apart into figure and ground where the painter selected nothing."""
    known = before or Placed(reading.window)
    return replace(known, figure=figure_in(reading.window) if reading.free else None)
    yield


def near_figure(reading: Reading, before: Placed | None) -> Doing[Placed]:
    """What stands out, with the window brought to it; all that may change where nothing does."""
    placed = yield from around_figure(reading, before)
    return placed if placed.figure is None else centred(reading, placed.window, placed.figure)


def named_thing(reading: Reading, before: Placed | None) -> Doing[Placed]:
    """The figure that lies where the two prompts disagree."""
    placed = yield from by_disagreement(reading, before)
    assert placed.delta is not None
    return replace(placed, figure=figure_in(placed.window, meant(placed.delta)))


def named_thing_near(reading: Reading, before: Placed | None) -> Doing[Placed]:
    """The same, with the window brought to it where nothing is selected; half the steps find it."""
    placed = yield from by_disagreement(reading, before, max(1, reading.steps // 2))
    assert placed.delta is not None
    figure = figure_in(placed.window, meant(placed.delta))
    if figure is None or not reading.free:
        return replace(placed, figure=figure)
    return centred(reading, placed.window, figure)


def by_disagreement(reading: Reading, before: Placed | None, steps: int = 0) -> Doing[Placed]:
    """Let the delta loop find where the prompts disagree, unless that was done."""
    if before is not None:
        return before
    x0, delta = yield from disagreement(reading, reading.window, steps or reading.steps)
    return Placed(reading.window, None, x0, delta)


def free_place(reading: Reading, before: Placed | None) -> Doing[Placed]:
    """Where a new thing may stand: in the selection, or where there is room and the instruction wants it."""
    told, scene = only(reading.edit, Instruction), reading.window.scene
    place = place_for(reading.window, told.text if told is not None else "", bool(reading.pair.keep))
    near = open_window(scene, reading.model, place, _context(place, scene.whole))
    inside = np.zeros((near.bounds.height, near.bounds.width), np.float32)
    cut(inside, place.moved(-near.bounds.x, -near.bounds.y))[...] = 1.0
    return Placed(near, inside)
    yield


def centred(reading: Reading, window: ModelWindow, figure: Floats) -> Placed:
    """Return a window with the figure (h, w) in its middle, and the figure in it."""
    place = bounds_of(figure > 0.5).moved(window.bounds.x, window.bounds.y)
    near = open_window(window.scene, reading.model, place, AROUND)
    here = near.bounds.moved(-window.bounds.x, -window.bounds.y)
    return Placed(near, np.ascontiguousarray(cut(figure, here)))


def _context(place: Bounds, whole: Bounds) -> float:
    """Return how much around a place a window may show with the place in its middle, as a share of its side."""
    margin = min(place.x, place.y, whole.right - place.right, whole.bottom - place.bottom)
    return min(AROUND, margin / max(place.width, place.height))


def meant(delta: Tensor) -> Floats:
    """Return where D is strong, (h, w) of the latents, 0 or 1."""
    return strong(delta, MEANT).float().cpu().numpy()


def hole_by_disagreement(reading: Reading, before: Placed | None) -> Doing[Placed]:
    """A hole where D is. Raises RequestError where it is nowhere, or everywhere."""
    placed = yield from by_disagreement(reading, before)
    assert placed.delta is not None
    return replace(placed, figure=hole_of(placed.window, placed.delta))


def hole_of(window: ModelWindow, delta: Tensor) -> Floats:
    """Return a hole's soft alpha, (h, w) of the window, where D is strong. Raises RequestError."""
    surely = strong(delta, HOLE).float().cpu().numpy()
    size = (window.bounds.width, window.bounds.height)
    inside = cv2.resize(surely, size, interpolation=cv2.INTER_LINEAR) > 0.5
    may = window.scene.may_in(window.bounds)
    inside = inside if may is None else inside & (may > 0)
    if not inside.any() or (may is None and inside.mean() > MOST_OF_PICTURE):
        raise RequestError(
            "The model can't tell where it is; select it, or draw subtract strokes over it.", "not-found"
        )
    edge = max(2.0, 0.02 * max(size))
    return fade_inwards(grow(inside, 2 * edge), edge)
