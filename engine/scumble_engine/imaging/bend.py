"""Bending: what lies around the handles follows them, less and less with the distance; nothing is cut out, nothing uncovered.

Each handle pushes along its way in short steps, so that pixels pile up or spread but never fold (a flow, as in "liquify").
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scumble_protocol.geometry import Bounds, Point

from .arrays import Bools, Floats

Points = NDArray[np.float64]
# How far a handle's pull reaches, as a share of what may change and of its own way; within the core all moves alike.
REACH_FREE, REACH_MASKED, REACH_WAY = 0.22, 0.35, 2.5
CORE = 0.3
# The pull fades towards where nothing may change over this share of the room that the handle itself has.
BORDER = 0.6
# The field is smooth: it is found on a grid of at most so many nodes a side.
NODES, QUICK_NODES = 160, 56
MOST_STEPS = 48
STILL_PX = 0.02
ROOM_SIDE_PX = 512


@dataclass(frozen=True)
class Room:
    """How far each place is from where nothing may change, in pixels, (h, w), on a map of `scale` nodes a pixel over `bounds`."""

    distance: Floats
    bounds: Bounds
    scale: float
    masked: bool

    def at(self, points: Points) -> Points:
        """Return the distances at points (..., 2); 0 beyond the bounds."""
        places = ((points - (self.bounds.x, self.bounds.y)) * self.scale + 0.5).astype(np.float32)
        flat = np.ascontiguousarray(places.reshape(-1, 1, 2))
        found = cv2.remap(self.distance, flat[..., 0], flat[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        distances: Points = found.reshape(points.shape[:-1]).astype(np.float64)
        return distances


def room_in(may: Bools | None, limit: Bounds) -> Room:
    """Measure the room inside `may`, which covers `limit` (None: all of it may change)."""
    scale = min(1.0, ROOM_SIDE_PX / max(limit.width, limit.height))
    size = max(1, round(limit.width * scale)), max(1, round(limit.height * scale))
    inside = np.ones(size[::-1], np.uint8)
    if may is not None:
        inside = (cv2.resize(may.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.99).astype(np.uint8)
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    # One node more on each side, where the distance is 0: that is why `at` adds half a node more than none.
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / scale
    return Room(np.asarray(distance, np.float32), limit, scale, may is not None)


@dataclass(frozen=True)
class Bend:
    """Handles from `starts[i]` to `ends[i]`, (n, 2) in pixels, each with its reach and the room around it, (n,) pixels."""

    starts: Points
    ends: Points
    reach: Points
    room: Room

    def bounds(self) -> Bounds:
        """Return what the handles can reach, inside the limit."""
        low = np.floor(np.minimum(self.starts, self.ends) - self.reach[:, None]).min(axis=0).astype(int)
        high = np.ceil(np.maximum(self.starts, self.ends) + self.reach[:, None]).max(axis=0).astype(int)
        around = Bounds(int(low[0]), int(low[1]), int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1)
        return around.intersected(self.room.bounds)

    def backward(self, points: Points) -> Points:
        """Map points (..., 2) of the new picture to where they come from; the handles' ends go to their starts exactly."""
        steps = self._steps()
        way = (self.ends - self.starts) / steps
        for number in range(steps, 0, -1):
            points = points - self._pull(points, self.starts + way * number) @ way
        return points

    def _steps(self) -> int:
        way = np.linalg.norm(self.ends - self.starts, axis=1)
        tight = np.maximum(1.0, np.minimum(self.reach * (1 - CORE), BORDER * self._least_room()))
        return int(np.clip(np.ceil(4.0 * (way / tight).max()), 4, MOST_STEPS))

    def _least_room(self) -> Points:
        return np.minimum(self.room.at(self.starts), self.room.at(self.ends))

    def _pull(self, points: Points, centres: Points) -> Points:
        """Return how much of each handle's step points take part in, (..., n): 1 at its own centre, where the others have 0."""
        away = np.linalg.norm(points[..., None, :] - centres, axis=-1)
        outer = np.clip((away / self.reach - CORE) / (1 - CORE), 0.0, 1.0)
        near = (1 - outer**2) ** 2
        full = np.maximum(2.0, np.minimum(self.reach, BORDER * self.room.at(centres)))
        ramp = np.clip(self.room.at(points)[..., None] / full, 0.0, 1.0)
        share = 1.0 / np.maximum(away**2, 1e-9)
        pull: Points = share / share.sum(axis=-1, keepdims=True) * near * ramp * ramp * (3 - 2 * ramp)
        return pull


def bend_of(pairs: list[tuple[Point, Point]], room: Room) -> tuple[Bend, bool]:
    """Make a bend of handles, and say whether all arrive: an end outside what may change is taken back along its way."""
    starts = np.array([(a.x, a.y) for a, _ in pairs], dtype=np.float64)
    wanted = np.array([(b.x, b.y) for _, b in pairs], dtype=np.float64)
    ends = _inside(starts, wanted, room)
    short = min(room.bounds.width, room.bounds.height)
    least = (REACH_MASKED if room.masked else REACH_FREE) * short
    reach = np.maximum(least, REACH_WAY * np.linalg.norm(ends - starts, axis=1))
    return Bend(starts, ends, np.maximum(reach, 2.0), room), bool(np.abs(ends - wanted).max() < 1.0)


def _inside(starts: Points, ends: Points, room: Room) -> Points:
    """Return each end, or the last place on its way that may change."""
    ways = np.linspace(1.0, 0.0, 65)[:, None, None]
    along = starts + ways * (ends - starts)
    free = room.at(along) >= 0.5
    free[-1] = True
    first = free.argmax(axis=0)
    return np.asarray(along[first, np.arange(len(starts))])


def bent(colors: Floats, bend: Bend, fine: bool = True) -> Floats:
    """Return premultiplied RGBA, (h, w, 4), of the bend's bounds as it looks after it; transparent where nothing moved.

    `fine`: cubic, for the result; else bilinear.
    """
    bounds = bend.bounds()
    assert colors.shape[:2] == (bounds.height, bounds.width)
    places, moved = _field(bend, bounds, NODES if fine else QUICK_NODES)
    how = cv2.INTER_CUBIC if fine else cv2.INTER_LINEAR
    sampled = cv2.remap(colors, places[..., 0], places[..., 1], how, borderMode=cv2.BORDER_REPLICATE)
    result: Floats = np.where(moved[..., None], sampled, 0).astype(np.float32)
    return result


def _field(bend: Bend, target: Bounds, count: int) -> tuple[Floats, Bools]:
    """Return where each pixel of `target` comes from, as (x, y) indices in it, (h, w, 2), and whether it moved at all."""
    step = max(1.0, max(target.width, target.height) / count)
    xs, ys = (np.arange(0, size + step, step) for size in (target.width, target.height))
    nodes = np.stack(np.meshgrid(xs + target.x + 0.5, ys + target.y + 0.5), axis=-1)
    shift = (bend.backward(nodes) - nodes).astype(np.float32)
    at = np.meshgrid(np.arange(target.width) / step, np.arange(target.height) / step)
    columns, rows = (axis.astype(np.float32) for axis in at)
    dense = cv2.remap(shift, columns, rows, cv2.INTER_LINEAR)
    moved = np.abs(dense).max(axis=-1) > STILL_PX
    own = np.stack(np.meshgrid(np.arange(target.width), np.arange(target.height)), axis=-1).astype(np.float32)
    return own + dense, moved
