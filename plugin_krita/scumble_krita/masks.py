"""A layer's transparency mask, which bounds an edit of the layer where nothing is selected."""

from __future__ import annotations

from krita import Document, Node
from scumble_protocol.client.sight import hides_something, open_bounds
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Plane

from .nodes import children

KIND = "transparencymask"


def layer_of(node: Node) -> Node:
    """Return the layer that a transparency mask belongs to: who is on the mask means its layer. Any other node is itself."""
    return (node.parentNode() or node) if node.type() == KIND else node


def layer_mask(source: Node) -> Node | None:
    """Return the topmost transparency mask that is on; None when there is none."""
    return next((node for node in reversed(children(source)) if node.type() == KIND and node.visible()), None)


def bounding_mask(document: Document, source: Node) -> Node | None:
    """Return the layer's mask if it hides anything of the canvas. Reads its pixels."""
    mask = layer_mask(source)
    if mask is None:
        return None
    return mask if hides_something(_canvas(document), lambda band: _samples(mask, band)) else None


def mask_bounds(document: Document, mask: Node) -> Bounds:
    """Say where the mask lets something show. Reads its pixels."""
    return open_bounds(_canvas(document), lambda band: _samples(mask, band))


def mask_plane(mask: Node, bounds: Bounds) -> Plane:
    """Return how far the mask lets each pixel of `bounds` show, 0..255."""
    return Plane(bounds.width, bounds.height, 1, "u8", _samples(mask, bounds))


def _samples(mask: Node, bounds: Bounds) -> bytes:
    return mask.pixelData(bounds.x, bounds.y, bounds.width, bounds.height).data()


def _canvas(document: Document) -> Bounds:
    return Bounds(0, 0, document.width(), document.height())
