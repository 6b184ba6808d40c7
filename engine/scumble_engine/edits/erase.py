"""Erase: what the subtract strokes cover goes, and the picture is continued over it."""

from __future__ import annotations

import time

import numpy as np
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, Purpose, SubtractStrokes

from ..imaging.arrays import Bytes, Floats
from ..imaging.blend import finish, premultiplied
from ..imaging.hint import smooth_fill
from ..imaging.mask import bounds_of, cut, fade_inwards, grow
from ..imaging.strokes import COVERED
from ..models.shelf import Shelf
from .hold import edge_px
from .made import provenance
from .patch import fill_patch
from .scene import Scene, joined_strokes, open_scene, sketch
from .work import Layer, Step, Work


def erase(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Fill what the strokes cover, grown a little so that no rim of the thing stays. A preview fills smoothly, without a model.

    Raises RequestError when the strokes are empty or lie where nothing may change.
    """
    started = time.perf_counter()
    scene = open_scene(edit)
    hole, bounds = hole_of(scene, joined_strokes(edit, SubtractStrokes))
    hint = smooth_fill(scene.colors(bounds), hole > 0)
    place, plane = finish(premultiplied(hint, hole), bounds, scene.may_in(bounds), scene.depth)
    seed = edit.settings.seed
    if purpose == "preview":
        return Layer(place, plane, provenance("erase", None, seed, 0, time.perf_counter() - started))
    yield Step(0, 2, "filling")
    yield sketch(scene, place, plane)
    patch = yield from fill_patch(scene, shelf.fill, hole, bounds, seed, done=0)
    place, plane = finish(premultiplied(patch.colors, hole), bounds, scene.may_in(bounds), scene.depth)
    yield Step(patch.runs + 1, patch.runs + 1, "blending")
    made = provenance("erase", shelf.fill, seed, patch.runs, time.perf_counter() - started)
    return Layer(place, plane, made, patch.notes)


def hole_of(scene: Scene, strokes: Bytes) -> tuple[Floats, Bounds]:
    """Return the hole's alpha and bounds: 1 under the strokes, fading to 0 over the rim by which they are grown."""
    covered = strokes >= COVERED
    if not covered.any():
        raise RequestError("The subtract strokes are empty; draw over what should go.", "bad-strokes")
    edge = edge_px(scene)
    bounds = bounds_of(covered).grown(4 * edge).intersected(scene.whole)
    hole = fade_inwards(grow(cut(covered, bounds), 3.0 * edge), 2.0 * edge)
    may, own = scene.may_in(bounds), scene.opacity(bounds)
    hole = hole if may is None else np.where(may > 0, hole, 0.0).astype(np.float32)
    if not hole.any():
        raise RequestError("The subtract strokes lie outside the mask, so nothing may change there.", "bad-strokes")
    return (hole if own is None else hole * own), bounds
