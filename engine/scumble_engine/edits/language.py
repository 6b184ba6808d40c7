"""Language: the picture is changed as the painter says, by the delta loop on a window of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from dataclasses import replace

import cv2
import numpy as np
import torch
from scumble_protocol import __version__
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, Instruction, PromptPair, Provenance, Purpose
from scumble_protocol.pixels import Plane
from torch import Tensor

from ..assist.prompts import check_pair, shown_already
from ..assist.reader import Reader, read
from ..assist.vocabulary import Vocabulary, vocabulary_from
from ..diffusion.delta import DeltaPlan, delta_steps
from ..diffusion.familiar import STRANGE_NOTE, is_strange
from ..diffusion.model import DiffusionModel, read_vocabulary
from ..imaging.arrays import Floats
from ..imaging.blend import finish, premultiplied
from ..imaging.mask import bounds_of, cut, fade_inwards, grow
from ..imaging.palette import PALETTE
from ..imaging.recolor import brought_to
from ..models.memory import peak_bytes
from ..models.shelf import Shelf
from .adding import add_thing
from .exchange import empty, exchange
from .ground import KEPT_NOTE, UNSEEN_NOTE, beside, figure_in
from .model_window import ModelWindow, open_window, to_array, to_tensor
from .patch import fill_patch
from .polish import STEPS as POLISH_STEPS
from .polish import polish_steps, strong
from .scene import of_kind, only, open_scene
from .seeing import seen_words
from .work import Layer, Sketch, Step, Work

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
STEPS, PREVIEW_STEPS = 8, 3
# A prompt pair, and notes on how it was read.
Said = tuple[PromptPair, tuple[str, ...]]
JOINT_START = 0.5
GUIDANCE = 2.3


def language(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Change what the words say and leave the rest. Raises RequestError for words that can't be read or that the model does not know."""
    started = time.perf_counter()
    scene = open_scene(edit)
    yield Step(0, 1, "loading")
    model = shelf.diffusion
    window = open_window(scene, model)
    model.meter.reset()
    pair, heard = pair_of(edit, model, shelf.own_reader, window)
    strange = (STRANGE_NOTE,) if is_strange(model, window.pixels()) else ()
    if model.taught and pair.kind == "add":
        bounds, plane = yield from add_thing(edit, model, window, pair, known_words(model))
        notes: tuple[str, ...] = ()
    else:
        bounds, plane, notes = yield from _changed(edit, shelf, window, pair, purpose)
    made = made_by("language", model, edit, steps_of(edit, purpose), started)
    return Layer(bounds, plane, made, (*heard, *notes, *strange), pair)


# A layer's bounds and pixels, and notes on it.
Done = tuple[Bounds, Plane, tuple[str, ...]]


def _changed(
    edit: Edit, shelf: Shelf, window: ModelWindow, pair: PromptPair, purpose: Purpose
) -> Generator[Step | Sketch, None, Done]:
    """Run the delta loop, and finish what it found as the kind of edit asks."""
    model, free = shelf.diffusion, window.scene.may is None
    anew = painted_anew(pair, model, purpose)
    figure = figure_in(window) if free and pair.kind in ABOUT_FIGURE and not anew else None
    if figure is not None and model.taught and pair.kind == "recolor":
        window, figure = centred(window, model, figure)
    x0 = model.encode(window.pixels())
    keep = figure if pair.kind == "background" else None
    delta = yield from change(edit, model, window, pair, x0, purpose, None, keep)
    if pair.kind == "remove":
        return (yield from _removed(edit, shelf, window, delta))
    if anew:
        old = figure_in(window, meant(delta))
        if old is not None:
            near = centred(window, model, old) if free else (window, old)
            return *(yield from exchange(edit, model, *near, shelf.fill, pair)), _note_of(shelf)
        figure = figure_in(window) if free else None
        delta = yield from polished(edit, model, window, pair, x0, delta)
    before, after = decoded(model, x0), shown(model, pair, x0, delta, edit.settings.strength)
    bounds, plane = window.layer(after, before, keeps_detail(pair))
    if figure is not None and pair.kind in BOUNDED:
        bounds, plane = beside(window, bounds, plane, figure, model.stride, pair, to_array(after))
    if not free or pair.kind != "background":
        return bounds, plane, ()
    return bounds, plane, (UNSEEN_NOTE if figure is None else KEPT_NOTE,)


def _note_of(shelf: Shelf) -> tuple[str, ...]:
    """Return what there is to say of the fill that was used."""
    return (shelf.fill.note,) if shelf.fill.note else ()


def centred(window: ModelWindow, model: DiffusionModel, figure: Floats) -> tuple[ModelWindow, Floats]:
    """Return a window with the figure (h, w) in its middle, and the figure in it: the illustrator learnt single things there."""
    place = bounds_of(figure > 0.5).moved(window.bounds.x, window.bounds.y)
    near = open_window(window.scene, model, place, FIGURE_CONTEXT)
    return near, np.ascontiguousarray(cut(figure, near.bounds.moved(-window.bounds.x, -window.bounds.y)))


