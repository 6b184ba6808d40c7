"""What a picture shows, in the words that the model was taught: the source prompt that the painter need not write.

A prompt pair that names only the thing ("a mushroom" -> "an apple") asks for the ground that the model likes best, too; with
the style and the ground named on both sides they stay.
"""

from __future__ import annotations

import numpy as np
from scumble_protocol.geometry import Bounds

from ..assist.phrases import Phrase, describe, find_phrase
from ..assist.scene_net import SceneReader, load_scene_net
from ..assist.vocabulary import Vocabulary, with_article
from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Floats
from ..imaging.flat import is_flat
from ..imaging.palette import nearest_color
from ..imaging.plain import is_plain
from .model_window import ModelWindow, open_window

STRANGE_NOTE = (
    "This picture is unlike what the illustrator paints (it knows illustrations, not photographs); drag with the method warp, "
    "or take another --model."
)

PLAIN = "on a {color} background"


def seen_words(model: DiffusionModel, words: Vocabulary, window: ModelWindow, named: Phrase | None) -> str:
    """Return such as "a flat drawing of a mushroom on grass" for what a window shows.

    The thing is what was named as being there, else what is seen. "" for models that were not taught a vocabulary, or not taught to see.
    """
    reader = _reader(model)
    if reader is None:
        return ""
    seen = reader.read(model.encode(window.pixels()))
    thing = _thing(named) if named else with_article(seen.thing) if seen.thing else ""
    about = f" of {thing}" if thing else ""
    return f"a {seen.style} drawing{about} {seen.ground.format(color=border_color(window.small()))}"


def thing_alone(shown: str, words: Vocabulary) -> str:
    """Say of what is shown the thing alone, without its style, colour and ground; "" in a vocabulary that is open."""
    named = None if words.open else find_phrase(shown, words)
    return f"a drawing of {_thing(named)}" if named else ""


def in_its_place(
    model: DiffusionModel, words: Vocabulary, window: ModelWindow, subject: str, place: Bounds | None = None
) -> str:
    """Say a subject ("a yellow star") as a whole caption, in the style and on the ground of the picture around it.

    Where its `place`, in pixels of the picture, is a plain part of a scene, it is on that: in the sky over a meadow it is not on grass.
    """
    named, reader = find_phrase(subject, words), _reader(model)
    if named is None or reader is None:
        return subject
    seen, pixels = reader.read(model.encode(window.pixels())), window.small()
    ground = seen.ground
    if place is not None and "{color}" not in ground:
        there = open_window(window.scene, model, place, 0.0).small()
        pixels, ground = (there, PLAIN) if is_plain(there) else (pixels, ground)
    return f"a {seen.style} drawing of {subject} {ground.format(color=border_color(pixels))}"


def _thing(named: Phrase) -> str:
    return describe(Phrase("", named.noun, plural=named.plural))


def _reader(model: DiffusionModel) -> SceneReader | None:
    """Return the network that sees, loaded once; None for a model that has none."""
    if model.profile.seeing is None:
        return None
    if "scene_net" not in model.memories:
        model.memories["scene_net"] = load_scene_net(model.profile.seeing)
    found: SceneReader | None = model.memories["scene_net"]
    return found


def strangeness(model: DiffusionModel, window: ModelWindow) -> tuple[str, ...]:
    """Say so where a picture is unlike all that a model was taught; models of the open world are taken at their word."""
    return (STRANGE_NOTE,) if model.profile.vocabulary is not None and not is_flat(window.small()) else ()


def border_color(pixels: Floats) -> str:
    """Return the colour word nearest to the middle value of a picture's border (h, w, 3), sRGB 0..1."""
    return nearest_color(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]), of_ground=True)
