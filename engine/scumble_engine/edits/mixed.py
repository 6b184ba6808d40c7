"""A drag with words: one job, one layer. The thing is moved first, then the words are done on the moved picture.

Jointly (the dragged latents are where the delta loop starts) costs no second encoding, but was measured worse on four scenes:
20.9 dB to the truth where the thing had been, against 22.5 dB in turn (bench/latent.py, `joint_or_in_turn`).
"""

from __future__ import annotations

import time
from collections.abc import Generator

from scumble_protocol.messages import Edit, PromptPair, Purpose
from torch import Tensor

from ..diffusion.model import DiffusionModel
from ..models.shelf import Shelf
from .language import change, decoded, keeps_detail, made_by, painted_anew, pair_of, polished, steps_of
from .latent_drag import Dragged, dragged
from .model_window import Under, open_window
from .scene import open_scene
from .work import Layer, Sketch, Step, Work


def drag_and_say(edit: Edit, shelf: Shelf, purpose: Purpose, jointly: bool = False) -> Work:
    """Move what the handles hold and change what the words say. Raises RequestError as both do alone."""
    started = time.perf_counter()
    scene = open_scene(edit)
    yield Step(0, 1, "loading")
    model = shelf.diffusion
    model.meter.reset()
    pair, heard = pair_of(edit, model, shelf.own_reader, open_window(scene, model))
    moved = yield from dragged(edit, scene, shelf, model, model.words(pair.source))
    say = _jointly if jointly else _in_turn
    before, after, under = yield from say(edit, model, moved, pair, purpose)
    bounds, plane = moved.window.layer(after, before, keeps_detail(pair), under)
    made = made_by("drag+language", model, edit, steps_of(edit, purpose), started)
    return Layer(bounds, plane, made, (*heard, *moved.notes), pair)


Said = tuple[Tensor, Tensor, Under]


def _in_turn(
    edit: Edit, model: DiffusionModel, moved: Dragged, pair: PromptPair, purpose: Purpose
) -> Generator[Step | Sketch, None, Said]:
    """Run the delta loop on the finished drag."""
    window = moved.window
    place, plane = window.boundless().layer(moved.painted, moved.warped, False, moved.moved.under)
    under = window.under(plane, place)
    x0 = model.encode(window.pixels(under.srgb))
    delta = yield from change(edit, model, window, pair, x0, purpose)
    if painted_anew(pair, model, purpose):
        delta = yield from polished(edit, model, window, pair, x0, delta)
    return decoded(model, x0), decoded(model, x0 + edit.settings.strength * delta), under


def _jointly(
    edit: Edit, model: DiffusionModel, moved: Dragged, pair: PromptPair, purpose: Purpose
) -> Generator[Step | Sketch, None, Said]:
    """Start the delta loop of the unmoved picture from the dragged latents."""
    window = moved.window
    x0 = model.encode(window.pixels())
    start = model.encode(moved.painted) - x0
    delta = yield from change(edit, model, window, pair, x0, purpose, start)
    return moved.warped, decoded(model, x0 + start + edit.settings.strength * (delta - start)), moved.moved.under
