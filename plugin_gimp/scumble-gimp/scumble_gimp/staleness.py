"""Whether what lies beneath a result has changed since it was made: GIMP's pixels are read here, hashed beside the main thread."""

from __future__ import annotations

from gi.repository import Gimp
from scumble_protocol.client.recipe import Recipe
from scumble_protocol.client.staleness import StaleWatch
from scumble_protocol.geometry import Bounds

from .seen import read_seen
from .source import beneath


def have_compared(watch: StaleWatch, image: Gimp.Image, result: Gimp.Layer, recipe: Recipe | None) -> None:
    """Have the recipe's region compared with what it was; the watch knows the result by its id.

    A damaged recipe (None), or a source or region that is gone, is stale.
    Reads pixels. Raises RequestError for a picture that can't be read.
    """
    key = str(result.get_id())
    source, canvas = beneath(result), Bounds(0, 0, image.get_width(), image.get_height())
    if recipe is None or source is None or not recipe.lies_in(canvas):
        watch.found_stale(key)
    else:
        watch.look(key, recipe, read_seen(image, source, recipe.region))
