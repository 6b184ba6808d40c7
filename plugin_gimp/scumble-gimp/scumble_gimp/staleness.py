"""Whether what lies beneath a result has changed since it was made."""

from __future__ import annotations

from gi.repository import Gimp
from scumble_protocol.client.recipe import Recipe, is_stale
from scumble_protocol.geometry import Bounds

from .seen import read_seen
from .source import beneath


def is_stale_layer(image: Gimp.Image, result: Gimp.Layer, recipe: Recipe | None) -> bool:
    """Compare the recipe's region with what it was. A damaged recipe (None), or a source or region that is gone, is stale.

    Reads pixels. Raises RequestError for a picture that can't be read.
    """
    source, canvas = beneath(result), Bounds(0, 0, image.get_width(), image.get_height())
    if recipe is None or source is None or not recipe.lies_in(canvas):
        return True
    return is_stale(recipe, read_seen(image, source, recipe.region))
