"""Drag: what the handles hold goes where they point, and what it uncovers is filled (T0, and Inpaint4Drag's recipe)."""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, Handle, Purpose
from scumble_protocol.pixels import Plane
from scumble_protocol.wording import said

from ..imaging.arrays import Floats
from ..imaging.blend import finish, over, premultiplied
from ..imaging.mask import bounds_of, cut
from ..imaging.warp import Motion, landing, motion_of, warp, warp_fast
from ..models.shelf import Shelf
from .bending import SHORT_NOTE, bend_layer
from .hold import Held, cut_out, key_of, recent
from .made import provenance
from .patch import fill_patch
from .quick import compose_quick, quicken
from .scene import Scene, of_kind, open_scene, sketch
from .work import Layer, Sketch, Step, Work

SAME_PLACE_PX = 0.5
BENT_NOTE = "It is not clear what handle {number} holds, so the picture around it was bent; select the thing to move it as a whole."


def drag(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Move what the handles hold. A preview is quick: bilinear, over a smooth guess of the background; no model runs.

    Raises RequestError for handles that do not move, coincide, or hold nothing.
    """
    started = time.perf_counter()
    handles = of_kind(edit, Handle)
    check_handles(handles)
    if purpose == "preview":
        return _preview(edit, handles, shelf, started)
    yield Step(0, 3, "finding")
    scene = open_scene(edit)
    held = recent(shelf).get(key_of(edit), lambda: cut_out(edit, scene))
    if bends(edit, held):
        return (yield from _bent(edit, scene, held, handles, started))
    return (yield from _finish(edit, scene, held, _motions(held, handles), shelf, started))


def bends(edit: Edit, held: Held) -> bool:
    """Whether a drag bends the picture instead of cutting things out: the latent method paints over what a doubtful cut tears."""
    return not held.sure and edit.settings.method != "latent"


def _bent(
    edit: Edit, scene: Scene, held: Held, handles: list[Handle], started: float
) -> Generator[Step | Sketch, None, Layer]:
    yield sketch(scene, *bend_layer(scene, handles, fine=False)[:2])
    yield Step(1, 2, "bending")
    bounds, plane, arrives = bend_layer(scene, handles)
    notes = (*held.doubted(BENT_NOTE), *held.notes, *(() if arrives else (SHORT_NOTE,)))
    yield Step(2, 2, "blending")
    made = provenance("bend", None, edit.settings.seed, 0, time.perf_counter() - started)
    return Layer(bounds, plane, made, notes)


def _motions(held: Held, handles: list[Handle]) -> list[Motion]:
    return [motion_of([(handles[n].start, handles[n].end) for n in body.handles]) for body in held.bodies]


def _preview(edit: Edit, handles: list[Handle], shelf: Shelf, started: float) -> Layer:
    key, memory = key_of(edit), recent(shelf)
    held = memory.get(key, lambda: cut_out(edit, open_scene(edit)))
    if bends(edit, held):
        bounds, layer, _ = bend_layer(open_scene(edit), handles, fine=False)
        made = provenance("bend", None, edit.settings.seed, 0, time.perf_counter() - started)
        return Layer(bounds, layer, made, (*held.doubted(BENT_NOTE), *held.notes))
    quick = memory.get(("quick", key), lambda: quicken(held))
    plane = edit.picture.plane
    whole = Bounds(0, 0, plane.width, plane.height)
    bounds, layer = compose_quick(quick, _motions(held, handles), whole, plane.depth)
    return Layer(
        bounds, layer, provenance("warp", None, edit.settings.seed, 0, time.perf_counter() - started), held.notes
    )


def _finish(
    edit: Edit, scene: Scene, held: Held, motions: list[Motion], shelf: Shelf, started: float
) -> Generator[Step | Sketch, None, Layer]:
    yield sketch(scene, *compose_quick(quicken(held), motions, scene.whole, scene.depth))
    yield Step(1, 3, "filling")
    seed = edit.settings.seed
    patch = yield from fill_patch(scene, shelf.fill, held.hole, held.bounds, seed, done=1)
    bounds, plane = compose(scene, held, motions, patch.colors)
    notes = [*held.notes, *_cut_off(scene, held, motions), *patch.notes]
    yield Step(patch.runs + 2, patch.runs + 2, "blending")
    made = provenance("warp", shelf.fill, seed, patch.runs, time.perf_counter() - started)
    return Layer(bounds, plane, made, tuple(notes))


def check_handles(handles: list[Handle]) -> None:
    """Raise RequestError for what no motion can be made of."""
    if all(handle.start.distance(handle.end) < SAME_PLACE_PX for handle in handles):
        raise RequestError("Every handle ends where it starts; drag at least one to a new place.", "bad-handle")
    for number, one in enumerate(handles, start=1):
        for earlier, other in enumerate(handles[: number - 1], start=1):
            if one.start.distance(other.start) < SAME_PLACE_PX:
                raise RequestError(
                    said(
                        "Handles {earlier} and {number} start on one pixel; remove one.", earlier=earlier, number=number
                    ),
                    "bad-handle",
                )
            if one.end.distance(other.end) < SAME_PLACE_PX:
                raise RequestError(
                    said("Handles {earlier} and {number} end on one pixel; move one.", earlier=earlier, number=number),
                    "bad-handle",
                )


def compose(scene: Scene, held: Held, motions: list[Motion], background: Floats) -> tuple[Bounds, Plane]:
    """Lay the moved bodies over the patch of background, later handles on top, inside what may change."""
    targets = [landing(motion, body.bounds, scene.whole) for motion, body in zip(motions, held.bodies, strict=True)]
    bounds = held.bounds
    for target in targets:
        bounds = bounds.united(target)
    if scene.may is not None:
        bounds = bounds.intersected(bounds_of(scene.may))
    layer = np.zeros((bounds.height, bounds.width, 4), np.float32)
    _lay(layer, premultiplied(background, held.hole), held.bounds, bounds)
    for body, motion, target in zip(held.bodies, motions, targets, strict=True):
        seen = target.intersected(bounds)
        if not seen.empty:
            _lay(layer, warp(body.lifted, body.bounds, motion, seen), seen, bounds)
    return finish(layer, bounds, scene.may_in(bounds), scene.depth)


def _lay(layer: Floats, top: Floats, place: Bounds, bounds: Bounds) -> None:
    """Lay `top`, which covers `place`, over the layer, which covers `bounds`, in place."""
    common = place.intersected(bounds)
    if common.empty:
        return
    here = cut(layer, common.moved(-bounds.x, -bounds.y))
    here[...] = over(cut(top, common.moved(-place.x, -place.y)), here)


def _cut_off(scene: Scene, held: Held, motions: list[Motion]) -> list[str]:
    """Say so when most of what was moved lands where nothing may change, or outside the picture."""
    before = after = 0.0
    for body, motion in zip(held.bodies, motions, strict=True):
        target = landing(motion, body.bounds, scene.whole)
        before += float(body.lifted[..., 3].sum()) * motion.scale**2
        if target.empty:
            continue
        alpha = warp_fast(body.lifted, body.bounds, motion, target)[..., 3]
        may = scene.may_in(target)
        after += float((alpha if may is None else alpha * may).sum())
    if after > 0.5 * before:
        return []
    return ["Most of what was moved lands outside the mask or the picture and is cut off there."]
