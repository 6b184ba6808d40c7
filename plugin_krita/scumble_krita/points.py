"""Drag handles as Krita keeps them: lines on an editable, undoable vector layer, each from where to grab to where to bring it.

The layer is the truth: what the painter changes on it with Krita's own tools changes the handles.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import quoteattr

from krita import Document, Node, VectorLayer
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle

from .nodes import activate_soon, children, find_helper, find_node, id_of, is_used, set_helper
from .qt import QPointF, QTransform
from .words import say

ROLE = "points"
COLOR = "#ffb400"
POINTS_PER_INCH = 72.0
LINE_PX = 3.0

Segment = tuple[str, Handle]

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_CALL = re.compile(r"(matrix|translate|scale)\s*\(([^)]*)\)")


# ---- SVG to handles: pure -------------------------------------------------------------------------------------------


def segments_in(svg: str, resolution: float) -> list[Segment]:
    """Return (shape id, handle in pixels) for every line on a vector layer, given its SVG in points.

    A shape of one anchor, or whose ends are the same point, is no handle.
    """
    found: list[Segment] = []
    _collect(
        ElementTree.fromstring(svg),
        QTransform.fromScale(resolution / POINTS_PER_INCH, resolution / POINTS_PER_INCH),
        found,
    )
    return found


def _collect(element: ElementTree.Element, to_pixels: QTransform, found: list[Segment]) -> None:
    tag = element.tag.rpartition("}")[2]
    if tag in ("defs", "marker"):
        return
    placed = _transform(element.get("transform", "")) * to_pixels
    ends = _ends(element.get("d", "")) if tag == "path" else None
    if ends:
        start, end = (placed.map(QPointF(*one)) for one in ends)
        if start != end:
            found.append((element.get("id", ""), Handle(Point(start.x(), start.y()), Point(end.x(), end.y()))))
    for child in element:
        _collect(child, placed, found)


def _ends(path: str) -> tuple[tuple[float, float], tuple[float, float]] | None:
    numbers = [float(number) for number in _NUMBER.findall(path)]
    if len(numbers) < 4:
        return None
    return (numbers[0], numbers[1]), (numbers[-2], numbers[-1])


def _transform(text: str) -> QTransform:
    whole = QTransform()
    for name, inside in _CALL.findall(text):
        numbers = [float(number) for number in _NUMBER.findall(inside)]
        whole = _single(name, numbers) * whole
    return whole


def _single(name: str, numbers: list[float]) -> QTransform:
    if name == "matrix":
        return QTransform(*numbers[:6])
    first, second = numbers[0], numbers[1] if len(numbers) > 1 else (numbers[0] if name == "scale" else 0.0)
    return QTransform.fromTranslate(first, second) if name == "translate" else QTransform.fromScale(first, second)


def svg_of(handles: list[Segment], width_px: int, height_px: int, resolution: float) -> str:
    """Write handles (pixels) as arrows, in an SVG of the document's size."""
    points = POINTS_PER_INCH / resolution
    arrows = "".join(_arrow(name, handle) for name, handle in handles)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_px * points}pt" height="{height_px * points}pt" '
        f'viewBox="0 0 {width_px} {height_px}"><defs><marker id="head" orient="auto" markerUnits="strokeWidth" '
        f'markerWidth="4" markerHeight="4" refX="3" refY="2"><path d="M0 0L4 2L0 4Z" fill="{COLOR}"/></marker></defs>'
        f"{arrows}</svg>"
    )


def _arrow(name: str, handle: Handle) -> str:
    start, end = handle.start, handle.end
    return (
        f'<path id={quoteattr(name)} d="M {start.x:.3f} {start.y:.3f} L {end.x:.3f} {end.y:.3f}" fill="none" '
        f'stroke="{COLOR}" stroke-width="{LINE_PX}" marker-end="url(#head)"/>'
    )


# ---- the layer ------------------------------------------------------------------------------------------------------


def segments(document: Document) -> list[Segment]:
    """Return the handles on the drag layer; none while it is hidden or absent."""
    layer = find_helper(document, ROLE)
    if layer is None or not layer.visible():
        return []
    assert isinstance(layer, VectorLayer)
    svg = layer.toSvg()  # "" for a layer without shapes
    return segments_in(svg, document.resolution()) if svg else []


def handles_in(document: Document) -> tuple[Handle, ...]:
    return tuple(handle for _, handle in segments(document))


def add(document: Document, handle: Handle) -> None:
    """Put one more handle on the drag layer, making the layer when there is none in use."""
    layer = find_helper(document, ROLE)
    if layer is not None and not layer.visible():
        if is_used(document, ROLE):
            layer.remove()
            layer = None
        else:
            layer.setVisible(True)
    layer = layer or _new_layer(document)
    taken = {name for name, _ in segments(document)}
    number = next(n for n in range(1, len(taken) + 2) if f"handle-{n}" not in taken)
    _draw(document, layer, [(f"handle-{number}", handle)])


def remove(document: Document, name: str) -> None:
    """Take one handle away."""
    layer = find_helper(document, ROLE)
    if isinstance(layer, VectorLayer):
        for shape in layer.shapes():
            if shape.name() == name:
                shape.remove()
                return


def change(document: Document, name: str, handle: Handle) -> None:
    """Give a handle other ends."""
    remove(document, name)
    layer = find_helper(document, ROLE)
    if layer is not None:
        _draw(document, layer, [(name, handle)])


def clear(document: Document) -> None:
    layer = find_helper(document, ROLE)
    if layer is not None:
        layer.remove()


def _new_layer(document: Document) -> Node:
    active = document.activeNode()
    layer = document.createVectorLayer(say("Drag points"))
    tops = children(document.rootNode())
    if not document.rootNode().addChildNode(layer, tops[-1] if tops else None):
        raise RequestError(say("Krita would not add the “Drag points” layer."), "not-placed")
    set_helper(document, ROLE, id_of(layer))
    if active is not None:
        activate_soon(document, active)
    return find_node(document, id_of(layer)) or layer


def _draw(document: Document, layer: Node, handles: list[Segment]) -> None:
    assert isinstance(layer, VectorLayer)
    layer.addShapesFromSvg(svg_of(handles, document.width(), document.height(), document.resolution()))
