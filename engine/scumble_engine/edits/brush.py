"""The magic brush: what add strokes draw and colour strokes paint becomes part of the picture, as the words say.

One list of conditions: edges and colours always act together; subtract strokes in the same edit clear the ground first.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import AddStrokes, ColorStrokes, Edit, Instruction, PromptPair, Purpose, SubtractStrokes
from scumble_protocol.pixels import Plane
from scumble_protocol.wording import said
from torch import Tensor

from ..assist.guesser import Guesses, guess_strokes
from ..assist.prompts import check_pair, read_subject
from ..assist.vocabulary import with_article
from ..diffusion.guidance import Conditions
from ..diffusion.model import DiffusionModel
from ..diffusion.repaint import RepaintPlan, repaint_steps
from ..diffusion.rough import RoughDecoder, fit_rough
from ..imaging.arrays import Bools, Bytes, Floats, array_of
from ..imaging.hint import smooth_fill
from ..imaging.mask import bounds_of, cut, fade_inwards, grow
from ..imaging.strokes import COVERED, enclosed, tinted
from ..models.shelf import Shelf
from .controls import conditions_for
from .looking import shown_to
from .made import made_by
from .model_window import ModelWindow, Under, open_window, to_tensor
from .painting import decoded
from .reading import known_words
from .scene import Scene, joined_strokes, of_kind, only, open_scene, sketch
from .seeing import in_its_place
from .work import Layer, Sketch, Step, Work

STEPS, PREVIEW_STEPS = 12, 4
# Measured on 98 drawings of sets that the guesser never learnt from: of guesses below it 42 % are right, of the others 92 %.
SURE_GUESS = 0.5
# How far the strokes' region is grown, as a share of the window: 15 px of 512.
GROWTH = 15 / 512
# How much of the starting picture is forgotten: colours keep what they lie on; drawings replace it, in the colours painted with
# them if there are any.
FORGET_COLOR, FORGET_COLORED, FORGET_ADD = 0.6, 0.85, 1.0


@dataclass(frozen=True)
class Strokes:
    """All strokes of an edit at the picture's size, u8: `add` and `subtract` (h, w), `color` (h, w, 4) straight RGBA."""

    add: Bytes
    subtract: Bytes
    color: Bytes

    @property
    def covered(self) -> Bools:
        covered: Bools = np.maximum(np.maximum(self.add, self.subtract), self.color[..., 3]) >= COVERED
        return covered


