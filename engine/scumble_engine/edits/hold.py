"""What the handles hold: cut out once for a picture and its handles' starts, then moved as often as the pointer does."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import cv2
import numpy as np
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import NOWHERE, Bounds, Point
from scumble_protocol.messages import Edit, Grab, Handle, Mask
from scumble_protocol.wording import said

from ..imaging.arrays import Bytes, Floats
from ..imaging.blend import over, premultiplied
from ..imaging.claims import owners_of
from ..imaging.hint import smooth_fill
from ..imaging.mask import bounds_of, cut, fade_inwards, grow
from ..imaging.matte import SEEN, pure_colors
from ..imaging.shadow import REACH, cast_shadow
from ..models.shelf import Shelf
from .find import Shape, found_shapes
from .scene import Scene, channel, of_kind, only

Made = TypeVar("Made")
KEPT = 4
EDGE_PX = 1.5
SHADOW_SIDE_PX = 384


@dataclass(frozen=True)
class Body:
    """A thing and the handles that move it: premultiplied RGBA floats over `bounds`, in the picture's own space."""

    lifted: Floats
    bounds: Bounds
    handles: tuple[int, ...]


@dataclass(frozen=True)
class Held:
    """All bodies, and the patch of background behind them: `hole` (alpha, soft) and `hint` (smooth colours) over `bounds`.

    `may`, over `limit`, is what may change (None = everything in `limit`). `doubts`: numbers of the handles that may hold no thing.
    """

    bodies: tuple[Body, ...]
    hole: Floats
    hint: Floats
    bounds: Bounds
    may: Floats | None
    limit: Bounds
    notes: tuple[str, ...] = ()
    doubts: tuple[int, ...] = ()

    @property
    def sure(self) -> bool:
        return not self.doubts

    def doubted(self, note: str) -> tuple[str, ...]:
        """Return the note on each doubtful handle; it has a place for the handle's {number} and says what was done about it."""
        return tuple(said(note, number=number) for number in self.doubts)


class Recent:
    """Keep the last few things made, by key."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._made: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made for `key`, or make it now and forget the oldest."""
        if key not in self._made:
            self._made[key] = make()
        self._made.move_to_end(key)
        while len(self._made) > self._keep:
            self._made.popitem(last=False)
        made: Made = self._made[key]
        return made


@lru_cache(maxsize=2)
def recent(shelf: Shelf) -> Recent:
    """Return the shelf's memory of what was held last: a pointer move then costs milliseconds."""
    return Recent(KEPT)


def key_of(edit: Edit) -> Hashable:
    """Return all that decides what is held: the picture, the handles' starts, the mask, the grab, the feather."""
    bounding = tuple((type(cue), cue.alpha.sha256()) for cue in edit.cues if isinstance(cue, Mask | Grab))
    starts = tuple(cue.start for cue in of_kind(edit, Handle))
    picture = edit.picture
    return (picture.plane.sha256(), picture.icc, picture.space, starts, bounding, edit.settings.feather_px)


def cut_out(edit: Edit, scene: Scene) -> Held:
    """Find the things, matte them, and measure the hole that they leave."""
    starts = [cue.start for cue in of_kind(edit, Handle)]
    for number, start in enumerate(starts, start=1):
        if not scene.whole.contains(start):
            raise RequestError(said("Handle {number} starts outside the picture.", number=number), "bad-handle")
    given = only(edit, Grab)
    doubts: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    if given is not None and (alpha := channel(given.alpha, edit.picture.plane, "grab")).any():
        shapes = _given_shapes(alpha, starts, scene)
    else:
        shapes, doubts, notes = found_shapes(starts, scene)
    lifted = tuple(_lift(scene, alpha, bounds, handles) for alpha, bounds, handles in shapes)
    bodies = lifted if given is not None else tuple(_with_shadow(scene, body, lifted) for body in lifted)
    if not any(body.lifted[..., 3].any() for body in bodies):
        raise RequestError("The handles hold nothing that may change; start them inside the mask.", "bad-handle")
    hole, bounds = _hole(scene, bodies)
    hint = smooth_fill(scene.colors(bounds), hole > 0)
    limit = scene.whole if scene.may is None else bounds_of(scene.may)
    may = None if scene.may is None else cut(scene.may, limit).copy()
    return Held(bodies, hole, hint, bounds, may, limit, notes, doubts)


