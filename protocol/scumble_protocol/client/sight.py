"""What an edit sees and what bounds it, by the same rules in every host. Pure: hosts hand in their own layers and masks."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from ..geometry import NOWHERE, Bounds
from ..pixels import Plane
from ..wording import Sentence, said
from .packing import painted_bounds

T = TypeVar("T")
BAND_ROWS = 256  # masks are looked through in bands, so that a canvas of 16,000 px needs no copy of itself


def edited_sentence(name: str) -> Sentence:
    """Say which layer is edited, and that an edit sees more than its own pixels."""
    return said("Edits the layer “{name}”, with all that shows beneath it", name=name)


def stack_of(layer: T, beneath: Callable[[T], T | None], key: Callable[[T], Hashable]) -> list[T]:
    """Return the layer and, for a result, what it was painted over, from the top down: an edit may stand on an edit.

    A result has pixels where it changed something only; words alone are about all of what it stands on.
    """
    stack, below = [layer], beneath(layer)
    while below is not None and key(below) not in {key(other) for other in stack}:
        stack.append(below)
        below = beneath(below)
    return stack


def bounding(selection: T | None, layer_mask: Callable[[], T | None], moves: bool) -> tuple[T | None, T | None]:
    """Return (what may change, what the handles hold).

    What may change is the selection, or where nothing is selected the layer's own mask, if that hides something. With `moves` (drags are
    placed, and the painter says that the selection is what moves) the handles hold the selection, and the mask alone bounds the edit.
    """
    if moves and selection is not None:
        return layer_mask(), selection
    return (selection if selection is not None else layer_mask()), None


def open_bounds(canvas: Bounds, read: Callable[[Bounds], bytes]) -> Bounds:
    """Return where a mask or stroke layer of one byte a pixel is not 0; `read` returns its samples at given bounds."""
    found = NOWHERE
    for band in _bands(canvas):
        data = read(band)
        if data.strip(b"\0"):
            found = found.united(painted_bounds(Plane(band.width, band.height, 1, "u8", data)).moved(band.x, band.y))
    return found


def hides_something(canvas: Bounds, read: Callable[[Bounds], bytes]) -> bool:
    """Say whether such a mask hides anything at all: a new one, all 255, does not."""
    return any(read(band).strip(b"\xff") for band in _bands(canvas))


def _bands(canvas: Bounds) -> list[Bounds]:
    tops = range(canvas.y, canvas.bottom, BAND_ROWS)
    return [Bounds(canvas.x, top, canvas.width, min(BAND_ROWS, canvas.bottom - top)) for top in tops]