def brush(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Paint what the strokes ask for, inside their grown region. Raises RequestError for empty or conflicting strokes and unknown words."""
    started = time.perf_counter()
    scene = open_scene(edit)
    strokes = strokes_of(edit)
    region = region_of(scene, strokes)
    yield Step(0, 1, "loading")
    model = shelf.diffusion
    prompt, notes = prompt_of(edit, shelf, model)
    model.meter.reset()
    window = open_window(scene, model, bounds_of(region > 0))
    steps = edit.settings.steps or (STEPS if purpose == "final" else PREVIEW_STEPS)
    under = prepared(window, strokes, region)
    caption = prompt if only(edit, PromptPair) else in_its_place(model, known_words(model), window, prompt)
    painted = yield from _painted(edit, model, window, (strokes, region), under, caption, steps, purpose)
    bounds, plane = layer_of(window, region, painted)
    reading = PromptPair("", prompt, (), (), "add") if prompt else None
    return Layer(bounds, plane, made_by("brush", model, edit, steps, started), notes, reading)


def _painted(
    edit: Edit,
    model: DiffusionModel,
    window: ModelWindow,
    where: tuple[Strokes, Floats],
    under: Under,
    prompt: str,
    steps: int,
    purpose: Purpose,
) -> Generator[Step | Sketch, None, Tensor]:
    """Run the repainting; return the decoded picture (1, 3, h, w)."""
    strokes, region = where
    mask = window.to_latents(cut(region, window.bounds), model.stride).to(model.device)
    source, start = model.encode(window.pixels()), model.encode(window.pixels(under.srgb))
    forget = _forgotten(strokes, prompt)
    plan = RepaintPlan(prompt, steps, max(0.2, forget * edit.settings.strength), seed=edit.settings.seed)
    conditions = conditions_of(model, window, strokes, region, under)
    latents = start
    for number, x0 in repaint_steps(model, source, start, mask, conditions, plan):
        latents = x0
        if purpose == "final" and number in (1, steps // 2):
            yield _sketch(window, region, decoded(model, latents))
        yield Step(number, steps, "painting")
    return decoded(model, latents)


def _forgotten(strokes: Strokes, prompt: str) -> float:
    colored = bool((strokes.color[..., 3] >= COVERED).any())
    if (strokes.add >= COVERED).any() or prompt:
        return FORGET_COLORED if colored else FORGET_ADD
    return FORGET_COLOR


def layer_of(window: ModelWindow, region: Floats, painted: Tensor) -> tuple[Bounds, Plane]:
    """Return the layer: what was painted, inside the region's soft edge."""
    srgb = window.enlarged(np.asarray(painted[0].permute(1, 2, 0).cpu().numpy(), dtype=np.float32))
    return window.finished(srgb, cut(region, window.bounds))


def _sketch(window: ModelWindow, region: Floats, painted: Tensor) -> Sketch:
    return sketch(window.scene, *layer_of(window, region, painted))


def strokes_of(edit: Edit) -> Strokes:
    """Join the strokes of each kind. Raises RequestError when there are none, or add and subtract strokes cover the same place."""
    plane = edit.picture.plane
    add, subtract = joined_strokes(edit, AddStrokes), joined_strokes(edit, SubtractStrokes)
    color = np.zeros((plane.height, plane.width, 4), np.uint8)
    for cue in of_kind(edit, ColorStrokes):
        _check_color(cue.rgba, plane)
        rgba = array_of(cue.rgba)
        color = np.where(rgba[..., 3:] >= COVERED, rgba, color)
    both = (add >= COVERED) & (subtract >= COVERED)
    if both.any() and both.sum() > 0.5 * min((add >= COVERED).sum(), (subtract >= COVERED).sum()):
        raise RequestError("Add and subtract strokes cover the same place; keep one of them there.", "bad-strokes")
    found = Strokes(add, np.where(both, 0, subtract).astype(np.uint8), color)
    if not found.covered.any():
        raise RequestError("The strokes are empty; draw what should be there.", "bad-strokes")
    return found


def _check_color(rgba: Plane, picture: Plane) -> None:
    if (rgba.width, rgba.height) != (picture.width, picture.height):
        raise RequestError(
            said(
                "The colour strokes are {rgba_width}×{rgba_height} but the picture is "
                "{picture_width}×{picture_height}.",
                rgba_width=rgba.width,
                rgba_height=rgba.height,
                picture_width=picture.width,
                picture_height=picture.height,
            ),
            "bad-edit",
        )
    if rgba.channels != 4 or rgba.depth != "u8":
        raise RequestError("The colour strokes must have four 8-bit channels.", "bad-edit")


def region_of(scene: Scene, strokes: Strokes) -> Floats:
    """Return where may be painted, (height, width) in 0..1: the strokes and what add strokes enclose, grown, soft at the edge.

    Raises RequestError when nothing of it may change.
    """
    extent = bounds_of(strokes.covered)
    radius = max(2.0, GROWTH * 2 * max(extent.width, extent.height))
    region = grow(strokes.covered | enclosed(strokes.add >= COVERED), radius)
    soft = fade_inwards(region, radius / 2)
    soft = soft if scene.may is None else np.where(scene.may > 0, soft, 0.0).astype(np.float32)
    if not soft.any():
        raise RequestError("The strokes lie outside the mask, so nothing may change there.", "bad-strokes")
    return soft


def prepared(window: ModelWindow, strokes: Strokes, region: Floats) -> Under:
    """Return the picture to begin from: subtracted things filled smoothly, colour strokes painted as they are."""
    srgb = window.srgb()
    gone = cut(strokes.subtract, window.bounds) >= COVERED
    if gone.any():
        hole = grow(gone, 3.0)
        srgb = np.where(hole[..., None], smooth_fill(srgb, hole), srgb)
    srgb = tinted(srgb, enclosed(cut(strokes.add, window.bounds) >= COVERED), cut(strokes.color, window.bounds))
    color = cut(strokes.color, window.bounds).astype(np.float32) / 255.0
    alpha = np.where(color[..., 3:] >= COVERED / 255, color[..., 3:], 0.0)
    return Under((color[..., :3] * alpha + srgb * (1 - alpha)).astype(np.float32), cut(region, window.bounds))


def conditions_of(
    model: DiffusionModel, window: ModelWindow, strokes: Strokes, region: Floats, under: Under
) -> Conditions:
    """Bring the strokes to the model's size, as what its picture is pulled to and what its control networks are shown."""
    lines, gone = (cut(each, window.bounds) >= COVERED for each in (strokes.add, strokes.subtract))
    color = cut(strokes.color, window.bounds).astype(np.float32) / 255.0
    painted = (color[..., 3] >= COVERED / 255).astype(np.float32)
    flat = window.shrunk(np.ascontiguousarray(color[..., :3] * painted[..., None]))
    weight = np.clip(window.shrunk(painted), 0.0, 1.0)
    mean = flat / np.maximum(weight, 1e-3)[..., None]
    may = window.shrunk(np.ascontiguousarray(cut(region, window.bounds)))
    thin = _thinned(window, lines)
    seen = window.shrunk(np.clip(under.srgb, 0.0, 1.0))
    asked = lines.any() or painted.any()
    return Conditions(
        _plane(may, model.device),
        _plane(thin, model.device) if lines.any() else None,
        to_tensor(np.clip(mean, 0, 1)).to(model.device) if painted.any() else None,
        _plane((weight > 0.5).astype(np.float32), model.device) if painted.any() else None,
        rough_of(model) if asked else None,
        conditions_for(model, seen, may, thin, window.shrunk(gone.astype(np.float32)), weight),
    )


def rough_of(model: DiffusionModel) -> RoughDecoder:
    """Return the model's linear map of latents to pixels, fitted once."""
    if "rough" not in model.memories:
        model.memories["rough"] = fit_rough(model, model.native_side // model.stride)
    kept: RoughDecoder = model.memories["rough"]
    return kept


def _thinned(window: ModelWindow, lines: Bools) -> Floats:
    """Return the middle of the drawn lines at the model's size: a thick stroke asks for one edge, not for two."""
    from skimage.morphology import skeletonize

    small = cv2.resize(lines.astype(np.float32), window.size, interpolation=cv2.INTER_AREA)
    return np.asarray(skeletonize(small > 0.2), dtype=np.float32)


def _plane(array: Floats, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))[None, None].to(device)


def prompt_of(edit: Edit, shelf: Shelf, model: DiffusionModel) -> tuple[str, tuple[str, ...]]:
    """Return what the strokes show in the model's words, and notes: as the painter says, else as guessed, else nothing."""
    words = known_words(model)
    pair, instruction = only(edit, PromptPair), only(edit, Instruction)
    if pair is not None:
        return check_pair(pair, words).target, ()
    if instruction is not None:
        return read_subject(instruction.text, words), ()
    if not of_kind(edit, AddStrokes):
        return "", ()
    guesses = guess_strokes(edit, words, shelf.own_guesser, shown_to(shelf, edit))
    if guesses.words and guesses.probabilities[0] < SURE_GUESS:
        raise RequestError(
            said("The strokes could be {listed}; say what they show.", listed=_listed(guesses)), "unsure-guess"
        )
    notes = (guesses.note,) if guesses.note else ()
    if not guesses.words:
        return "", notes
    return guesses.prompt, (
        *notes,
        said(
            "The strokes were taken for {prompt}; say what they show if they are something else.", prompt=guesses.prompt
        ),
    )


def _listed(guesses: Guesses) -> str:
    """Say guesses with how likely they are: "a hat (40 %) or a cat (20 %)"."""
    listed = [
        f"{with_article(word)} ({p:.0%})".replace("%", " %")
        for word, p in zip(guesses.words, guesses.probabilities, strict=True)
    ]
    return " or ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