def _given_shapes(alpha: Bytes, starts: list[Point], scene: Scene) -> list[Shape]:
    """Split a painter's grab by its pieces: each goes with the handles on it, or with the nearest one."""
    bounds = bounds_of(alpha)
    part = np.where(scene.inside(bounds), cut(alpha, bounds), 0)
    matte = np.minimum(part.astype(np.float32) / 255.0, fade_inwards(part > 0, EDGE_PX))
    if len(starts) == 1:
        return [(matte, bounds, (0,))]
    count, labels = cv2.connectedComponents((part > 127).astype(np.uint8))
    owners = owners_of(labels, count, starts, bounds)
    shapes: list[Shape] = []
    for handles in sorted(set(owners.values())):
        mine = np.isin(labels, [label for label, owner in owners.items() if owner == handles])
        # The soft rim of a piece belongs to no label; it goes with its piece.
        shapes.append((np.where(grow(mine, 3.0), matte, 0.0).astype(np.float32), bounds, handles))
    return shapes


def _lift(scene: Scene, alpha: Floats, bounds: Bounds, handles: tuple[int, ...]) -> Body:
    box = bounds_of(alpha > 0)
    if box == NOWHERE:
        return Body(np.zeros((1, 1, 4), np.float32), Bounds(bounds.x, bounds.y, 1, 1), handles)
    place = box.moved(bounds.x, bounds.y)
    wide = place.grown(edge_px(scene) * 4).intersected(scene.whole)
    matte = np.zeros((wide.height, wide.width), np.float32)
    cut(matte, place.moved(-wide.x, -wide.y))[...] = cut(alpha, box)
    colors = pure_colors(scene.colors(wide), matte, edge_px(scene))
    own = scene.opacity(wide)
    lifted = premultiplied(colors, matte if own is None else matte * own)
    return Body(np.ascontiguousarray(cut(lifted, place.moved(-wide.x, -wide.y))), place, handles)


def _with_shadow(scene: Scene, body: Body, all_bodies: tuple[Body, ...]) -> Body:
    """Take along the shadow that a thing casts on a plain ground; where bodies touch it is not known whose it is."""
    reach = round(2 * REACH * max(body.bounds.width, body.bounds.height))
    window = body.bounds.grown(reach).intersected(scene.whole)
    if any(other is not body and not other.bounds.intersected(window).empty for other in all_bodies):
        return body
    small, _ = scene.small_srgb8(window, SHADOW_SIDE_PX)
    thing = np.zeros((window.height, window.width), np.float32)
    cut(thing, body.bounds.moved(-window.x, -window.y))[...] = body.lifted[..., 3]
    covered = cv2.resize(thing, small.shape[1::-1], interpolation=cv2.INTER_AREA) > SEEN
    shadow = cast_shadow(small.astype(np.float32) / 255.0, grow(covered, 1.5))
    if shadow is None:
        return body
    black = cv2.resize(shadow, (window.width, window.height), interpolation=cv2.INTER_LINEAR) * scene.inside(window)
    lifted = premultiplied(np.zeros((window.height, window.width, 3), np.float32), black.astype(np.float32))
    here = cut(lifted, body.bounds.moved(-window.x, -window.y))
    here[...] = over(body.lifted, here)
    seen = bounds_of(lifted[..., 3] > 0)
    return Body(np.ascontiguousarray(cut(lifted, seen)), seen.moved(window.x, window.y), body.handles)


def edge_px(scene: Scene) -> int:
    """Return how wide the mixed pixels along an edge are taken to be: wider in larger pictures."""
    return max(2, round(math.sqrt(scene.whole.width * scene.whole.height) / 500))


def _hole(scene: Scene, bodies: tuple[Body, ...]) -> tuple[Floats, Bounds]:
    """Return the alpha of the background patch: all that the bodies covered and the mixed pixels around, faded outwards."""
    edge = edge_px(scene)
    bounds = NOWHERE
    for body in bodies:
        bounds = bounds.united(body.bounds)
    bounds = bounds.grown(4 * edge).intersected(scene.whole)
    covered = np.zeros((bounds.height, bounds.width), bool)
    for body in bodies:
        cut(covered, body.bounds.moved(-bounds.x, -bounds.y))[...] |= body.lifted[..., 3] > SEEN
    covered = grow(covered, 3.0 * edge) & scene.inside(bounds)
    hole = fade_inwards(covered, 2.0 * edge)
    own = scene.opacity(bounds)
    return (hole if own is None else hole * own), bounds
