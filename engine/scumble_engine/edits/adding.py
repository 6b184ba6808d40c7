"""Adding a thing by words: a free place is found for it, it is painted there in the manner of the picture, and only it is taken.

Asked for a whole picture with one thing more, a small model paints everything anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

import cv2
import numpy as np
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, Instruction, PromptPair
from scumble_protocol.pixels import Plane

from ..assist.phrases import NUMBERS, Phrase, describe
from ..assist.vocabulary import Vocabulary
from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Bools, array_of
from ..imaging.mask import bounds_of
from ..imaging.palette import PALETTE
from .exchange import Emptied, painted
from .ground import figure_in
from .model_window import ModelWindow, open_window
from .scene import only
from .seeing import in_its_place
from .work import Sketch, Step

SIDE_PX = 160
# A new thing's side as shares of the picture's shorter side, and how much of the free circle it takes; the context around it.
LEAST, MOST, FILLED = 0.28, 0.55, 1.4
CONTEXT = 0.19
# A thing on another: its side as a share of that one's width, and how much of it lies over that one.
HAT, OVERLAP = 0.6, 0.3
SEEN = 0.02


def add_thing(
    edit: Edit, model: DiffusionModel, window: ModelWindow, pair: PromptPair, words: Vocabulary
) -> Generator[Step | Sketch, None, tuple[Bounds, Plane]]:
    """Paint what the target names and the source does not, and return the layer's bounds and pixels.

    It comes into the selection; without one, where the picture is free and the instruction wants it. Raises RequestError where
    nothing of it would be seen.
    """
    told = only(edit, Instruction)
    place = place_for(window, told.text if told is not None else "", bool(pair.keep))
    near = open_window(window.scene, model, place, _context(place, window.scene.whole))
    prompt = in_its_place(model, words, near, subject_of(pair, words))
    inside = np.zeros((near.bounds.height, near.bounds.width), np.float32)
    here = place.moved(-near.bounds.x, -near.bounds.y)
    inside[here.y : here.bottom, here.x : here.right] = 1.0
    nothing_gone = Emptied(near.srgb(), np.zeros_like(inside))
    bounds, plane = yield from painted(edit, model, near, nothing_gone, inside, prompt)
    if edit.settings.strength > 0 and not array_of(plane)[..., 3].any():
        raise RequestError(
            "The new thing would lie where this layer is transparent; select where it may come, or edit the layer below.",
            "bad-edit",
        )
    return bounds, plane


def _context(place: Bounds, whole: Bounds) -> float:
    """Return how much around a place a window may show with the place in its middle, as a share of its side."""
    margin = min(place.x, place.y, whole.right - place.right, whole.bottom - place.bottom)
    return min(CONTEXT, margin / max(place.width, place.height))


def subject_of(pair: PromptPair, words: Vocabulary) -> str:
    """Say the new thing alone, "two red apples": what only the target says of the word that is added."""
    said = list((Counter(pair.target.split()) - Counter(pair.source.split())).elements())
    noun = pair.blend[0] if pair.blend else ""
    number = next((NUMBERS[word] for word in said if word in NUMBERS), "")
    color = next((word for word in said if word in PALETTE), "")
    return describe(Phrase("", noun, color, words.is_plural(noun), number)) if noun else pair.target


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