def _removed(edit: Edit, shelf: Shelf, window: ModelWindow, delta: Tensor) -> Generator[Step | Sketch, None, Done]:
    """Take a thing away: where the prompts disagree is where it is; what lies behind is filled in, which needs no words.

    Raises RequestError when the prompts disagree nowhere.
    """
    scene, seed = window.scene, edit.settings.seed
    # In a photograph nearly everything stands out from something: there only the loop's own place counts.
    figure = figure_in(window, meant(delta)) if shelf.diffusion.taught else None
    if figure is not None:
        emptied = yield from empty(window, shelf.fill, figure, seed)
        if not emptied.alpha.any():
            raise RequestError(
                "Around it this layer is transparent, so nothing lies behind it; erase it by hand.", "bad-edit"
            )
        return *window.finished(emptied.srgb, np.float32(edit.settings.strength) * emptied.alpha), _note_of(shelf)
    hole, bounds = place_of(window, delta)
    patch = yield from fill_patch(scene, shelf.fill, hole, bounds, seed, done=0)
    return *finish(premultiplied(patch.colors, hole), bounds, scene.may_in(bounds), scene.depth), _note_of(shelf)


def shown(model: DiffusionModel, pair: PromptPair, x0: Tensor, delta: Tensor, strength: float) -> Tensor:
    """Return the edited picture (1, 3, h, w). The engine's own model only nears the colour that is named; it is brought there."""
    color = named_color(pair) if model.taught else None
    if color is None:
        return decoded(model, x0 + strength * delta)
    before, after = to_array(decoded(model, x0)), to_array(decoded(model, x0 + delta))
    return to_tensor(before + np.float32(strength) * (brought_to(before, after, color) - before)).to(x0.device)


def named_color(pair: PromptPair) -> tuple[int, int, int] | None:
    """Return the colour, sRGB 0..255, that a recolouring asks for; None where it names none, or several."""
    words = Counter(pair.target.split()) - Counter(pair.source.split())
    named = [PALETTE[word] for word in words if word in PALETTE]
    return named[0] if pair.kind == "recolor" and len(named) == 1 else None


def meant(delta: Tensor) -> Floats:
    """Return where D is strong, (h, w) of the latents, 0 or 1."""
    return strong(delta, MEANT).float().cpu().numpy()


def place_of(window: ModelWindow, delta: Tensor) -> tuple[Floats, Bounds]:
    """Return where D is, as a hole's soft alpha and its bounds in the picture. Raises RequestError when it is nowhere."""
    strength = delta.abs().mean(1)[0].cpu().numpy()
    surely = (strength > 0.5 * max(float(np.quantile(strength, 0.97)), 1e-6)).astype(np.float32)
    size = (window.bounds.width, window.bounds.height)
    inside = cv2.resize(surely, size, interpolation=cv2.INTER_LINEAR) > 0.5
    may = window.scene.may_in(window.bounds)
    inside = inside if may is None else inside & (may > 0)
    if not inside.any() or (may is None and inside.mean() > MOST_OF_PICTURE):
        raise RequestError(
            "The model can't tell where it is; select it, or draw subtract strokes over it.", "not-found"
        )
    edge = max(2.0, 0.02 * max(size))
    hole = fade_inwards(grow(inside, 2 * edge), edge)
    bounds = bounds_of(hole > 0)
    return np.ascontiguousarray(cut(hole, bounds)), bounds.moved(window.bounds.x, window.bounds.y)


