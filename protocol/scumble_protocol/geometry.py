"""Points and bounds as plain values. Pixel units; x to the right, y down; a pixel's centre is at +0.5."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A place in pixels."""

    x: float
    y: float

    def moved(self, dx: float, dy: float) -> Point:
        return Point(self.x + dx, self.y + dy)

    def distance(self, other: Point) -> float:
        return math.hypot(self.x - other.x, self.y - other.y)


@dataclass(frozen=True)
class Bounds:
    """A half-open rectangle of whole pixels: x <= column < x + width."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    def contains(self, point: Point) -> bool:
        return self.x <= point.x < self.right and self.y <= point.y < self.bottom

    def moved(self, dx: int, dy: int) -> Bounds:
        return Bounds(self.x + dx, self.y + dy, self.width, self.height)

    def grown(self, margin: int) -> Bounds:
        """Grow (or shrink, when negative) by `margin` pixels on each side."""
        return Bounds(self.x - margin, self.y - margin, self.width + 2 * margin, self.height + 2 * margin)

    def intersected(self, other: Bounds) -> Bounds:
        """Return the common part; it is `empty` (never negative) when there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Bounds(x, y, max(0, min(self.right, other.right) - x), max(0, min(self.bottom, other.bottom) - y))

    def united(self, other: Bounds) -> Bounds:
        """Return the smallest bounds that hold both; an empty one adds nothing."""
        if self.empty or other.empty:
            return other if self.empty else self
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Bounds(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)


NOWHERE = Bounds(0, 0, 0, 0)


def bounds_of_points(points: Iterable[Point]) -> Bounds:
    """Return the smallest whole-pixel bounds that hold every point (`NOWHERE` for none)."""
    bounds = NOWHERE
    for point in points:
        bounds = bounds.united(Bounds(math.floor(point.x), math.floor(point.y), 1, 1))
    return bounds
