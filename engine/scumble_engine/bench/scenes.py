"""Scenes with a known motion: real photographs, and real things cut out of others, rendered before and after. No scoring here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle

from ..imaging.arrays import Bools, Bytes, Floats
from ..imaging.mask import grow

Inverse = Callable[[NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
SUPERSAMPLED = 2


@dataclass(frozen=True)
class Sprite:
    """A thing cut out of a photograph: premultiplied RGBA floats, (h, w, 4)."""

    rgba: Floats

    @property
    def size(self) -> tuple[int, int]:
        return self.rgba.shape[1], self.rgba.shape[0]


@dataclass(frozen=True)
class Scene:
    """One drag with its truth. Pictures are (h, w, 3) u8 sRGB; `mask` is what the painter would select (None = nothing)."""

    name: str
    stratum: str
    start: Bytes
    truth: Bytes
    background: Bytes
    handles: tuple[Handle, ...]
    grab: Bools
    landed: Bools
    mask: Bools | None = field(default=None)

    @property
    def region(self) -> Bools:
        """Return where start and truth may differ: both places of the things, and a little around."""
        region = grow(self.grab | self.landed, 6.0)
        return region if self.mask is None else region & self.mask


@dataclass(frozen=True)
class Move:
    """A sprite at `place` (its upper left corner, whole pixels) and where it goes."""

    sprite: Sprite
    place: tuple[int, int]
    forward: Callable[[float, float], tuple[float, float]]
    inverse: Inverse
    grips: tuple[tuple[float, float], ...]

    def handles(self) -> list[Handle]:
        """Return handles at the grips, given as shares of the sprite's size."""
        width, height = self.sprite.size
        starts = [(self.place[0] + u * width, self.place[1] + v * height) for u, v in self.grips]
        return [Handle(Point(*start), Point(*self.forward(*start))) for start in starts]


def shift(sprite: Sprite, place: tuple[int, int], dx: float, dy: float) -> Move:
    """Move without turning, held in the middle."""
    return Move(sprite, place, lambda x, y: (x + dx, y + dy), lambda x, y: (x - dx, y - dy), ((0.5, 0.5),))


def turn(sprite: Sprite, place: tuple[int, int], degrees: float, scale: float, dx: float, dy: float) -> Move:
    """Turn and scale about the middle, then shift; held at two places."""
    cx, cy = place[0] + sprite.size[0] / 2, place[1] + sprite.size[1] / 2
    factor = scale * np.exp(1j * np.radians(degrees))

    def forward(x: float, y: float) -> tuple[float, float]:
        moved = factor * complex(x - cx, y - cy)
        return cx + dx + moved.real, cy + dy + moved.imag

    def inverse(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        back = ((x - cx - dx) + 1j * (y - cy - dy)) / factor
        return back.real + cx, back.imag + cy

    return Move(sprite, place, forward, inverse, ((0.25, 0.5), (0.75, 0.5)))


def bend(sprite: Sprite, place: tuple[int, int], rise_px: float) -> Move:
    """Bend the thing into an arc: its middle stays, its ends rise by `rise_px`; held at both ends and the middle."""
    cx, half = place[0] + sprite.size[0] / 2, sprite.size[0] / 2

    def lift(x: NDArray[np.float64]) -> NDArray[np.float64]:
        lifted: NDArray[np.float64] = rise_px * ((x - cx) / half) ** 2
        return lifted

    def forward(x: float, y: float) -> tuple[float, float]:
        return x, y - float(lift(np.array(x)))

    return Move(sprite, place, forward, lambda x, y: (x, y + lift(x)), ((0.1, 0.5), (0.5, 0.5), (0.9, 0.5)))


def make_scene(name: str, stratum: str, background: Bytes, moves: list[Move], masked: bool = True) -> Scene:
    """Render the background with all things before and after their motion; the later ones lie on top."""
    before = [_rendered(background.shape, move, None) for move in moves]
    after = [_rendered(background.shape, move, move.inverse) for move in moves]
    grab, landed = _any_alpha(before), _any_alpha(after)
    mask = grow(grab | landed | _between(grab, landed), 10.0) if masked else None
    handles = tuple(handle for move in moves for handle in move.handles())
    return Scene(
        name,
        stratum,
        _composed(background, before),
        _composed(background, after),
        background,
        handles,
        grab,
        landed,
        mask,
    )


def _rendered(shape: tuple[int, ...], move: Move, inverse: Inverse | None) -> Floats:
    """Return premultiplied RGBA of the whole picture's size; whole-pixel places are copied, others supersampled."""
    height, width = shape[:2]
    x0, y0 = move.place
    if inverse is None:
        whole = np.zeros((height + 400, width + 400, 4), np.float32)
        whole[200 + y0 : 200 + y0 + move.sprite.size[1], 200 + x0 : 200 + x0 + move.sprite.size[0]] = move.sprite.rgba
        return whole[200:-200, 200:-200]
    times = SUPERSAMPLED
    ys, xs = np.mgrid[: height * times, : width * times]
    sx, sy = inverse((xs + 0.5) / times, (ys + 0.5) / times)
    maps = ((sx - x0 - 0.5).astype(np.float32), (sy - y0 - 0.5).astype(np.float32))
    large = cv2.remap(move.sprite.rgba, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    small: Floats = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    return np.clip(small, 0.0, 1.0)


def _composed(background: Bytes, layers: list[Floats]) -> Bytes:
    picture = background.astype(np.float32) / 255.0
    for layer in layers:
        picture = layer[..., :3] + picture * (1 - layer[..., 3:])
    rounded: Bytes = np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)
    return rounded


def _any_alpha(layers: list[Floats]) -> Bools:
    union: Bools = np.any([layer[..., 3] > 0.02 for layer in layers], axis=0)
    return union


def _between(one: Bools, other: Bools) -> Bools:
    """Return the hull of both, roughly what a painter's lasso would take in."""
    points = np.argwhere(one | other)[:, ::-1].astype(np.int32)
    hull = np.zeros(one.shape, np.uint8)
    if len(points):
        cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return hull.astype(bool)
