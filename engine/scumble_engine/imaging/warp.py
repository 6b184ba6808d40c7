"""Motions given by handles, and pixels sampled through their inverse (T0 of a drag).

One handle moves rigidly by whole pixels, two by a similarity, three or more bend as rigidly as possible.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scumble_protocol.geometry import Bounds, Point

from .arrays import Array, Floats

Points = NDArray[np.float64]
GRID_PX = 8
SAME_PX = 1e-6


@dataclass(frozen=True)
class Motion:
    """Where the points of a thing go: `starts[i]` to `ends[i]`, each (n, 2) as (x, y) in pixels, n >= 1."""

    starts: Points
    ends: Points

    @property
    def shift(self) -> tuple[int, int] | None:
        """Return the whole-pixel shift when all handles move alike: such pixels are copied, never resampled."""
        moves = self.ends - self.starts
        if np.abs(moves - moves[0]).max() > SAME_PX:
            return None
        return round(float(moves[0, 0])), round(float(moves[0, 1]))

    def forward(self, points: Points) -> Points:
        """Map points, (..., 2), of the thing to where they go."""
        return deform(points, self.starts, self.ends)

    def backward(self, points: Points) -> Points:
        """Map points of the new picture to where they come from; the handles' ends map to their starts exactly."""
        return deform(points, self.ends, self.starts)

    @property
    def scale(self) -> float:
        """Return how much the thing grows: the ratio of the handles' spread after and before."""
        if len(self.starts) < 2:
            return 1.0
        before, after = (float(np.linalg.norm(p - p.mean(axis=0))) for p in (self.starts, self.ends))
        return after / max(before, SAME_PX)


def motion_of(pairs: list[tuple[Point, Point]]) -> Motion:
    """Make a motion of handles, as (start, end)."""
    starts = np.array([(a.x, a.y) for a, _ in pairs], dtype=np.float64)
    return Motion(starts, np.array([(b.x, b.y) for _, b in pairs], dtype=np.float64))


def deform(points: Points, before: Points, after: Points) -> Points:
    """Move points so that `before` goes to `after`, as rigidly as the number of handles allows.

    1: translation; 2: similarity; 3 or more: moving least squares, rigid (Schaefer et al., SIGGRAPH 2006, section 2.3).
    """
    if len(before) == 1:
        moved: Points = points + (after[0] - before[0])
        return moved
    if len(before) == 2:
        return _similarity(points, before, after)
    return _rigid_mls(points, before, after)


def _similarity(points: Points, before: Points, after: Points) -> Points:
    """As complex numbers: z -> a (z - p0) + q0 with a = (q1 - q0) / (p1 - p0)."""
    p, q = before @ np.array([1, 1j]), after @ np.array([1, 1j])
    factor = (q[1] - q[0]) / (p[1] - p[0])
    moved = factor * (points @ np.array([1, 1j]) - p[0]) + q[0]
    return np.stack([moved.real, moved.imag], axis=-1)


def _rigid_mls(points: Points, before: Points, after: Points) -> Points:
    z, p, q = points @ np.array([1, 1j]), before @ np.array([1, 1j]), after @ np.array([1, 1j])
    weights = 1.0 / np.maximum(np.abs(z[..., None] - p) ** 2, 1e-9)
    weights = weights / weights.sum(axis=-1, keepdims=True)
    p_mean, q_mean = weights @ p, weights @ q
    # The sum over i of w_i conj(p̂_i) q̂_i is the best rotation's direction: eq. 8 in complex form.
    turn = (weights * np.conj(p - p_mean[..., None]) * (q - q_mean[..., None])).sum(axis=-1)
    size = np.abs(turn)
    turn = np.where(size > 1e-12, turn / np.maximum(size, 1e-12), 1.0)
    moved = turn * (z - p_mean) + q_mean
    return np.stack([moved.real, moved.imag], axis=-1)


def landing(motion: Motion, source: Bounds, whole: Bounds) -> Bounds:
    """Return bounds, inside `whole`, that hold everything of `source` after the motion."""
    if motion.shift is not None:
        return source.moved(*motion.shift).intersected(whole)
    xs = np.linspace(source.x, source.right, 17)
    ys = np.linspace(source.y, source.bottom, 17)
    moved = motion.forward(np.stack(np.meshgrid(xs, ys), axis=-1)).reshape(-1, 2)
    low, high = np.floor(moved.min(axis=0)).astype(int), np.ceil(moved.max(axis=0)).astype(int)
    margin = 2 if len(motion.starts) == 2 else 2 + max(source.width, source.height) // 10
    box = Bounds(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))
    return box.grown(margin).intersected(whole)


def source_map(motion: Motion, target: Bounds, source: Bounds, grid_px: int = 1) -> Points:
    """Return, for each pixel of `target`, its place in the array that covers `source`: (h, w, 2) as (x, y) indices."""
    xs, ys = np.arange(0, target.width + grid_px, grid_px), np.arange(0, target.height + grid_px, grid_px)
    centres = np.stack(np.meshgrid(xs + target.x + 0.5, ys + target.y + 0.5), axis=-1)
    places = motion.backward(centres.astype(np.float64)) - (source.x + 0.5, source.y + 0.5)
    if grid_px == 1:
        return places[: target.height, : target.width]
    at = np.meshgrid(np.arange(target.width) / grid_px, np.arange(target.height) / grid_px)
    columns, rows = (axis.astype(np.float32) for axis in at)
    dense: Points = cv2.remap(places.astype(np.float32), columns, rows, cv2.INTER_LINEAR)
    return dense


def warp(lifted: Floats, source: Bounds, motion: Motion, target: Bounds) -> Floats:
    """Sample a premultiplied RGBA array that covers `source` at `target`, in full precision; transparent beyond it.

    A whole-pixel shift copies; else cubic splines at exact places. Values may overshoot a little, as cubic ones do.
    """
    if motion.shift is not None:
        return _shifted(lifted, source.moved(*motion.shift), target)
    if motion.scale < 0.9:
        sigma = 0.5 * float(np.sqrt(1 / motion.scale**2 - 1))
        lifted = cv2.GaussianBlur(lifted, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    places = source_map(motion, target, source)
    inside = ((places > -1) & (places < (source.width, source.height))).all(axis=-1)
    at = (places[inside][:, 1] + 2, places[inside][:, 0] + 2)
    out = np.zeros((target.height, target.width, 4), dtype=np.float32)
    for channel in range(4):
        padded = np.pad(lifted[..., channel], 2)
        spline = ndimage.spline_filter(padded, order=3, output=np.float32, mode="mirror")
        out[inside, channel] = ndimage.map_coordinates(spline, at, order=3, prefilter=False, mode="nearest")
    np.clip(out[..., 3], 0.0, 1.0, out=out[..., 3])
    return out


def warp_fast(lifted: Array, source: Bounds, motion: Motion, target: Bounds) -> Array:
    """Do the same in a few milliseconds, bilinearly, at any depth, for looking at while the pointer moves."""
    if motion.shift is not None:
        return _shifted(lifted, source.moved(*motion.shift), target)
    places = source_map(motion, target, source, GRID_PX).astype(np.float32)
    moved: Array = cv2.remap(lifted, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return moved


def _shifted(lifted: Array, place: Bounds, target: Bounds) -> Array:
    out = np.zeros((target.height, target.width, 4), dtype=lifted.dtype)
    common = place.intersected(target)
    there, here = common.moved(-target.x, -target.y), common.moved(-place.x, -place.y)
    out[there.y : there.bottom, there.x : there.right] = lifted[here.y : here.bottom, here.x : here.right]
    return out
