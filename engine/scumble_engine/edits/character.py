"""A character: what a generator painted goes on being pullable. Handles pull on its w, slides move along named directions.

The layer shows all of the character as it is then, inside what may change, and carries its w to go on from.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace

import cv2
import numpy as np
import torch
from scumble_protocol import __version__
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Character, Edit, Handle, Provenance, Purpose, Slide
from scumble_protocol.pixels import Plane
from scumble_protocol.wording import said
from torch import Tensor

from ..gan.drag import Dragged, DragPlan, drag
from ..gan.steering import Steered, read_ws, written
from ..imaging.arrays import Floats
from ..imaging.blend import finish, premultiplied
from ..imaging.mask import cut
from ..models.memory import peak_bytes
from ..models.shelf import Shelf
from .drag import check_handles
from .model_window import to_array
from .own_picture import own_picture
from .scene import Scene, of_kind, only, open_scene, sketch
from .work import Layer, Sketch, Step, Work

SHOW_EVERY_S = 0.3
PREVIEW_STEPS = 8
RETOUCHED, MUCH = 0.08, 0.05  # a picture that differs by so much (0..1) on such a share of it was painted on
RETOUCHED_NOTE = "What was painted onto the character by hand is not on the new layer; it is on the one below."
# Chosen on 10 pulls of `scumble bench gan` (seed 77).
THROUGH = DragPlan(through=True, along=False, keep=6.0, rate=0.05, hold=1.0, ease=0.7)
ENDINGS = {
    "stuck": "the generator paints nothing nearer that keeps the rest",
    "lost": "what it held was lost from there on",
    "out of steps": "it ran out of steps",
}


def character(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Make a new character, or change one; pulls on one without w are on the painter's own picture.

    Raises RequestError for a generator that is not there, or another one by now.
    """
    started = time.perf_counter()
    asked = only(edit, Character)
    assert asked is not None
    yield Step(0, 1, "loading")
    generator = shelf.generator(asked.generator)
    scene = open_scene(edit)
    check_place(asked, scene)
    handles = of_kind(edit, Handle)
    told: tuple[str, ...] = ()
    if handles and not asked.ws:
        generator, ws, told = yield from own_picture(scene, asked.place, generator, shelf)
    else:
        ws = begun(asked, generator, edit.settings.seed)
    notes = told or _retouched(scene, asked.place, generator, ws) if asked.ws else ()
    ws = generator.slid(ws, [(slide.name, slide.amount) for slide in of_kind(edit, Slide)]) if _slides(edit) else ws
    if handles:
        last, short = yield from pulled(edit, generator, scene, asked.place, ws, purpose)
        ws, steps, notes = last.ws, last.steps, (*notes, *short)
    else:
        steps = 0
    bounds, plane = layer_of(scene, asked.place, to_array(generator.painted(ws)))
    now = Character(generator.name, asked.place, written(ws), generator.sha256)
    return Layer(bounds, plane, _provenance(edit, generator, steps, started), notes, character=now)


def _slides(edit: Edit) -> bool:
    return any(isinstance(cue, Slide) for cue in edit.cues)


def check_place(asked: Character, scene: Scene) -> None:
    """Raise RequestError for a character of which nothing may change here."""
    place = asked.place.intersected(scene.whole)
    if place.empty or not scene.inside(place).any():
        raise RequestError("The character lies outside what may change; select some of it.", "bad-character")


def begun(asked: Character, generator: Steered, seed: int) -> Tensor:
    """Return the w (1, styles, w) to begin with: a new one's, or those that the layer carries."""
    if not asked.ws:
        return generator.drawn(seed)
    if asked.sha256 and asked.sha256 != generator.sha256:
        raise RequestError(
            said(
                "This layer was made by another “{name}” than the one that is here; put the old one back, or drag with the "
                "warp.",
                name=asked.generator,
            ),
            "other-generator",
        )
    return read_ws(asked.ws, generator)


def _retouched(scene: Scene, place: Bounds, generator: Steered, ws: Tensor) -> tuple[str, ...]:
    """Say so where the picture is not what the generator painted: what was added by hand doesn't come along."""
    seen = place.intersected(scene.whole)
    painted = _enlarged(to_array(generator.painted(ws)), place)
    own = scene.space.to_srgb(np.ascontiguousarray(scene.colors(seen)))
    off = np.abs(own - cut(painted, seen.moved(-place.x, -place.y))).max(axis=-1)
    return (RETOUCHED_NOTE,) if float((off > RETOUCHED).mean()) > MUCH else ()


# ---- pulling --------------------------------------------------------------------------------------------------------


