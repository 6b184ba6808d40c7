"""A new ground leaves the figure alone, and a new figure the ground, where nothing is selected."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.edits.finishing import KEPT_NOTE, UNSEEN_NOTE
from scumble_engine.edits.ground import behind, figure_in, on_figure
from scumble_engine.edits.language import language
from scumble_engine.edits.model_window import ModelWindow
from scumble_engine.edits.scene import open_scene
from scumble_engine.imaging.arrays import array_of, plane_of
from scumble_engine.imaging.mask import extent, grow
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, PromptPair, Settings
from scumble_protocol.pixels import Picture, Plane
from strokes import TinyShelf, disc, illustration, mask, run, whole_alpha
from tiny_models import tiny_model

GRASS = PromptPair("a red apple", "a red apple on grass", (), ("apple",), "background")
PICTURE = illustration()
CORE, FAR = disc(PICTURE, 40, 40, 15), ~disc(PICTURE, 40, 40, 30)


def window(picture: Picture = PICTURE) -> ModelWindow:
    scene = open_scene(Edit(picture, ()))
    return ModelWindow(scene, scene.whole, (96, 80))


def whole_layer(color: tuple[int, int, int]) -> tuple[Bounds, Plane]:
    samples = np.full((80, 96, 4), (*color, 255), np.uint8)
    return extent(samples), plane_of(samples, "u8")


@pytest.mark.parametrize("depth", ["u8", "u16"])
def test_the_figure_keeps_its_pixels_when_the_ground_changes(depth: str) -> None:
    picture, shelf = illustration(depth=depth), TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))
    layer, _ = run(language(Edit(picture, (GRASS,), Settings(steps=2)), shelf, "final"))  # type: ignore[arg-type]
    alpha = whole_alpha(layer, picture)
    assert not alpha[CORE].any()
    assert alpha[FAR].max() > 0
    assert KEPT_NOTE in layer.notes


def test_with_a_selection_the_painter_decides_and_an_empty_ground_has_no_figure() -> None:
    shelf = TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))
    edit = Edit(PICTURE, (GRASS, mask(disc(PICTURE, 40, 40, 25))), Settings(steps=2))
    layer, _ = run(language(edit, shelf, "final"))  # type: ignore[arg-type]
    assert whole_alpha(layer, PICTURE)[CORE].any()
    assert KEPT_NOTE not in layer.notes
    empty = Picture(plane_of(np.full((80, 96, 3), 120, np.uint8), "u8"))
    layer, _ = run(language(Edit(empty, (GRASS,), Settings(steps=2)), shelf, "final"))  # type: ignore[arg-type]
    assert UNSEEN_NOTE in layer.notes


def test_a_ground_behind_a_figure_is_seen_up_to_its_edge() -> None:
    figure = figure_in(window())
    assert figure is not None
    assert figure[CORE].min() == 1.0
    assert figure[FAR].max() == 0.0
    place, plane = behind(window(), *whole_layer((10, 200, 10)), figure, 3.0)
    samples = np.zeros((80, 96, 4), np.uint8)
    samples[place.y : place.bottom, place.x : place.right] = array_of(plane)
    assert (samples[FAR] == (10, 200, 10, 255)).all()
    beside = grow(figure > 0.5, 2.0) & (figure == 0)
    assert beside.any()
    assert (samples[beside] == (10, 200, 10, 255)).all()  # nothing of the old ground stays around it


def test_a_new_figure_leaves_the_far_ground_unless_it_is_elsewhere() -> None:
    figure = figure_in(window())
    assert figure is not None
    samples = np.zeros((80, 96, 4), np.uint8)
    samples[CORE] = (10, 200, 10, 255)
    samples[70:74, 80:90] = (10, 200, 10, 255)
    after = array_of(PICTURE.plane)[..., :3].astype(np.float32) / 255
    wide = grow(CORE, 10.0)
    samples[wide], after[wide] = (10, 200, 10, 255), (0.04, 0.8, 0.04)
    bounds, plane = on_figure(window(), extent(samples), plane_of(samples, "u8"), figure, after)
    assert bounds.right < 75
    shown = np.zeros((80, 96), np.uint8)
    shown[bounds.y : bounds.bottom, bounds.x : bounds.right] = array_of(plane)[..., 3]
    assert shown[wide].min() == 255  # the new thing is larger than the old one
    assert array_of(plane)[..., 3].max() == 255
    samples[wide] = 0
    elsewhere = plane_of(samples, "u8")
    assert on_figure(window(), extent(samples), elsewhere, figure, after) == (extent(samples), elsewhere)
