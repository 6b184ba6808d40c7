"""What a picture shows, in the words that the model was taught: the source prompt that the painter need not write.

A prompt pair that names only the thing ("a mushroom" -> "an apple") asks for the ground that the model likes best, too; with
the style and the ground named on both sides they stay.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
from torch import Tensor

from ..assist.phrases import Phrase, describe, find_phrase
from ..assist.vocabulary import Vocabulary
from ..diffusion.likely import likeliest
from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Floats
from ..imaging.palette import nearest_color
from .model_window import ModelWindow

# Grounds and styles show through much noise. (Things don't: asked for one of its 64, the illustrator was wrong more often than not.)
TIMESTEPS = (600,)
KEPT = 32


def seen_words(model: DiffusionModel, words: Vocabulary, window: ModelWindow, instruction: str) -> str:
    """Return such as "a flat drawing of a mushroom on grass" for what a window shows.

    The thing is what the instruction names first. "" for models that were not taught a vocabulary.
    """
    if not model.taught or words.open:
        return ""
    x0, named = model.encode(window.pixels()), find_phrase(instruction, words)
    about = f" of {_thing(named)}" if named else ""
    memory: OrderedDict[str, str] = model.memories.setdefault("seen", OrderedDict())
    key = hashlib.sha256(x0.cpu().numpy().tobytes() + about.encode()).hexdigest()
    if key not in memory:
        memory[key] = _look(model, words, x0, about, border_color(window.small()))
        while len(memory) > KEPT:
            memory.popitem(last=False)
    return memory[key]


def in_its_place(model: DiffusionModel, words: Vocabulary, window: ModelWindow, subject: str) -> str:
    """Say a subject ("a yellow star") as a whole caption, in the style and on the ground of the picture around it."""
    named = find_phrase(subject, words)
    seen = seen_words(model, words, window, subject) if named else ""
    return seen.replace(_thing(named), subject, 1) if named and seen else subject


def _thing(named: Phrase) -> str:
    return describe(Phrase("", named.noun, plural=named.plural))


def _look(model: DiffusionModel, words: Vocabulary, x0: Tensor, about: str, color: str) -> str:
    """Choose the ground first, then the style: a forward for each word and not for each pair of them."""
    grounds = [f"a drawing{about} {ground.format(color=color)}" for ground in words.grounds]
    chosen = grounds[likeliest(model, x0, grounds, TIMESTEPS)]
    styles = [chosen.replace("a drawing", f"a {style} drawing", 1) for style in words.styles]
    return styles[likeliest(model, x0, styles, TIMESTEPS)] if styles else chosen


def border_color(pixels: Floats) -> str:
    """Return the colour word nearest to the middle value of a picture's border (h, w, 3), sRGB 0..1."""
    return nearest_color(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]))
