"""One thing in another's place: nothing of the old one stays, and nothing but the new one comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scumble_engine.edits.ground import figure_in
from scumble_engine.edits.model_window import ModelWindow
from scumble_engine.edits.scene import open_scene
from scumble_engine.edits.steps import Doing, Placed, Reading, walk
from scumble_engine.edits.ways import EXCHANGE
from scumble_engine.edits.work import Layer
from scumble_engine.imaging.arrays import array_of, plane_of
from scumble_engine.imaging.figure import new_thing
from scumble_engine.models.photo_fill import ClassicalFill
from scumble_protocol.messages import Edit, PromptPair, Settings
from scumble_protocol.pixels import Picture
from strokes import TinyShelf
from tiny_models import tiny_model

PAIR = PromptPair("a red disc", "a blue pear", (), (), "replace")
ROWS, COLUMNS = np.mgrid[:96, :128]
DISC = (ROWS - 48) ** 2 + (COLUMNS - 64) ** 2 < 18**2
FAR = (abs(ROWS - 48) > 42) | (abs(COLUMNS - 64) > 42)  # beyond the box of latents around it


def found_at(placed: Placed) -> Callable[..., Doing[Placed]]:
    """Return a place step that knows the place."""

    def place(reading: Reading, before: Placed | None) -> Doing[Placed]:
        return placed
        yield

    return place


def exchanged(depth: str = "u8", strength: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture and the layer over it, (96, 128, 4), after a tiny random model painted in the disc's place."""
    full = 255 if depth == "u8" else 65535
    samples = np.where(DISC[..., None], (200, 30, 40), (120, 190, 220)) * (full // 255)
    picture = samples.astype(np.uint8 if depth == "u8" else np.uint16)
    edit = Edit(Picture(plane_of(picture, depth)), (PAIR,), Settings(steps=2, strength=strength))  # type: ignore[arg-type]
    scene = open_scene(edit)
    window = ModelWindow(scene, scene.whole, (128, 96))
    figure = figure_in(window)
    assert figure is not None
    shelf = TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))
    object.__setattr__(shelf, "fill", ClassicalFill())
    reading = Reading(edit, shelf, "final", window, PAIR)  # type: ignore[arg-type]
    work = walk(reading, replace(EXCHANGE, place=found_at(Placed(window, figure))))
    try:
        while True:
            assert not isinstance(next(work), Layer)
    except StopIteration as end:
        place, plane, _ = end.value
    layer = np.zeros((96, 128, 4), picture.dtype)
    layer[place.y : place.bottom, place.x : place.right] = array_of(plane)
    return picture, layer


@pytest.mark.parametrize("depth", ["u8", "u16"])
def test_the_old_thing_is_gone_and_what_lies_far_is_not_touched(depth: str) -> None:
    _, layer = exchanged(depth)
    assert (layer[DISC][:, 3] == np.iinfo(layer.dtype).max).all()
    assert not layer[FAR][:, 3].any()


def test_strength_is_how_much_of_it_is_seen() -> None:
    _, half = exchanged(strength=0.5)
    assert np.abs(half[DISC][:, 3].astype(int) - 128).max() <= 1
    _, none = exchanged(strength=0.0)
    assert not none[..., 3].any()


def test_only_what_stands_out_and_is_new_is_the_thing() -> None:
    before = np.full((96, 128, 3), 0.7, np.float32)
    before[5:20, 5:20] = (0.1, 0.6, 0.1)  # stood there before
    after = before + np.random.default_rng(0).normal(0, 0.003, before.shape).astype(np.float32)
    after[30:70, 50:90] = (0.1, 0.2, 0.8)
    thing = new_thing(before, after)
    assert thing[34:66, 54:86].all()
    assert not thing[:26].any()
    assert not thing[:, 96:].any()