def pulled(
    edit: Edit, generator: Steered, scene: Scene, place: Bounds, ws: Tensor, purpose: Purpose
) -> Generator[Step | Sketch, None, tuple[Dragged, tuple[str, ...]]]:
    """Pull until the handles are there, with previews; return the best state and a note where they aren't."""
    handles = of_kind(edit, Handle)
    check_handles(handles)
    plan = plan_for(generator, edit.settings.steps if purpose == "final" else PREVIEW_STEPS)
    ends = handles_in(handles, place, generator)
    z = generator.z_near(ws) if plan.through else None
    whole = float((ends[1] - ends[0]).norm(dim=1).mean())
    last, shown = Dragged(ws, ends[0], whole, 0), time.monotonic()
    for last in drag(generator.generator, generator.spread, ws, ends, fixed_in(scene, place, generator), plan, z):
        yield Step(last.steps, plan.steps, "pulling")
        if purpose == "final" and time.monotonic() - shown > SHOW_EVERY_S:
            yield sketch(scene, *layer_of(scene, place, to_array(generator.painted(last.ws))))
            shown = time.monotonic()
    yield Step(plan.steps, plan.steps, "pulling")
    if last.ending == "arrived" or purpose == "preview":
        return last, ()
    return last, (
        said(
            "The handles got {share} of the way: {why}.",
            share=f"{max(0.0, 1 - last.distance / whole):.0%}",
            why=ENDINGS[last.ending],
        ),
    )


def plan_for(generator: Steered, steps: int) -> DragPlan:
    """Return how to pull: z where its numbers mean something, else w."""
    plan = THROUGH if generator.numbers else DragPlan()
    return replace(plan, steps=steps) if steps else plan


def handles_in(handles: list[Handle], place: Bounds, generator: Steered) -> tuple[Tensor, Tensor]:
    """Return starts and ends (n, 2) in the generator's pixels. Raises RequestError for a handle off the character."""
    for number, handle in enumerate(handles, start=1):
        if not place.contains(handle.start):
            raise RequestError(
                said(
                    "Handle {number} starts off the character, which lies at {x},{y} and is {width}×{height} pixels.",
                    number=number,
                    x=place.x,
                    y=place.y,
                    width=place.width,
                    height=place.height,
                ),
                "bad-handle",
            )
    side = generator.generator.config.resolution
    scale = torch.tensor([side / place.width, side / place.height])
    corner = torch.tensor([float(place.x), float(place.y)])
    starts, ends = (
        ((torch.tensor(points, dtype=torch.float32) - corner) * scale).clamp(0, side).to(generator.device)
        for points in ([(h.start.x, h.start.y) for h in handles], [(h.end.x, h.end.y) for h in handles])
    )
    return starts, ends


def fixed_in(scene: Scene, place: Bounds, generator: Steered) -> Tensor | None:
    """Return (1, 1, S, S): 1 where nothing may change; None without a mask."""
    if scene.may is None:
        return None
    fixed = np.ones((place.height, place.width), np.float32)
    seen = place.intersected(scene.whole)
    cut(fixed, seen.moved(-place.x, -place.y))[...] = 1 - cut(scene.may, seen)
    side = generator.generator.config.resolution
    small = cv2.resize(fixed, (side, side), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small)[None, None].to(generator.device)


# ---- the layer ------------------------------------------------------------------------------------------------------


def layer_of(scene: Scene, place: Bounds, rgb: Floats) -> tuple[Bounds, Plane]:
    """Return the layer that shows sRGB (S, S, 3) over `place`, inside what may change."""
    seen = place.intersected(scene.whole)
    colors = scene.space.from_srgb(np.ascontiguousarray(cut(_enlarged(rgb, place), seen.moved(-place.x, -place.y))))
    layer = premultiplied(colors, np.ones(colors.shape[:2], np.float32))
    return finish(layer, seen, scene.may_in(seen), scene.depth)


def _enlarged(rgb: Floats, place: Bounds) -> Floats:
    if rgb.shape[:2] == (place.height, place.width):
        return rgb
    way = cv2.INTER_CUBIC if place.width >= rgb.shape[1] else cv2.INTER_AREA
    large: Floats = cv2.resize(rgb, (place.width, place.height), interpolation=way)
    return np.clip(large, 0, 1)


def _provenance(edit: Edit, generator: Steered, steps: int, started: float) -> Provenance:
    return Provenance(
        engine_version=__version__,
        method="gan",
        model=generator.name,
        weights_sha256=generator.sha256,
        scheduler="",
        steps=steps,
        seed=edit.settings.seed,
        device=str(generator.device),
        seconds=time.perf_counter() - started,
        forwards=steps,
        peak_bytes=peak_bytes(),
    )
