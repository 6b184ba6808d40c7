"""The three stroke layers: add, subtract and colour, which the painter paints on with Krita's own brushes.

They are sRGB of 8 bits whatever the document is, so that reading them needs no conversion.
"""

from __future__ import annotations

from krita import Document, Node
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Plane

from .beneath import new_layer
from .nodes import children, find_helper, id_of, is_used, set_helper
from .qt import QByteArray, QImage
from .spaces import SRGB_U8, converted, space_of, swapped
from .words import say

ROLES = ("add", "subtract", "color")
NAMES = {"add": "Scumble: add", "subtract": "Scumble: remove", "color": "Scumble: colour"}
# Colours that the add and subtract tools paint in; for "color" the painter's own colour is the message.
PAINTS = {"add": "#1fbf6b", "subtract": "#e2483d"}
SMALL_PX = 64


def layer(document: Document, role: str) -> Node | None:
    """Return the stroke layer in use; one that is hidden is not."""
    node = find_helper(document, role)
    return node if node is not None and node.visible() else None


def ready_layer(document: Document, role: str) -> Node:
    """Return the stroke layer to paint on: shown if it was hidden; a fresh one when there is none or an edit used it up."""
    known = find_helper(document, role)
    if known is not None and (known.visible() or not is_used(document, role)):
        known.setVisible(True)
        return known
    if known is not None:
        known.remove()
    return put(document, role, None, b"")


def put(document: Document, role: str, bounds: Bounds | None, bgra: bytes) -> Node:
    """Add a stroke layer on top of everything, filled with these bytes at `bounds`."""
    with new_layer(document, say(NAMES[role]), SRGB_U8) as fresh:
        if bounds is not None:
            fresh.setPixelData(QByteArray(bgra), bounds.x, bounds.y, bounds.width, bounds.height)
        tops = children(document.rootNode())
        if not document.rootNode().addChildNode(fresh, tops[-1] if tops else None):
            raise RequestError(say("Krita would not add the layer for your strokes."), "not-placed")
        identity = id_of(fresh)
        set_helper(document, role, identity)
    found = find_helper(document, role)
    if found is None:
        raise RequestError(say("Krita would not add the layer for your strokes."), "not-placed")
    return found


def put_plane(document: Document, role: str, bounds: Bounds, plane: Plane) -> Node:
    """Add a stroke layer that shows a recipe's strokes again."""
    raw = bytes(plane.data)
    return put(
        document,
        role,
        bounds,
        _painted(raw, role) if plane.channels == 1 else swapped(raw, plane.width, plane.height, "U8"),
    )


def _painted(alpha: bytes, role: str) -> bytes:
    red, green, blue = (int(PAINTS[role][at : at + 2], 16) for at in (1, 3, 5))
    bgra = bytearray(bytes((blue, green, red, 0)) * len(alpha))
    bgra[3::4] = alpha
    return bytes(bgra)


def painted_bounds(document: Document, role: str) -> Bounds | None:
    """Say where there is paint on a stroke layer; None when there is none."""
    node = layer(document, role)
    if node is None:
        return None
    box = node.bounds()
    bounds = Bounds(box.x(), box.y(), max(0, box.width()), max(0, box.height()))
    return None if bounds.empty else bounds


def small_picture(document: Document, role: str) -> QImage | None:
    """Return a thumbnail of a stroke layer (some 10 µs), by which a change of the strokes is noticed; None when there is no layer."""
    node = layer(document, role)
    return node.thumbnail(SMALL_PX, SMALL_PX) if node is not None else None


def read(document: Document, role: str, bounds: Bounds) -> Plane | None:
    """Return the strokes inside `bounds`: alpha for add and subtract, sRGB and alpha for colour; None when there are none."""
    node = layer(document, role)
    if node is None or painted_bounds(document, role) is None:
        return None
    size = (bounds.width, bounds.height)
    raw = node.pixelData(bounds.x, bounds.y, *size).data()
    bgra = converted(raw, size, space_of(node), SRGB_U8)
    if role == "color":
        return Plane(*size, 4, "u8", swapped(bgra, *size, "U8"))
    return Plane(*size, 1, "u8", bgra[3::4])


def remove(document: Document, role: str) -> None:
    node = find_helper(document, role)
    if node is not None:
        node.remove()
