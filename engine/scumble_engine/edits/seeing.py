"""What a picture shows, in the words that the model was taught: the source prompt that the painter need not write.

A prompt pair that names only the thing ("a mushroom" -> "an apple") asks for the ground that the model likes best, too; with
the style and the ground named on both sides they stay.
"""

from __future__ import annotations

import numpy as np

from ..assist.phrases import Phrase, describe, find_phrase
from ..assist.scene_net import SceneReader, load_scene_net
from ..assist.vocabulary import Vocabulary, with_article
from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Floats
from ..imaging.flat import is_flat
from ..imaging.palette import nearest_color
from .model_window import ModelWindow

STRANGE_NOTE = (
    "This picture is unlike what the illustrator paints (it knows illustrations, not photographs); drag with the method warp, "
    "or take another --model."
)


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


def in_its_place(model: DiffusionModel, words: Vocabulary, window: ModelWindow, subject: str) -> str:
    """Say a subject ("a yellow star") as a whole caption, in the style and on the ground of the picture around it."""
    named = find_phrase(subject, words)
    seen = seen_words(model, words, window, named) if named else ""
    return seen.replace(_thing(named), subject, 1) if named and seen else subject


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
