"""Paint: what the model makes of an edit by words, in its place."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from scumble_protocol.messages import PromptPair
from torch import Tensor

from ..diffusion.delta import DeltaPlan, delta_steps
from ..diffusion.guidance import Conditions
from ..diffusion.model import DiffusionModel
from ..diffusion.repaint import RepaintPlan, repaint_steps
from ..imaging.arrays import Floats
from ..imaging.mask import bounds_of, cut, fade_inwards, grow
from ..imaging.matte import SEEN
from ..imaging.palette import PALETTE
from ..imaging.plain import plain_ground
from ..imaging.recolor import brought_to
from .model_window import ModelWindow, to_array, to_tensor
from .patch import fill_patch
from .reading import known_words, subject_of
from .seeing import in_its_place
from .steps import Doing, Emptied, Painted, Placed, Reading
from .work import Step

# For how much of the steps layout and words stay the source's, by kind of edit (Xu et al. 2023, appendix; notes of the app).
SHARES = {
    "recolor": 1.0,
    "replace": 0.3,
    "rename": 0.3,
    "style": 0.7,
    "pose": 0.3,
    "add": 0.0,
    "remove": 0.0,
    "background": 0.0,
}
# Kinds whose change has a place, by what points at it: words where the model attends to them, else where the prompts disagree.
POINTED, PLACED = (
    frozenset({"recolor", "replace", "rename"}),
    frozenset({"recolor", "replace", "rename", "add", "remove"}),
)
CONTRAST = (0.2, 0.4)
# How much of a picture is forgotten where it is painted anew, in how many steps; which share of D's full strength counts as changed.
FORGET, STEPS, CHANGED = 0.95, 8, 0.25
# How far beyond the old thing its edge and its shadow reach, and how softly that ends, as shares of the window. A plain ground is
# continued without fault, so there the shadow goes, too.
EDGE, SHADOW, FADE = 0.05, 0.08, 0.02
# A thing whose surroundings are less opaque than this stands on nothing.
OPAQUE = 0.5


def change(reading: Reading, placed: Placed, steps: int = 0) -> Doing[Painted]:
    """Change the window's picture by the delta loop, with previews. What stands out stays where the ground changes."""
    model, window = reading.model, placed.window
    keep = placed.figure if reading.pair.kind == "background" else None
    x0 = model.encode(window.pixels()) if placed.x0 is None else placed.x0
    before = decoded(model, x0)
    mask = window.latent_mask(model.stride) if keep is None else window.to_latents(1.0 - keep, model.stride)
    delta = torch.zeros_like(x0)
    for step in delta_steps(
        model.few_step, x0, plan_for(reading, steps or reading.steps), None if mask is None else mask.to(x0.device)
    ):
        delta = step.delta
        if reading.purpose == "final" and step.number in (1, step.of // 2):
            yield window.sketch(edited(reading, x0, delta), before, reading.keeps_detail)
        yield Step(step.number, step.of, "painting")
    return Painted(x0, delta)


def disagreement(reading: Reading, window: ModelWindow, steps: int) -> Doing[tuple[Tensor, Tensor]]:
    """Return the window's latents and D of the delta loop, which is strong where the two prompts disagree."""
    painted = yield from change(reading, Placed(window), steps)
    assert painted.x0 is not None
    assert painted.delta is not None
    return painted.x0, painted.delta


def plan_for(reading: Reading, steps: int) -> DeltaPlan:
    """Choose the loop's numbers by the kind of edit."""
    pair, model = reading.pair, reading.model
    share = SHARES.get(pair.kind, 0.7)
    by_words = pair.kind in POINTED and bool(pair.blend) and "attends" in model.profile.can
    return DeltaPlan(
        source=pair.source,
        target=pair.target,
        timesteps=model.schedule.few_steps(steps),
        guidance=model.profile.guidance,
        self_share=share,
        cross_share=share,
        blend=pair.blend if by_words else (),
        keep=pair.keep if by_words else (),
        contrast=CONTRAST if pair.kind in PLACED and not by_words else None,
        seed=reading.seed,
        guided_sigmas=model.profile.guided_sigmas,
    )


def polished(reading: Reading, placed: Placed) -> Doing[Painted]:
    """Paint a thing of another shape anew where D put it: the delta loop keeps a ghost of the old one's outlines."""
    assert placed.x0 is not None
    assert placed.delta is not None
    x0, delta, model = placed.x0, placed.delta, reading.model
    may = placed.window.latent_mask(model.stride)
    mask = boxed(strong(delta, CHANGED)) if may is None else boxed(strong(delta, CHANGED)) * may.to(x0.device)
    plan = _anew(reading, reading.pair.target, STEPS)
    better = delta
    for number, clean in repaint_steps(model, x0, x0 + delta, mask, Conditions(mask), plan):
        better = mask * (clean - x0) + (1 - mask) * delta
        yield Step(number, STEPS, "polishing")
    return Painted(x0, better)


def exchanged(reading: Reading, placed: Placed) -> Doing[Painted]:
    """Take the figure out, fill in what lay behind it, and paint on that what the target prompt says."""
    emptied = yield from _emptied(reading, placed)
    return (yield from _painted_in(reading, placed, emptied, reading.pair.target))


def added(reading: Reading, placed: Placed) -> Doing[Painted]:
    """Paint the new thing alone in its place, in the manner of the picture: asked for both, a small model paints all anew."""
    window, words = placed.window, known_words(reading.model)
    assert placed.figure is not None
    place = bounds_of(placed.figure > 0.5).moved(window.bounds.x, window.bounds.y)
    prompt = in_its_place(reading.model, words, window, subject_of(reading.pair, words), place)
    nothing_gone = Emptied(window.srgb(), np.zeros((window.bounds.height, window.bounds.width), np.float32))
    return (yield from _painted_in(reading, placed, nothing_gone, prompt))


def _painted_in(reading: Reading, placed: Placed, emptied: Emptied, prompt: str) -> Doing[Painted]:
    """Paint what the prompt says in the box around the figure's place."""
    assert placed.figure is not None
    model, window = reading.model, placed.window
    source = model.encode(window.pixels(emptied.srgb))
    before = decoded(model, source)
    mask = boxed(window.to_latents(placed.figure, model.stride)[0, 0] > 0.5).to(source.device)
    plan, clean = _anew(reading, prompt, reading.edit.settings.steps or STEPS), source
    for number, clean in repaint_steps(model, source, source, mask, Conditions(mask), plan):
        if number in (2, plan.steps // 2):
            yield window.sketch(decoded(model, clean), before, False)
        yield Step(number, plan.steps, "painting")
    return Painted(emptied=emptied, before=to_array(before), after=to_array(decoded(model, clean)))


def _anew(reading: Reading, prompt: str, steps: int) -> RepaintPlan:
    return RepaintPlan(prompt, steps, FORGET, reading.model.profile.repaint_guidance, reading.seed)


def taken_out(reading: Reading, placed: Placed) -> Doing[Painted]:
    """Fill in what lies behind the figure, and paint nothing there."""
    return Painted(emptied=(yield from _emptied(reading, placed)))


def taken_out_there(reading: Reading, placed: Placed) -> Doing[Painted]:
    """Fill in the very place, as softly as it is said."""
    assert placed.figure is not None
    return Painted(patch=(yield from _behind(reading, placed.window, placed.figure)))


def _emptied(reading: Reading, placed: Placed) -> Doing[Emptied]:
    """Take the figure out and fill in what lay behind it. Where mostly nothing is around it, nothing is taken out."""
    assert placed.figure is not None
    window, figure = placed.window, placed.figure
    scene, side = window.scene, max(window.bounds.width, window.bounds.height)
    plain = plain_ground(window.small(), window.shrunk(figure) > SEEN) is not None
    gone = grow(figure > SEEN, ((SHADOW if plain else EDGE) + FADE) * side)
    opacity = scene.opacity(window.bounds)
    if opacity is not None and not gone.all() and float(opacity[~gone].mean()) < OPAQUE:
        return Emptied(window.srgb(), np.zeros_like(figure))
    alpha = fade_inwards(gone, FADE * side)
    colors = yield from _behind(reading, window, alpha)
    return Emptied(np.clip(scene.space.to_srgb(colors), 0.0, 1.0).astype(np.float32), alpha)


def _behind(reading: Reading, window: ModelWindow, alpha: Floats) -> Doing[Floats]:
    """Return the window's colours, of the picture's own space, continued where alpha (h, w) is not 0."""
    place = bounds_of(alpha > 0)
    colors: Floats = window.scene.colors(window.bounds).copy()
    where = place.moved(window.bounds.x, window.bounds.y)
    hole = np.ascontiguousarray(cut(alpha, place))
    patch = yield from fill_patch(window.scene, reading.shelf.fill, hole, where, reading.seed, 0)
    cut(colors, place)[...] = np.where(hole[..., None] > 0, patch.colors, cut(colors, place))
    return colors


def edited(reading: Reading, x0: Tensor, delta: Tensor) -> Tensor:
    """Return the edited picture (1, 3, h, w). A model that only nears the colour that is named is brought there."""
    model = reading.model
    color = named_color(reading.pair) if model.profile.nears_colors else None
    if color is None:
        return decoded(model, x0 + reading.strength * delta)
    before, after = to_array(decoded(model, x0)), to_array(decoded(model, x0 + delta))
    return to_tensor(before + np.float32(reading.strength) * (brought_to(before, after, color) - before)).to(x0.device)


def named_color(pair: PromptPair) -> tuple[int, int, int] | None:
    """Return the colour, sRGB 0..255, that a recolouring asks for; None where it names none, or several."""
    words = Counter(pair.target.split()) - Counter(pair.source.split())
    named = [PALETTE[word] for word in words if word in PALETTE]
    return named[0] if pair.kind == "recolor" and len(named) == 1 else None


@torch.no_grad()
def decoded(model: DiffusionModel, latents: Tensor) -> Tensor:
    return model.decode(latents).clamp(0, 1)


def strong(delta: Tensor, share: float) -> Tensor:
    """Return where D (1, c, h, w) has more than a share of its full strength, (h, w) of bool."""
    strength = delta.abs().mean(1)[0]
    return strength > share * strength.flatten().quantile(0.97).clamp_min(1e-6)


def boxed(marked: Tensor) -> Tensor:
    """Return the box around what is marked (h, w) and one more on each side, (1, 1, h, w) of 0 and 1: room for another shape."""
    mask = torch.zeros(1, 1, *marked.shape, device=marked.device)
    if marked.any():
        mask[..., _spanned(marked.any(1)), _spanned(marked.any(0))] = 1.0
    return mask


def _spanned(marked: Tensor) -> slice:
    """Return the slice from the first to the last that is marked (n,), and one more on both sides."""
    places = torch.nonzero(marked)[:, 0]
    return slice(max(0, int(places[0]) - 1), int(places[-1]) + 2)
