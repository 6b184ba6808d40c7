"""Krita as a `Host`: rooms 1 and 8 of the house. Reads a document and its source layer once; places one layer in one undo step.

Only Krita's main thread may call any of this. The engine's picture never holds our helper layers.
"""

from __future__ import annotations

from dataclasses import dataclass

from krita import Document, Node
from scumble_protocol.client.host import Canvas, LayerPlan, Marks, Snapshot
from scumble_protocol.client.placement import unused_name
from scumble_protocol.client.sight import bounding, stack_of
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import NOWHERE, Bounds
from scumble_protocol.messages import Handle
from scumble_protocol.pixels import Plane

from . import beneath, points, spaces, strokes
from .masks import bounding_mask, layer_of, mask_bounds, mask_plane
from .nodes import (
    activate_soon,
    active_document,
    document_id,
    find_node,
    id_of,
    is_helper,
    keep_recipe,
    made_from,
    open_document,
    walk,
)
from .qt import QByteArray
from .selections import selection_bounds, selection_plane
from .words import say

MOST_PIXELS = 4096 * 4096

NOT_A_SOURCE = {
    "grouplayer": "“{name}” is a group: choose the paint layer in it that should change.",
    "vectorlayer": "“{name}” is a vector layer: choose a paint layer, or convert a copy of it to one.",
}
NO_PAINT = "“{name}” holds no paint of its own: choose a paint layer."


def source_layer(document: Document, remembered: str = "") -> Node:
    """Return the layer that an edit starts from: the active one, or the one whose mask is; while a helper is active, the one before it.

    Raises RequestError with a sentence for a document without such a layer, and for one that can't be a source.
    """
    active = document.activeNode()
    if active is not None and not is_helper(document, active):
        return usable(layer_of(active))
    known = find_node(document, remembered) if remembered else None
    node = known or _topmost_paint(document)
    if node is None:
        raise RequestError(say("No layer is active: choose the paint layer that should change."), "no-layer")
    return usable(node)


def _topmost_paint(document: Document) -> Node | None:
    paints = [n for n in walk(document.rootNode()) if n.type() == "paintlayer" and not is_helper(document, n)]
    return next((node for node in reversed(paints) if is_shown(node)), None)


def is_shown(node: Node) -> bool:
    """Say whether the node and every group around it are visible."""
    parent = node.parentNode()
    return bool(node.visible()) and (parent is None or is_shown(parent))


def usable(node: Node) -> Node:
    """Return the node if an edit can start from it; raises RequestError that says what to do instead."""
    name = node.name()
    if node.type() != "paintlayer":
        raise RequestError(say(NOT_A_SOURCE.get(node.type(), NO_PAINT), name=name), "not-a-paint-layer")
    if not is_shown(node):
        raise RequestError(say("“{name}” is hidden: show it, or choose another layer.", name=name), "hidden-layer")
    if node.locked():
        raise RequestError(say("“{name}” is locked: unlock it, or choose another layer.", name=name), "locked-layer")
    spaces.space_of(node)
    return node


def bounds_of(node: Node) -> Bounds:
    box = node.bounds()
    return Bounds(box.x(), box.y(), max(0, box.width()), max(0, box.height()))


@dataclass(frozen=True)
class KritaHost:
    """One document and source layer, by id: both are looked up anew at every call, for the painter may have closed them.

    `grab`: the selection is what the handles hold, not what may change. `above`: place over this layer instead of the source.
    """

    document: str
    source: str
    grab: bool = False
    above: str = ""

    @classmethod
    def of_active(cls, remembered: str = "", grab: bool = False) -> KritaHost:
        """Take the document that the painter works in. Raises RequestError when no edit can start there."""
        document = active_document()
        spaces.space_of(document)
        return cls(document_id(document), id_of(source_layer(document, remembered)), grab)

    def canvas(self) -> Canvas:
        document = open_document(self.document)
        source = self._source(document)
        whole = Bounds(0, 0, document.width(), document.height())
        reach = NOWHERE
        for node in stack_of(source, lambda node: made_from(document, node), id_of):
            reach = reach.united(bounds_of(node))
        return Canvas(self.document, whole, self.source, source.name(), reach)

    def marks(self) -> Marks:
        document = open_document(self.document)
        paint = {role: strokes.painted_bounds(document, role) for role in strokes.ROLES}
        handles = points.handles_in(document)
        mask, grab = bounding(
            selection_bounds(document), lambda: self._mask_bounds(document), self.grab and bool(handles)
        )
        return Marks(handles, **paint, mask=mask, grab=grab)

    def read(self, canvas: Canvas, bounds: Bounds) -> Snapshot:
        document = open_document(self.document)
        if bounds.width * bounds.height > MOST_PIXELS:
            raise RequestError(
                say("That is too much canvas for one edit: select the part that should change, then press Edit again."),
                "too-large",
            )
        raw, space = beneath.read_through(document, self._source(document), bounds)
        handles: tuple[Handle, ...] = points.handles_in(document)
        mask, grab = bounding(
            selection_plane(document, bounds), lambda: self._mask_plane(document, bounds), self.grab and bool(handles)
        )
        add, subtract, color = (strokes.read(document, role, bounds) for role in strokes.ROLES)
        picture = spaces.picture_from(raw, (bounds.width, bounds.height), space)
        return Snapshot(canvas, bounds, picture, handles, add, subtract, color, mask, grab)

    def place(self, plan: LayerPlan) -> None:
        document = open_document(self.document)
        source = self._source(document)
        above = find_node(document, self.above) or source
        parent, active = above.parentNode(), document.activeNode()
        name = unused_name(plan.name, {node.name() for node in walk(document.rootNode())})
        space, bounds = _space_for(plan, document, source), plan.bounds
        with beneath.new_layer(document, name, space) as layer:
            size = (bounds.width, bounds.height)
            raw = spaces.converted(spaces.raw_from(plan.picture), size, space.as_rgb, space)
            layer.setPixelData(QByteArray(raw), bounds.x, bounds.y, bounds.width, bounds.height)
            if parent is None or not parent.addChildNode(layer, above):
                raise RequestError(say("Krita would not add the layer; nothing was changed."), "not-placed")
            keep_recipe(document, layer, plan.recipe, self.source)
            if active is not None and id_of(active) not in (self.source, self.above):
                activate_soon(document, active)  # the painter went on working elsewhere
        document.setModified(True)

    def _mask_bounds(self, document: Document) -> Bounds | None:
        mask = bounding_mask(document, self._source(document))
        return mask_bounds(document, mask) if mask is not None else None

    def _mask_plane(self, document: Document, bounds: Bounds) -> Plane | None:
        mask = bounding_mask(document, self._source(document))
        return mask_plane(mask, bounds) if mask is not None else None

    def _source(self, document: Document) -> Node:
        source = find_node(document, self.source)
        if source is None:
            raise RequestError(say("The layer that was being edited was deleted, so nothing was added."), "layer-gone")
        return source


def _space_for(plan: LayerPlan, document: Document, source: Node) -> spaces.ColorSpace:
    """Return the document's or the source's colour space: whichever the plan's picture is in."""
    for space in (spaces.space_of(document), spaces.space_of(source)):
        rgb = space.as_rgb
        if spaces.DEPTHS[rgb.depth] == plan.picture.plane.depth and spaces.is_profile_of(plan.picture, rgb.profile):
            return space
    raise RequestError(
        say("The document's colours were converted while the edit ran, so its layer no longer fits; press Edit again."),
        "space-changed",
    )
