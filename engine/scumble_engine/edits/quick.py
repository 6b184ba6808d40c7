"""The drag's preview while the pointer moves: 8 bits, bilinear, over a smooth guess of the background; a few milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Depth, Plane

from ..imaging.arrays import Array, Bytes, Floats, plane_of
from ..imaging.blend import premultiplied
from ..imaging.mask import cut
from ..imaging.warp import Motion, landing, warp_fast
from .hold import Held


@dataclass(frozen=True)
class Quick:
    """What is held, as premultiplied u8 RGBA: the bodies, the patch behind them, and what may change over `limit`."""

    bodies: tuple[tuple[Bytes, Bounds], ...]
    patch: Bytes
    patch_bounds: Bounds
    may: Bytes | None
    limit: Bounds


def quicken(held: Held) -> Quick:
    """Round what is held to 8 bits, once."""
    bodies = tuple((_bytes(body.lifted), body.bounds) for body in held.bodies)
    patch = _bytes(premultiplied(held.hint, held.hole))
    may = None if held.may is None else _bytes(held.may)
    return Quick(bodies, patch, held.bounds, may, held.limit)


def compose_quick(quick: Quick, motions: list[Motion], whole: Bounds, depth: Depth) -> tuple[Bounds, Plane]:
    """Lay the moved bodies over the patch, later ones on top, inside what may change: as `drag.compose`, but rougher."""
    targets = [landing(motion, place, whole) for motion, (_, place) in zip(motions, quick.bodies, strict=True)]
    bounds = quick.patch_bounds
    for target in targets:
        bounds = bounds.united(target)
    bounds = bounds.intersected(quick.limit)
    layer = np.zeros((bounds.height, bounds.width, 4), np.uint8)
    common = quick.patch_bounds.intersected(bounds)
    if not common.empty:
        patch = cut(quick.patch, common.moved(-quick.patch_bounds.x, -quick.patch_bounds.y))
        cut(layer, common.moved(-bounds.x, -bounds.y))[...] = patch
    for (lifted, place), motion, target in zip(quick.bodies, motions, targets, strict=True):
        seen = target.intersected(bounds)
        if not seen.empty:
            _lay(cut(layer, seen.moved(-bounds.x, -bounds.y)), warp_fast(lifted, place, motion, seen))
    may = None if quick.may is None else cut(quick.may, bounds.moved(-quick.limit.x, -quick.limit.y))
    return bounds, plane_of(_deepened(_straight(layer, may), depth), depth)


def _lay(below: Bytes, top: Bytes) -> None:
    """Lay premultiplied u8 over premultiplied u8, in place."""
    opacity = np.ascontiguousarray(top[..., 3])
    shine = cv2.cvtColor(255 - opacity, cv2.COLOR_GRAY2RGBA)
    shine[..., 3] = shine[..., 0]
    below[...] = cv2.add(top, cv2.multiply(np.ascontiguousarray(below), shine, scale=1 / 255))


def _straight(layer: Bytes, may: Bytes | None) -> Bytes:
    """Divide by alpha, which only the few half-transparent pixels need; then bound alpha."""
    alpha = np.ascontiguousarray(layer[..., 3])
    soft = np.flatnonzero((alpha > 0) & (alpha < 255))
    flat = layer.reshape(-1, 4)
    some = flat[soft].astype(np.uint32)
    flat[soft, :3] = np.minimum(255, (some[:, :3] * 255 + some[:, 3:] // 2) // some[:, 3:]).astype(np.uint8)
    if may is not None:
        layer[..., 3] = cv2.multiply(alpha, np.ascontiguousarray(may), scale=1 / 255)
    return layer


def _deepened(layer: Bytes, depth: Depth) -> Array:
    if depth == "u8":
        return layer
    deep: Array = layer.astype(np.uint16) * np.uint16(257) if depth == "u16" else layer.astype(np.float32) / 255.0
    return deep


def _bytes(values: Floats) -> Bytes:
    rounded: Bytes = np.clip(np.rint(values * 255.0), 0, 255).astype(np.uint8)
    return rounded
