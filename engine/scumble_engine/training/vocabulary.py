"""What the illustrator can be asked for, as plain data: written beside the weights for whoever turns words into prompts."""

from __future__ import annotations

from typing import Any

from scumble_engine.imaging.palette import PALETTE
from scumble_engine.training.captions import GROUND_WORDS, STYLE_WORDS
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.scenes import BACKGROUNDS, COLORED_BACKGROUNDS


def vocabulary(recipe: Recipe) -> dict[str, Any]:
    """Return concepts with plurals and synonyms, colours, styles and backgrounds with the words that training used.

    Shape: {"prompt", "size_px", "concepts": {name: {"plural", "synonyms"}}, "colors": {name: "#rrggbb"},
    "styles": {name: [adjective]}, "backgrounds": {kind: {"phrases": [phrase], "colored": bool}}}. In a phrase, {color}
    stands for a colour's name. "prompt" is the pattern of the plainest caption.
    """
    return {
        "prompt": "a {style} drawing of a {color} {concept} {background phrase}",
        "size_px": recipe.size_px,
        "concepts": {c.name: {"plural": c.plural, "synonyms": list(c.synonyms)} for c in recipe.concepts},
        "colors": {name: "#{:02x}{:02x}{:02x}".format(*rgb) for name, rgb in PALETTE.items()},
        "styles": {style: list(STYLE_WORDS[style]) for style in recipe.styles},
        "backgrounds": {
            kind: {"phrases": list(GROUND_WORDS[kind]), "colored": kind in COLORED_BACKGROUNDS} for kind in BACKGROUNDS
        },
    }
