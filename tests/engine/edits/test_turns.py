"""Mixed edits: every part does what it does alone, on what the part before it left, and one layer comes of all."""

from __future__ import annotations

import numpy as np
import pytest
from photographs import classical_shelf, laid_over, picture
from scumble_engine.demo import illustration as mushroom
from scumble_engine.edits import choose
from scumble_engine.edits.scene import open_scene
from scumble_engine.edits.turns import joined
from scumble_engine.edits.turns import laid_over as plane_over
from scumble_engine.edits.work import Layer, Sketch
from scumble_engine.imaging.arrays import array_of, plane_of
from scumble_engine.imaging.palette import nearest_color
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import ColorStrokes, Cue, Edit, Handle, Instruction, PromptPair, Provenance, Settings
from strokes import TinyShelf, color, disc, illustration, mask, run, whole_alpha
from tiny_models import tiny_model

PICTURE = illustration()
HANDLE = Handle(Point(40.5, 40.5), Point(64.5, 40.5))
GREEN = PromptPair("a red apple", "a green apple", (), (), "recolor")
BEFORE = mushroom()
PULLED = Handle(Point(320.0, 220.0), Point(420.0, 220.0))
MADE = Provenance("", "warp", "", "", "", 0, 0, "cpu")


def red(samples: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray((samples[..., 0] > 200) & (samples[..., 1] < 100))


def done(*cues: Cue) -> np.ndarray:  # type: ignore[type-arg]
    """Return the mushroom's picture after an edit by the embedded illustrator."""
    layer, _ = run(choose.perform(Edit(picture(BEFORE), cues), classical_shelf(), "final"))
    return laid_over(BEFORE, layer)


def dab() -> tuple[ColorStrokes, np.ndarray]:  # type: ignore[type-arg]
    where = np.zeros(BEFORE.shape[:2], bool)
    where[100:130, 500:530] = True
    return color(where, (250, 205, 60)), where


@pytest.mark.parametrize("method", ["latent", "warp"])
def test_a_drag_with_words_is_one_layer_inside_the_mask(method: str) -> None:
    cues = (HANDLE, GREEN, mask(disc(PICTURE, 48, 40, 36)))
    shelf = TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))
    object.__setattr__(shelf, "fill", classical_shelf().fill)
    edit = Edit(PICTURE, cues, Settings(steps=2, method=method))  # type: ignore[arg-type]
    layer, seen = run(choose.perform(edit, shelf, "final"))  # type: ignore[arg-type]
    alpha = whole_alpha(layer, PICTURE)
    assert alpha[40, 26] > 128
    assert not alpha[~disc(PICTURE, 48, 40, 36)].any()
    assert layer.reading == GREEN
    assert layer.provenance.method == f"{method}+language"
    assert layer.provenance.forwards >= 2
    last = [one for one in seen if isinstance(one, Sketch)][-1]
    assert array_of(last.plane)[..., 3].max() == 255, "what was dragged stays in the previews of the words"


def test_what_is_dragged_and_removed_by_words_is_gone() -> None:
    assert red(done(PULLED, Instruction("remove the mushroom"))).mean() < 0.002


def test_what_is_added_by_words_comes_beside_what_was_dragged() -> None:
    moved, both = done(PULLED), done(PULLED, Instruction("add a star"))
    new = np.abs(both.astype(int) - moved).max(axis=-1) > 24
    assert 0.01 < new.mean() < 0.3
    assert new[red(moved)].mean() < 0.02


def test_words_with_colour_strokes_do_what_they_do_alone() -> None:
    stroke, where = dab()
    after = done(stroke, Instruction("make the mushroom blue"))
    assert nearest_color(after[red(BEFORE)] / 255) == "blue"
    assert nearest_color(after[where] / 255) == "yellow"


def test_a_thing_that_is_named_comes_where_its_colour_was_dabbed() -> None:
    stroke, where = dab()
    new = np.abs(done(stroke, Instruction("a star")).astype(int) - BEFORE).max(axis=-1) > 24
    rows, columns = np.nonzero(new)
    assert new.sum() > 4 * where.sum()
    assert abs(np.median(rows) - 115) < 60
    assert abs(np.median(columns) - 515) < 60


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", ["u8", "u16", "f32"])
def test_both_layers_as_one_look_like_one_after_the_other(channels: int, depth: str) -> None:
    draw = np.random.default_rng(channels)
    top = {"u8": 255, "u16": 65535}.get(depth, 1)
    kind = {"u8": np.uint8, "u16": np.uint16}.get(depth, np.float32)
    samples = (draw.random((20, 30, channels)) * top).astype(kind)
    layers = []
    for bounds in (Bounds(2, 3, 12, 9), Bounds(8, 5, 20, 12)):
        rgba = draw.random((bounds.height, bounds.width, 4))
        rgba[..., :3] = rgba[..., :1] if channels <= 2 else rgba[..., :3]
        layers.append(Layer(bounds, plane_of((rgba * top).astype(kind), depth), MADE))  # type: ignore[arg-type]
    sent = picture(samples)
    one = plane_over(sent.plane, joined(open_scene(Edit(sent, ())), *layers))
    after = plane_over(plane_over(sent.plane, layers[0]), layers[1])
    apart = np.abs(array_of(one).astype(float) - array_of(after)).max() / top
    assert apart < 0.02
    assert np.array_equal(array_of(one)[17:], samples[17:])
