"""Putting a layer together: things over a patch of background, bounded by what may change, at the picture's own depth."""

from __future__ import annotations

import numpy as np
from scumble_protocol.geometry import NOWHERE, Bounds
from scumble_protocol.pixels import Depth, Plane

from .arrays import Floats, from_unit, plane_of
from .mask import bounds_of, cut


def over(top: Floats, below: Floats) -> Floats:
    """Lay premultiplied RGBA over premultiplied RGBA."""
    return top + below * (1.0 - top[..., 3:])


def premultiplied(colors: Floats, alpha: Floats) -> Floats:
    """Join (h, w, 3) colours and (h, w) alpha."""
    return np.concatenate([colors * alpha[..., None], alpha[..., None]], axis=-1)


def finish(layer: Floats, bounds: Bounds, may: Floats | None, depth: Depth) -> tuple[Bounds, Plane]:
    """Bound a premultiplied layer by `may` (of the same size; None = everywhere), trim it, and bring it to its depth.

    Alpha is exactly 0 wherever `may` is. A layer with nothing in it is one transparent pixel.
    """
    alpha = layer[..., 3]
    colors = layer[..., :3] / np.maximum(alpha, 1e-6)[..., None]
    alpha = alpha if may is None else alpha * may
    straight = from_unit(np.concatenate([colors, alpha[..., None]], axis=-1), depth)
    seen = bounds_of(straight[..., 3])
    if seen == NOWHERE:
        return Bounds(bounds.x, bounds.y, 1, 1), plane_of(np.zeros((1, 1, 4), straight.dtype), depth)
    trimmed = cut(straight, seen).copy()
    # What is not seen has no colour: layers stay small on disk, and nothing hidden travels with them.
    trimmed[trimmed[..., 3] == 0] = 0
    return seen.moved(bounds.x, bounds.y), plane_of(trimmed, depth)


def apply_layer(picture: Floats, layer: Floats, bounds: Bounds) -> Floats:
    """Return an opaque picture, (H, W, 3), with a straight RGBA layer laid over it at `bounds`."""
    result: Floats = picture.copy()
    here = cut(result, bounds)
    alpha = layer[..., 3:]
    here[...] = np.where(alpha > 0, layer[..., :3] * alpha + here * (1 - alpha), here)
    return result
