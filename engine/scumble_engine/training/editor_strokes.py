"""Strokes as painters draw them: outlines jittered, broken, thick or thin, open or closed; dabs and scribbles over parts.

NumPy and OpenCV on single pictures; coordinates are pixels (x, y).
"""

from __future__ import annotations

import random

import cv2
import numpy as np
from scumble_engine.imaging.arrays import Bools, Bytes, Floats

_SHIFT = 4  # OpenCV draws in fixed point: sixteenths of a pixel


def outline(thing: Bools, rgb: Floats, draw: random.Random) -> Floats:
    """Draw a thing (h, w) as a painter would, in lines (h, w) of 0..1; rgb (h, w, 3) tells where inner lines are."""
    lines = np.zeros(thing.shape, np.uint8)
    wide = draw.choice((1, 1, 2, 2, 3, 4))
    found, _ = cv2.findContours(thing.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for contour in found:
        if len(contour) >= 8:
            _draw_contour(lines, contour[:, 0].astype(np.float32), wide, draw)
    if draw.random() < 0.5:
        lines = np.maximum(lines, _inner(thing, rgb, draw))
    return (lines / 255).astype(np.float32)


def _draw_contour(lines: Bytes, points: Floats, wide: int, draw: random.Random) -> None:
    """Draw one closed contour: a hand wavers, cuts corners, leaves gaps and may not close."""
    every = draw.choice((1, 3, 6))
    points = points[::every] if len(points) > 4 * every else points
    points = points + _waver(len(points), draw.choice((0.0, 0.7, 1.5, 2.5)), draw)
    start = draw.randrange(len(points))
    points = np.roll(points, start, axis=0)
    points = (
        points[: max(4, int(len(points) * draw.uniform(0.5, 0.97)))]
        if draw.random() < 0.4
        else np.concatenate([points, points[:1]])
    )
    for piece in _broken(points, draw):
        _line(lines, piece, wide, 255)


def _waver(count: int, far_px: float, draw: random.Random) -> Floats:
    """Return (count, 2) offsets that change slowly along a closed line."""
    knots = max(4, count // 8)
    noise = np.array([[draw.gauss(0, far_px) for _ in range(2)] for _ in range(knots)], np.float32)
    at = np.arange(count) / count * knots
    low = at.astype(int)
    share = (at - low)[:, None]
    waver: Floats = ((1 - share) * noise[low % knots] + share * noise[(low + 1) % knots]).astype(np.float32)
    return waver


def _broken(points: Floats, draw: random.Random) -> list[Floats]:
    if draw.random() < 0.4 or len(points) < 12:
        return [points]
    pieces, start = [], 0
    while start < len(points) - 2:
        end = min(len(points), start + draw.randint(6, max(8, len(points) // 3)))
        pieces.append(points[start:end])
        start = end + draw.randint(0, max(1, len(points) // 20))
    return pieces


def _line(canvas: Bytes, points: Floats, wide: int, value: int) -> None:
    fixed = np.rint(points * 2**_SHIFT).astype(np.int32)
    cv2.polylines(canvas, [fixed], False, value, wide, cv2.LINE_AA, _SHIFT)


def _inner(thing: Bools, rgb: Floats, draw: random.Random) -> Bytes:
    """Return lines (h, w) u8 where colours meet inside the thing, in parts."""
    gray = cv2.GaussianBlur((rgb.mean(axis=2) * 255).astype(np.uint8), (3, 3), 0)
    edges = cv2.Canny(gray, 40, 110) * thing
    kept = cv2.resize(np.array([[draw.random() for _ in range(6)] for _ in range(6)], np.float32), thing.shape[::-1])
    edges = edges * (kept > draw.uniform(0.1, 0.4))
    return np.asarray(cv2.dilate(edges, np.ones((2, 2), np.uint8)) if draw.random() < 0.5 else edges, dtype=np.uint8)


def scribble(thing: Bools, draw: random.Random, share: float, wide_px: float) -> Floats:
    """Scribble (h, w) to and fro over a share of a thing's extent, sometimes past its rim; empty where there is no thing."""
    canvas = np.zeros(thing.shape, np.uint8)
    if thing.any():
        rows, columns = np.nonzero(thing)
        corners = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]], np.float32)
        along = draw.randrange(2)  # the way that the hand goes on while it swings the other way
        extent = (corners[1] - corners[0]) * share
        start = corners[0] + [draw.uniform(0, float(left)) for left in corners[1] - corners[0] - extent]
        turns = max(2, int(extent[along] / max(wide_px * draw.uniform(0.8, 1.6), 1)))
        points = np.zeros((turns, 2), np.float32)
        points[:, along] = start[along] + extent[along] * np.arange(turns) / (turns - 1)
        points[:, 1 - along] = [start[1 - along] + extent[1 - along] * (i % 2) + draw.gauss(0, 2) for i in range(turns)]
        _line(canvas, points, max(1, round(wide_px)), 255)
    return (canvas / 255).astype(np.float32)


def dabs(thing: Bools, rgb: Floats, draw: random.Random, clean: bool = True) -> Floats:
    """Paint one to four colour strokes (h, w, 4), premultiplied, each of the mean colour of what it covers of a thing.

    clean: strokes keep to the thing; else they may run past its rim.
    """
    painted = np.zeros((*thing.shape, 4), np.float32)
    for _ in range(draw.randint(1, 4)):
        stroke = scribble(thing, draw, draw.uniform(0.15, 0.9), draw.uniform(2, 10))
        under = stroke * thing
        if under.sum() < 3:
            continue
        color = (rgb * under[..., None]).sum(axis=(0, 1)) / under.sum()
        alpha = (under if clean else stroke)[..., None]
        painted = painted * (1 - alpha) + np.concatenate([color * alpha, alpha], axis=2)
    return painted.astype(np.float32)
