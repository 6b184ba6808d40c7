"""What words do to the illustration, by the embedded illustrator: the thing that was named changes, and only it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scumble_engine.demo import illustration
from scumble_engine.edits.language import language
from scumble_engine.imaging.arrays import array_of, plane_of
from scumble_engine.imaging.blend import apply_layer
from scumble_engine.imaging.mask import extent
from scumble_engine.imaging.palette import nearest_color
from scumble_engine.models.shelf import Shelf
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Edit, Instruction, Settings
from scumble_protocol.pixels import Picture
from skimage.draw import polygon2mask
from strokes import run, whole_alpha

BEFORE = illustration()
HEIGHT, WIDTH = BEFORE.shape[:2]
MUSHROOM = (
    *((320 + 196 * math.cos(math.radians(a)), 352 - 190 * math.sin(math.radians(a))) for a in range(0, 181, 15)),
    *((126, 405), (140, 428), (262, 430), (230, 520), (250, 552), (392, 552), (410, 520), (380, 430), (500, 428)),
    (516, 405),
)
THING = polygon2mask((HEIGHT, WIDTH), np.array(MUSHROOM)[:, ::-1])
RED = (BEFORE[..., 0] > 200) & (BEFORE[..., 1] < 100)
STEM = (slice(450, 530), slice(280, 350))


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return Shelf("illustrator", "cpu")


def said(shelf: Shelf, words: str, **settings: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture after an instruction, u8, and the layer's alpha."""
    picture = Picture(plane_of(BEFORE, "u8"))
    edit = Edit(picture, (Instruction(words),), Settings(**settings))  # type: ignore[arg-type]
    layer, _ = run(language(edit, shelf, "final"))
    rgba = array_of(layer.plane).astype(np.float32) / 255
    assert extent(rgba).width == layer.bounds.width
    after = apply_layer(BEFORE.astype(np.float32) / 255, rgba, layer.bounds)
    return np.rint(after * 255).astype(np.uint8), whole_alpha(layer, picture)


def test_what_is_removed_goes_whole(shelf: Shelf) -> None:
    after, alpha = said(shelf, "remove the mushroom")
    assert alpha[THING].min() == 255
    assert nearest_color(after[STEM].reshape(-1, 3) / 255) == "green"
    assert not ((after[..., 0] > 180) & (after[..., 1] < 120)).any()
    assert not alpha[:60].any()


@pytest.mark.parametrize("color", ["blue", "purple", "green"])
def test_a_recolouring_reaches_the_colour_that_was_named_and_stays_on_the_thing(shelf: Shelf, color: str) -> None:
    after, alpha = said(shelf, f"make the mushroom {color}")
    assert nearest_color(after[RED] / 255) == color
    assert alpha[~THING].mean() < 4


def test_half_the_strength_is_half_the_way(shelf: Shelf) -> None:
    full, half = (said(shelf, "make the mushroom blue", strength=s)[0][RED].mean(axis=0) for s in (1.0, 0.5))
    red = BEFORE[RED].mean(axis=0)
    assert np.abs((half - red) / (full - red) - 0.5).max() < 0.2


def test_nothing_of_a_replaced_thing_stays(shelf: Shelf) -> None:
    after, alpha = said(shelf, "replace the mushroom with a lemon")
    assert alpha[THING].min() == 255
    spots = (np.abs(after.astype(int) - (251, 181, 172)).max(axis=-1) < 12) & THING
    assert spots.mean() < 0.002
    assert not alpha[:40].any()


@pytest.mark.parametrize(("words", "sentence"), [("remove the mushroom", "by hand"), ("add a star", "transparent")])
def test_on_a_transparent_layer_there_is_nothing_behind_a_thing(shelf: Shelf, words: str, sentence: str) -> None:
    alone = np.concatenate([BEFORE, 255 * THING[..., None].astype(np.uint8)], axis=2)
    with pytest.raises(RequestError, match=sentence):
        run(language(Edit(Picture(plane_of(alone, "u8")), (Instruction(words),)), shelf, "final"))


def test_what_is_added_leaves_what_stands_there(shelf: Shelf) -> None:
    _, alpha = said(shelf, "add a star")
    assert 0.01 < (alpha > 128).mean() < 0.3
    assert not alpha[300:340, 300:340].any()
