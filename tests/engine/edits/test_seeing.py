from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.assist.prompts import shown_already
from scumble_engine.demo import illustration
from scumble_engine.diffusion.model import DiffusionModel, load_model
from scumble_engine.edits.model_window import open_window
from scumble_engine.edits.reading import known_words, pair_of
from scumble_engine.edits.scene import open_scene
from scumble_engine.edits.seeing import border_color, in_its_place, seen_words
from scumble_engine.models.shelf import Shelf
from scumble_protocol.messages import Edit, Instruction, Picture
from scumble_protocol.pixels import Plane


@pytest.fixture(scope="module")
def model() -> DiffusionModel:
    return load_model("illustrator", "cpu")


def window_of(model: DiffusionModel, samples: np.ndarray):
    plane = Plane(samples.shape[1], samples.shape[0], 3, "u8", samples.tobytes())
    return open_window(open_scene(Edit(Picture(plane), (Instruction("-"),))), model)


def test_the_ground_is_seen_and_the_thing_is_what_was_named(model: DiffusionModel) -> None:
    window, words = window_of(model, illustration()), known_words(model)
    said = seen_words(model, words, window, shown_already("make the mushroom blue", words))
    assert said.endswith("drawing of a mushroom on grass")
    assert said.split()[1] in words.styles
    model.meter.reset()
    assert seen_words(model, words, window, shown_already("turn the mushroom yellow", words)) == said
    assert model.meter.forwards == 0
    assert seen_words(model, words, window, shown_already("make it night", words)) == said  # what is not named is seen


def test_what_is_to_be_added_is_not_said_to_be_there(model: DiffusionModel) -> None:
    window, words = window_of(model, illustration()), known_words(model)
    assert "star" not in seen_words(model, words, window, shown_already("add a star", words))
    assert "of a mushroom" in seen_words(model, words, window, shown_already("put a hat on the mushroom", words))
    assert "of a mushroom" in seen_words(model, words, window, shown_already("a lemon instead of the mushroom", words))


@pytest.mark.parametrize("instruction", ["put it on grass", "make it a flat drawing", "make it a 3d drawing"])
def test_what_was_seen_does_not_stand_against_what_the_painter_asks_for(
    model: DiffusionModel, instruction: str
) -> None:
    picture = illustration()
    plane = Plane(picture.shape[1], picture.shape[0], 3, "u8", picture.tobytes())
    pair, _ = pair_of(
        Edit(Picture(plane), (Instruction(instruction),)), Shelf("illustrator", "cpu"), window_of(model, picture)
    )
    assert "mushroom" in pair.source
    assert pair.source != pair.target


def test_a_subject_is_told_in_the_style_and_on_the_ground_around_it(model: DiffusionModel) -> None:
    window, words = window_of(model, illustration()), known_words(model)
    said = in_its_place(model, words, window, "a yellow star")
    assert said.endswith("drawing of a yellow star on grass")
    assert in_its_place(model, words, window, "") == ""


def test_the_border_names_the_colour_of_a_plain_ground(model: DiffusionModel) -> None:
    pink = np.full((96, 128, 3), (240, 125, 175), np.uint8)
    pink[20:70, 30:90] = (40, 100, 210)
    assert border_color(pink.astype(np.float32) / 255) == "pink"
    window, words = window_of(model, pink), known_words(model)
    said = seen_words(model, words, window, shown_already("make the book red", words))
    assert "book" in said
    assert "pink" in said
