"""A thing added by words comes where there is room, or where the painter wants it, and what stands there already stays."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.assist.vocabulary import Thing, Vocabulary
from scumble_engine.edits.free_place import place_for
from scumble_engine.edits.model_window import ModelWindow
from scumble_engine.edits.reading import subject_of
from scumble_engine.edits.scene import open_scene
from scumble_engine.imaging.arrays import plane_of
from scumble_protocol.messages import Cue, Edit, PromptPair
from scumble_protocol.pixels import Picture
from strokes import mask

ROWS, COLUMNS = np.mgrid[:96, :160]
WORDS = Vocabulary((Thing("star", "stars"), Thing("hat", "hats"), Thing("owl", "owls")), ("red",))


def window(x: int, y: int, *cues: Cue) -> ModelWindow:
    """Open a picture with a dark disc at (x, y)."""
    disc = (ROWS - y) ** 2 + (COLUMNS - x) ** 2 < 18**2
    samples = np.where(disc[..., None], (60, 30, 90), (230, 220, 200)).astype(np.uint8)
    scene = open_scene(Edit(Picture(plane_of(samples, "u8")), cues))
    return ModelWindow(scene, scene.whole, (128, 80))


def test_the_free_side_is_taken() -> None:
    assert place_for(window(120, 48), "add a hat").right <= 104
    assert place_for(window(40, 48), "add a hat").x >= 56


@pytest.mark.parametrize(("relation", "axis", "sign"), [("to the left of", 0, -1), ("to the right of", 0, 1)])
def test_a_relation_is_kept_to(relation: str, axis: int, sign: int) -> None:
    place = place_for(window(80, 48), f"add a star {relation} the disc")
    middle = (place.x + place.width / 2, place.y + place.height / 2)
    assert sign * (middle[axis] - 80) > 20


def test_on_a_thing_is_on_its_top() -> None:
    place = place_for(window(80, 60), "put a hat on the disc", on_a_thing=True)
    assert abs(place.x + place.width / 2 - 80) <= 2
    assert place.y < 42 < place.bottom < 60


def test_the_largest_piece_of_a_selection_is_the_place() -> None:
    selected = np.zeros((96, 160), bool)
    selected[20:60, 100:140] = selected[0:3, 0:160] = True
    place = place_for(window(40, 48, mask(selected)), "add a hat")
    assert (place.x, place.y, place.width, place.height) == (100, 20, 40, 40)


@pytest.mark.parametrize(
    ("source", "target", "noun", "said"),
    [
        ("a flat drawing of a cat on grass", "a flat drawing of a cat and a red hat on grass", "hat", "a red hat"),
        ("a red apple", "a red apple and two red stars", "stars", "two red stars"),
        ("a red apple", "a red apple and stars", "stars", "stars"),
        ("a cat", "a cat and an owl", "owl", "an owl"),
    ],
)
def test_only_the_new_thing_is_painted(source: str, target: str, noun: str, said: str) -> None:
    assert subject_of(PromptPair(source, target, (noun,), (), "add"), WORDS) == said
