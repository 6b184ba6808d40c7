"""Putting one thing in another's place: the old one is taken out, the new one is painted where it stood, and only it is taken.

The delta loop keeps a ghost of the old thing's outlines where the new one is of another shape. Here nothing of it is left: what
lay behind it is filled in first, the model paints on that, and of what it paints only the new thing reaches the layer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, PromptPair
from scumble_protocol.pixels import Plane

from ..diffusion.guidance import Conditions
from ..diffusion.model import DiffusionModel
from ..diffusion.repaint import RepaintPlan, repaint_steps
from ..imaging.arrays import Bools, Floats
from ..imaging.figure import UNLIKE as UNLIKE_BORDER
from ..imaging.figure import divided, rim_of, unlike_border
from ..imaging.mask import bounds_of, cut, fade_inwards, grow
from ..imaging.matte import soft_matte
from ..imaging.plain import plain_ground
from ..models.photo_fill import Fill
from .model_window import ModelWindow, to_array
from .patch import fill_patch
from .polish import boxed
from .work import Sketch, Step

# How much of what lay behind is forgotten where the new thing comes, in how many steps.
STEPS, FORGET = 8, 0.95
# How far beyond the old thing its edge and its shadow reach, and how softly that ends, as shares of the window. A plain ground is
# continued without fault, so there the shadow goes, too.
EDGE, SHADOW, FADE = 0.05, 0.08, 0.02
# A thing whose surroundings are less opaque than this stands on nothing.
OPAQUE = 0.5
# What a matte counts as the thing; how much of the painted place a new thing covers at least.
SEEN, LEAST = 0.02, 0.05
# A new thing differs from what lay behind it by so much (0..1) somewhere near.
UNLIKE, NEAR_PX = 0.06, 3


@dataclass(frozen=True)
class Emptied:
    """A window without its figure: `srgb` (h, w, 3) of the window's own size, and how far it covers the picture, (h, w) 0..1."""

    srgb: Floats
    alpha: Floats


def exchange(
    edit: Edit, model: DiffusionModel, window: ModelWindow, figure: Floats, fill: Fill, pair: PromptPair
) -> Generator[Step | Sketch, None, tuple[Bounds, Plane]]:
    """Paint the target's thing in place of the figure, (h, w) of the window, and return the layer's bounds and pixels."""
    emptied = yield from empty(window, fill, figure, edit.settings.seed)
    return (yield from painted(edit, model, window, emptied, figure, pair.target))


def painted(
    edit: Edit, model: DiffusionModel, window: ModelWindow, emptied: Emptied, place: Floats, prompt: str
) -> Generator[Step | Sketch, None, tuple[Bounds, Plane]]:
    """Paint what the prompt says in the box around a place, (h, w) of the window, and return a layer of it and what is gone."""
    source = model.encode(window.pixels(emptied.srgb))
    before = model.decode(source)
    mask = boxed(window.to_latents(place, model.stride)[0, 0] > 0.5).to(source.device)
    steps = edit.settings.steps or STEPS
    plan = RepaintPlan(prompt, steps, FORGET, seed=edit.settings.seed)
    clean = source
    for number, clean in repaint_steps(model, source, source, mask, Conditions(mask), plan):
        if number in (2, steps // 2):
            yield window.sketch(model.decode(clean), before, False)
        yield Step(number, steps, "painting")
    return _layer(window, emptied, to_array(before), to_array(model.decode(clean)), edit.settings.strength)


def empty(window: ModelWindow, fill: Fill, figure: Floats, seed: int) -> Generator[Step, None, Emptied]:
    """Take the figure out and fill in what lay behind it. Where mostly nothing is around it, nothing is taken out."""
    scene, side = window.scene, max(window.bounds.width, window.bounds.height)
    plain = plain_ground(window.small(), window.shrunk(figure) > SEEN) is not None
    gone = grow(figure > SEEN, ((SHADOW if plain else EDGE) + FADE) * side)
    opacity = scene.opacity(window.bounds)
    if opacity is not None and not gone.all() and float(opacity[~gone].mean()) < OPAQUE:
        return Emptied(window.srgb(), np.zeros_like(figure))
    alpha = fade_inwards(gone, FADE * side)
    place = bounds_of(gone)
    patch = yield from fill_patch(
        scene, fill, np.ascontiguousarray(cut(alpha, place)), place.moved(window.bounds.x, window.bounds.y), seed, 0
    )
    colors = scene.colors(window.bounds).copy()
    cut(colors, place)[...] = np.where(cut(gone, place)[..., None], patch.colors, cut(colors, place))
    return Emptied(np.clip(scene.space.to_srgb(colors), 0.0, 1.0).astype(np.float32), alpha)


def _layer(
    window: ModelWindow, emptied: Emptied, before: Floats, after: Floats, strength: float
) -> tuple[Bounds, Plane]:
    """Lay what was painted over what lay behind, as far as it is the new thing. All but `emptied` at the model's size."""
    thing = new_thing(before, after)
    large = np.clip(window.enlarged(after), 0.0, 1.0)
    matte = soft_matte(large, thing, 1.5 / window.scale) if thing.any() else np.zeros(large.shape[:2], np.float32)
    colors = large * matte[..., None] + emptied.srgb * (1 - matte[..., None])
    return window.finished(colors, np.float32(strength) * np.maximum(emptied.alpha, matte))


def new_thing(before: Floats, after: Floats) -> Bools:
    """Return the shape, (h, w), of what was painted into a picture, (h, w, 3): what stands out from it and was not there before."""
    differs = (np.abs(after - before).max(axis=-1) > UNLIKE).astype(np.uint8)
    near: Bools = cv2.dilate(differs, np.ones((NEAR_PX, NEAR_PX), np.uint8)).astype(bool)
    rgb = np.rint(np.clip(after, 0, 1) * 255).astype(np.uint8)
    thing = divided(rgb, (unlike_border(rgb) > UNLIKE_BORDER) & near, ~near | rim_of(rgb))
    return thing if thing.sum() > LEAST * near.sum() else near
