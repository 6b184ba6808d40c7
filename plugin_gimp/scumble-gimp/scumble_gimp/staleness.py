"""Whether what lies beneath a result has changed since it was made."""

from __future__ import annotations

from gi.repository import Gimp
from scumble_protocol.client.recipe import from_json, is_stale
from scumble_protocol.errors import ScumbleError
from scumble_protocol.geometry import Bounds

from . import pixels
from .notes import RECIPE, note
from .source import beneath, stack_of


def is_stale_layer(image: Gimp.Image, result: Gimp.Layer) -> bool:
    """Compare the recipe's region of the source with what it was. A source that is gone, or a damaged recipe, is stale."""
    source = beneath(result)
    try:
        recipe = from_json(note(result, RECIPE))
        canvas = Bounds(0, 0, image.get_width(), image.get_height())
        return (
            source is None
            or not recipe.lies_in(canvas)
            or is_stale(recipe, pixels.read_picture(image, stack_of(source), recipe.region))
        )
    except ScumbleError:
        return True
