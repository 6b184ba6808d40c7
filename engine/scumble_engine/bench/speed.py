"""How long edits of photographs take: a pointer move at a 1024 px crop, and a drag and an erase on a 12-megapixel picture."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import cv2
import numpy as np
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Cue, Edit, Grab, Handle, Purpose, SubtractStrokes
from scumble_protocol.pixels import Picture, Plane
from skimage import data

from ..edits import choose
from ..edits.work import Sketch
from ..imaging.arrays import Array, Bytes, plane_of
from ..models.memory import peak_bytes
from ..models.shelf import Shelf

MOVES = 24


@dataclass(frozen=True)
class Timing:
    """Seconds to the first preview and to the end, seconds of the processors' time (which a busy machine does not stretch as
    much), and the process's highest resident memory so far.
    """

    what: str
    first_s: float
    total_s: float
    cpu_s: float
    peak_mib: float


def measure_speed(shelf: Shelf) -> list[Timing]:
    """Time pointer moves first, then the large pictures; the fill is loaded beforehand."""
    _ = shelf.fill
    base = Timing("before any edit (libraries and the model loaded)", 0.0, 0.0, 0.0, peak_bytes() / 2**20)
    large = twelve_megapixels()
    handle, patch, shuttle = _requests(large.shape[1] / 512)
    return [
        base,
        pointer_moves(shelf),
        timed("drag, 12 Mpx, 16 bit", large, [handle, Grab(patch)], shelf),
        timed("drag, 12 Mpx, 16 bit, thing to be found", large, [handle], shelf),
        timed("erase, 12 Mpx, 16 bit", large, [SubtractStrokes(shuttle)], shelf),
    ]


def pointer_moves(shelf: Shelf) -> Timing:
    """Drag a thing about at a 1024×1024 RGBA crop; the first move finds it, the median of the others is the total."""
    crop = cv2.resize(data.astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    picture = Picture(plane_of(np.dstack([crop, np.full(crop.shape[:2], 255, np.uint8)]), "u8"))
    seconds: list[tuple[float, float, float]] = []
    for move in range(MOVES):
        edit = Edit(picture, (Handle(Point(340, 770), Point(240 + 4 * move, 680 + 2 * move)),))
        seconds.append(_run(edit, shelf, "preview"))
    total, cpu = (statistics.median(each[index] for each in seconds[1:]) for index in (1, 2))
    return Timing("pointer move, 1024² crop (first; median)", seconds[0][1], total, cpu, _peak())


def timed(what: str, picture: Array, cues: list[Cue], shelf: Shelf) -> Timing:
    """Time one final edit."""
    first, total, cpu = _run(Edit(Picture(plane_of(picture, "u16")), tuple(cues)), shelf, "final")
    return Timing(what, first, total, cpu, _peak())


def _run(edit: Edit, shelf: Shelf, purpose: Purpose) -> tuple[float, float, float]:
    started, used = time.perf_counter(), time.process_time()
    first = 0.0
    work = choose.perform(edit, shelf, purpose)
    while True:
        try:
            if isinstance(next(work), Sketch) and not first:
                first = time.perf_counter() - started
        except StopIteration:
            return first, time.perf_counter() - started, time.process_time() - used


def _peak() -> float:
    return peak_bytes() / 2**20


def twelve_megapixels() -> Array:
    """Return a real portrait enlarged to 3464×3464 at 16 bits with fresh grain: no larger photograph comes with a package."""
    large = cv2.resize(data.astronaut(), (3464, 3464), interpolation=cv2.INTER_CUBIC).astype(np.float32) * 257.0
    grain = np.random.default_rng(0).standard_normal(large.shape, dtype=np.float32) * 500.0
    grainy: Array = np.clip(large + grain, 0, 65535).astype(np.uint16)
    return grainy


def _requests(scale: float) -> tuple[Handle, Plane, Plane]:
    """Return a handle and a grab on the patch, and strokes over the shuttle, at the picture's size."""
    side = round(512 * scale)
    patch, shuttle = np.zeros((512, 512), np.uint8), np.zeros((512, 512), np.uint8)
    cv2.ellipse(patch, (171, 387), (44, 46), 0, 0, 360, 255, -1)
    outline = [
        (385, 0),
        (450, 0),
        (462, 40),
        (462, 180),
        (470, 250),
        (475, 283),
        (365, 283),
        (350, 220),
        (372, 170),
        (372, 40),
    ]
    cv2.fillPoly(shuttle, [np.array(outline, np.int32)], 255)
    handle = Handle(Point(170 * scale, 385 * scale), Point(120 * scale, 340 * scale))
    return handle, _plane(patch, side), _plane(shuttle, side)


def _plane(mask: Bytes, side: int) -> Plane:
    return plane_of(cv2.resize(mask, (side, side), interpolation=cv2.INTER_LINEAR)[..., None], "u8")
