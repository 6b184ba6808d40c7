"""Painting anew: only where the delta loop changed much, and only in what may change."""

from __future__ import annotations

import torch
from scumble_engine.edits.model_window import ModelWindow
from scumble_engine.edits.painting import CHANGED, STEPS, boxed, polished, strong
from scumble_engine.edits.scene import open_scene
from scumble_engine.edits.steps import Placed, Reading
from scumble_protocol.messages import Edit, PromptPair
from strokes import TinyShelf, disc, illustration, mask
from tiny_models import tiny_model

PAIR = PromptPair("a red apple", "a blue pear", (), (), "replace")
PICTURE = illustration(128, 128)


def test_the_box_around_what_changed_has_room_for_another_shape() -> None:
    delta = torch.full((1, 4, 16, 16), 1e-3)
    delta[..., 5:8, 6:12] = 1.0
    box = boxed(strong(delta, CHANGED))
    assert box.sum() == 5 * 8
    assert box[0, 0, 4:9, 5:13].min() == 1
    assert boxed(strong(torch.zeros(1, 4, 8, 8), CHANGED)).sum() == 0


def test_a_polished_change_is_another_inside_and_the_same_outside_and_under_the_mask() -> None:
    allowed = ~disc(PICTURE, 64, 0, 46)
    edit = Edit(PICTURE, (PAIR, mask(allowed)))
    scene = open_scene(edit)
    window = ModelWindow(scene, scene.whole, (128, 128))
    x0 = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    delta = torch.zeros_like(x0)
    delta[..., 5:8, 6:12] = 1.0
    reading = Reading(edit, TinyShelf(tiny_model("sd1")), "final", window, PAIR)  # type: ignore[arg-type]
    work, steps = polished(reading, Placed(window, None, x0, delta)), 0
    try:
        while next(work):
            steps += 1
    except StopIteration as end:
        better = end.value.delta
    assert steps == STEPS
    may = window.latent_mask(8)
    assert may is not None
    inside = (boxed(strong(delta, CHANGED)) * may).bool().expand_as(x0)
    assert torch.equal(better[~inside], delta[~inside])
    assert (better - delta)[inside].abs().max() > 0.01
