"""What an edit sees: everything up to and including the source layer, without what lies above it and without our helpers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from krita import Document, Node
from scumble_protocol.geometry import Bounds

from .nodes import children, id_of, is_helper, walk
from .spaces import ColorSpace, converted, is_opaque, scratch, space_of

PLAIN = "normal"


def read_through(document: Document, source: Node, bounds: Bounds) -> tuple[bytes, ColorSpace]:
    """Return Krita's bytes of what is seen at `bounds` (document pixels) up to the source layer, and their RGB space.

    A plain, opaque source is read alone; otherwise the document's own projection serves when nothing of ours and nothing above
    is in it; else the layers are put together in a scratch document (about 0.2 s).
    """
    raw, space = _source_alone(source, bounds), space_of(source)
    if not (_is_plain(source) and is_opaque(raw, space)):
        space = space_of(document)
        raw = _together(document, source, bounds, space)
    return converted(raw, (bounds.width, bounds.height), space, space.as_rgb), space.as_rgb


def is_quick(document: Document, source: Node, bounds: Bounds) -> bool:
    """Say whether `read_through` needs no scratch document here."""
    if space_of(source).model != "RGBA":
        return False
    if _is_plain(source) and is_opaque(_source_alone(source, bounds), space_of(source)):
        return True
    return _is_all_that_shows(document, source) and space_of(document).model == "RGBA"


def _source_alone(source: Node, bounds: Bounds) -> bytes:
    return source.pixelData(bounds.x, bounds.y, bounds.width, bounds.height).data()


def _is_plain(node: Node) -> bool:
    masked = any(child.visible() for child in children(node))
    return node.blendingMode() == PLAIN and node.opacity() == 255 and not masked


def _together(document: Document, source: Node, bounds: Bounds, space: ColorSpace) -> bytes:
    if _is_all_that_shows(document, source):
        document.waitForDone()
        return document.pixelData(bounds.x, bounds.y, bounds.width, bounds.height).data()
    with scratch(bounds, space) as stage:
        children(stage.rootNode())[0].remove()
        below: Node | None = None
        for node in _stack(document, source):
            below = _copy_onto(stage, node, bounds, below)
        stage.refreshProjection()
        stage.waitForDone()
        return stage.pixelData(0, 0, bounds.width, bounds.height).data()


def _is_all_that_shows(document: Document, source: Node) -> bool:
    """Say whether the source is the topmost thing that shows: helpers above it are hidden or empty."""
    above = False
    for node in walk(document.rootNode()):
        if above and _is_layer(node) and node.visible() and not _is_empty_helper(document, node):
            return False
        above = above or id_of(node) == id_of(source)
    return True


def _is_layer(node: Node) -> bool:
    """Say whether a node shows anything: the selection itself is a node too, and so are masks and Krita's decorations."""
    return node.type().endswith("layer")


def _is_empty_helper(document: Document, node: Node) -> bool:
    box = node.bounds()
    return is_helper(document, node) and node.type() == "paintlayer" and (box.width() <= 0 or box.height() <= 0)


def _stack(document: Document, source: Node) -> list[Node]:
    """Return what shows from the bottom up to the source: whole layers and groups, and the source's own siblings inside its group."""
    parent = source.parentNode()
    grouped = parent is not None and id_of(parent) != id_of(document.rootNode())
    stack = _stack(document, parent)[:-1] if grouped and parent is not None else []
    for node in children(parent) if parent is not None else []:
        if _is_layer(node) and node.visible() and not is_helper(document, node):
            stack.append(node)
        if id_of(node) == id_of(source):
            break
    return stack


def _copy_onto(stage: Document, node: Node, bounds: Bounds, below: Node | None) -> Node:
    space = space_of(node)
    copy = stage.createNode(node.name(), "paintlayer")
    copy.setColorSpace(space.model, space.depth, space.profile)
    raw = node.projectionPixelData(bounds.x, bounds.y, bounds.width, bounds.height)
    copy.setPixelData(raw, 0, 0, bounds.width, bounds.height)
    copy.setBlendingMode(node.blendingMode())
    copy.setOpacity(node.opacity())
    stage.rootNode().addChildNode(copy, below)
    return copy


@contextmanager
def new_layer(document: Document, name: str, space: ColorSpace) -> Iterator[Node]:
    """Lend a fresh paint layer of this space, to be filled and added to the document inside the block."""
    if space == space_of(document):
        yield document.createNode(name, "paintlayer")
        return
    with scratch(Bounds(0, 0, 1, 1), space) as other:
        yield other.createNode(name, "paintlayer")