def change(
    edit: Edit,
    model: DiffusionModel,
    window: ModelWindow,
    pair: PromptPair,
    x0: Tensor,
    purpose: Purpose,
    start: Tensor | None = None,
    keep: Floats | None = None,
) -> Generator[Step | Sketch, None, Tensor]:
    """Run the delta loop, with previews, and return D in latents.

    `start`: a first D (what a drag or strokes did). `keep`: (h, w) of the window, 1 where nothing may change.
    """
    again = painted_anew(pair, model, purpose) and start is None
    plan = plan_for(pair, model, edit, max(1, steps_of(edit, purpose) // 2) if again else steps_of(edit, purpose))
    if start is not None:
        # At the noisiest steps nothing of a first D is left, and a locked layout would undo it.
        timesteps = model.schedule.few_steps(steps_of(edit, purpose), JOINT_START)
        plan = replace(plan, timesteps=timesteps, self_share=0.0, cross_share=0.0)
    before = decoded(model, x0)
    delta = torch.zeros_like(x0)
    mask = (
        window.latent_mask(model.stride) if keep is None else window.to_latents(1.0 - keep, model.stride).to(x0.device)
    )
    for step in delta_steps(model.few_step, x0, plan, mask, start):
        delta = step.delta
        if purpose == "final" and step.number in (1, step.of // 2):
            after = shown(model, pair, x0, delta, edit.settings.strength)
            yield window.sketch(after, before, keeps_detail(pair))
        yield Step(step.number, step.of, "painting")
    return delta


def polished(
    edit: Edit, model: DiffusionModel, window: ModelWindow, pair: PromptPair, x0: Tensor, delta: Tensor
) -> Generator[Step, None, Tensor]:
    """Paint a thing of another shape anew where D put it, and return the better D."""
    mask = window.latent_mask(model.stride)
    for number, better in enumerate(polish_steps(model, x0, delta, pair, mask, edit.settings.seed), start=1):
        delta = better
        yield Step(number, POLISH_STEPS, "polishing")
    return delta


def painted_anew(pair: PromptPair, model: DiffusionModel, purpose: Purpose) -> bool:
    """Whether the delta loop, in half the steps, only finds the place of what is then painted anew.

    So it is for the engine's own model where a thing of another shape comes in a thing's place; larger ones do that in the loop alone.
    """
    return model.taught and pair.kind in REPAINTED and purpose == "final"


def steps_of(edit: Edit, purpose: Purpose) -> int:
    return edit.settings.steps or (STEPS if purpose == "final" else PREVIEW_STEPS)


def keeps_detail(pair: PromptPair) -> bool:
    """Whether the picture's own fine detail stays everywhere: a recolouring changes no shape."""
    return pair.kind == "recolor"


def plan_for(pair: PromptPair, model: DiffusionModel, edit: Edit, steps: int) -> DeltaPlan:
    """Choose the loop's numbers by the kind of edit."""
    share = SHARES.get(pair.kind, 0.7)
    by_words = pair.kind in BLENDED and bool(pair.blend) and not model.taught
    return DeltaPlan(
        source=pair.source,
        target=pair.target,
        timesteps=model.schedule.few_steps(steps),
        guidance=GUIDANCE,
        self_share=share,
        cross_share=share,
        blend=pair.blend if by_words else (),
        keep=pair.keep if by_words else (),
        contrast=CONTRAST if pair.kind in PLACED and not by_words else None,
        seed=edit.settings.seed,
    )


# Kinds that put a thing of another shape in a thing's place.
REPAINTED = frozenset({"replace", "rename"})
# Kinds that leave either the figure or the ground alone where nothing is selected.
BOUNDED = frozenset({"background", "replace", "rename"})
# Kinds for which figure and ground are told apart; the figure is brought to the window's middle, with so much of its size around.
ABOUT_FIGURE = BOUNDED | {"recolor"}
FIGURE_CONTEXT = 0.19
# Kinds whose change has a place; style and background change the whole picture.
PLACED = frozenset({"recolor", "replace", "rename", "add", "remove"})
# Kinds whose place words point at, in models whose attention maps are sharp. The illustrator's are not: measured on its scenes,
# the contrast of the two predictions finds the place better (right colour in 4 of 5 recolourings against 2 of 6).
BLENDED = frozenset({"recolor", "replace", "rename"})
CONTRAST = (0.2, 0.4)
# The share of D's full strength from which on a thing is meant that lies there.
MEANT = 0.4
# A thing to take away that seems to fill more than this was not found.
MOST_OF_PICTURE = 0.6


def pair_of(edit: Edit, model: DiffusionModel, reader: Reader | None, window: ModelWindow) -> Said:
    """Return the prompt pair that the painter gave, or the reading of the instruction, with notes. Raises RequestError.

    `window`: to say in the source prompt what else the picture shows.
    """
    pair, instruction = only(edit, PromptPair), only(edit, Instruction)
    if pair is not None and instruction is not None:
        raise RequestError("Give either an instruction or the two prompts, not both.", "bad-edit")
    words = known_words(model)
    if pair is not None:
        return check_differs(check_pair(pair, words)), ()
    if instruction is None:
        raise RequestError("Say what to change, such as: make the apple green.", "bad-edit")
    shown = seen_words(model, words, window, shown_already(instruction.text, words))
    read_pair, note = read(instruction.text, words, shown, reader)
    return check_differs(read_pair), (note,) if note else ()


def check_differs(pair: PromptPair) -> PromptPair:
    """Return a pair that asks for a change. Raises RequestError for one that asks for none: the loop would run for nothing."""
    if pair.source.lower().split() == pair.target.lower().split():
        raise RequestError(
            f"Both prompts say {pair.source.strip()!r}, so nothing would change; say in the second what should be there.",
            "same-prompts",
        )
    return pair


def known_words(model: DiffusionModel) -> Vocabulary:
    """Return the model's vocabulary, read once."""
    known: Vocabulary = model.memories.setdefault("vocabulary", vocabulary_from(read_vocabulary(model)))
    return known


@torch.no_grad()
def decoded(model: DiffusionModel, latents: Tensor) -> Tensor:
    return model.decode(latents).clamp(0, 1)


def made_by(method: str, model: DiffusionModel, edit: Edit, steps: int, started: float) -> Provenance:
    """Say what made a layer; truncated forwards count as whole ones."""
    return Provenance(
        engine_version=__version__,
        method=method,
        model=model.name,
        weights_sha256=model.sha256,
        scheduler="consistency",
        steps=steps,
        seed=edit.settings.seed,
        device=str(model.device),
        seconds=time.perf_counter() - started,
        forwards=model.meter.forwards + model.meter.partial,
        peak_bytes=peak_bytes(),
        autoencoder_passes=model.meter.coded,
    )


def says_something(edit: Edit) -> bool:
    return bool(of_kind(edit, Instruction) or of_kind(edit, PromptPair))
