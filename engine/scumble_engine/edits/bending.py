"""A drag without a cut: the picture around the handles bends after them. For what no thing was surely found under."""

from __future__ import annotations

import numpy as np
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Handle
from scumble_protocol.pixels import Plane

from ..imaging.bend import bend_of, bent, room_in
from ..imaging.blend import finish, premultiplied
from ..imaging.mask import bounds_of, cut
from .scene import Scene

SHORT_NOTE = "A handle ends where nothing may change, so it was pulled only as far as the mask or the picture goes."


def bend_layer(scene: Scene, handles: list[Handle], fine: bool = True) -> tuple[Bounds, Plane, bool]:
    """Return the layer, and whether all handles arrive. A preview is the same, but not `fine`: bilinear."""
    limit = scene.whole if scene.may is None else bounds_of(scene.may)
    inside = None if scene.may is None else cut(scene.may, limit) > 0
    bend, arrives = bend_of([(handle.start, handle.end) for handle in handles], room_in(inside, limit))
    bounds = bend.bounds()
    own = scene.opacity(bounds)
    colors = premultiplied(
        scene.colors(bounds), np.ones((bounds.height, bounds.width), np.float32) if own is None else own
    )
    return *finish(bent(colors, bend, fine), bounds, scene.may_in(bounds), scene.depth), arrives
