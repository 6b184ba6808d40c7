"""The document's selection, read and made: what may change, or what the handles hold."""

from __future__ import annotations

from krita import Document, Krita, Selection
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Plane

from .qt import QByteArray


def selection_bounds(document: Document) -> Bounds | None:
    """Say where something is selected; None when nothing is."""
    selection = document.selection()
    if selection is None:
        return None
    bounds = Bounds(selection.x(), selection.y(), selection.width(), selection.height())
    return None if bounds.empty else bounds


def selection_plane(document: Document, bounds: Bounds) -> Plane | None:
    """Return how far each pixel of `bounds` is selected, 0..255; None when nothing is."""
    selection = document.selection()
    if selection is None or selection_bounds(document) is None:
        return None
    raw = selection.pixelData(bounds.x, bounds.y, bounds.width, bounds.height).data()
    return Plane(bounds.width, bounds.height, 1, "u8", raw)


def choose(document: Document, bounds: Bounds, plane: Plane | None) -> None:
    """Make this the selection of the document in front, in place of what is selected; None selects nothing.

    By Krita's own actions, for a selection that a script sets has no outline on the canvas and can't be undone.
    """
    if plane is None:
        if document.selection() is not None:
            _act(document, "deselect")
        return
    _act(document, "select_all")
    chosen = document.selection()
    if chosen is None:
        chosen = Selection()
        document.setSelection(chosen)
    chosen.clear()
    chosen.select(bounds.x, bounds.y, bounds.width, bounds.height, 255)
    chosen.setPixelData(QByteArray(bytes(plane.data)), bounds.x, bounds.y, bounds.width, bounds.height)


def _act(document: Document, name: str) -> None:
    action = Krita.instance().action(name)
    if action is not None:
        action.trigger()
    document.waitForDone()
