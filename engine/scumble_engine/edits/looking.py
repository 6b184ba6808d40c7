"""What the painter's own looking model is shown of an edit, and what it says of it."""

from __future__ import annotations

from scumble_protocol.errors import ScumbleError
from scumble_protocol.messages import Edit

from ..imaging.arrays import Bytes
from ..models.shelf import Shelf
from .model_window import ModelWindow
from .scene import open_scene

# The longer side of what it looks at; models of this kind see 224 to 512 pixels.
LOOK_PX = 1024


def shown_to(shelf: Shelf, edit: Edit) -> Bytes | None:
    """Return the edit's picture, sRGB u8, or None where nobody looks at it."""
    if shelf.own_guesser is None:
        return None
    scene = open_scene(edit)
    return scene.small_srgb8(scene.whole, LOOK_PX)[0]


def captioned(shelf: Shelf, window: ModelWindow) -> tuple[str, tuple[str, ...]]:
    """Return what a window of the picture shows in the looking model's words ("" = none), and a note where it can't be used."""
    if shelf.own_guesser is None:
        return "", ()
    try:
        return shelf.own_guesser.caption(window.scene.small_srgb8(window.bounds, LOOK_PX)[0]), ()
    except ScumbleError as error:
        return "", (error.sentence,)
