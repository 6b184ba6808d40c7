"""Where the picture lies on the screen: Krita's canvas widget, and the map between its pixels and the document's."""

from __future__ import annotations

import math

from krita import Krita, View, Window

from .qt import QAbstractScrollArea, QMdiArea, QPointF, QPolygonF, QRectF, QTransform, QWidget

CANVAS_CLASSES = ("KisQPainterCanvas", "KisOpenGLCanvas2")


def canvas_widget(window: Window) -> QWidget | None:
    """Return the canvas in front in this window; None when no document is open in it.

    Looked for from the documents' area downwards: a search of the whole window takes a tenth of a second.
    """
    central = window.qwindow().centralWidget()
    area = central.findChild(QMdiArea) if central is not None else None
    front = area.currentSubWindow() if area is not None else None
    for scrolled in front.findChildren(QAbstractScrollArea) if front is not None else ():
        viewport = scrolled.viewport()
        for child in viewport.children() if viewport is not None else ():
            described = child.metaObject()
            if isinstance(child, QWidget) and described is not None and described.className() in CANVAS_CLASSES:
                return child if child.isVisible() else None
    return None


def to_widget(view: View, widget: QWidget) -> QTransform:
    """Return the map from document pixels to the canvas widget's (logical) pixels."""
    if hasattr(view, "flakeToCanvasTransform"):  # Krita 5.2
        image_to_flake, _ = view.flakeToImageTransform().inverted()
        return image_to_flake * view.flakeToCanvasTransform()
    canvas, document = view.canvas(), view.document()
    zoom = canvas.zoomLevel() * 72.0 / document.resolution()
    size = (document.width(), document.height())
    return mapped(zoom, canvas.rotation(), canvas.mirror(), size, _scrolled(widget))


def _scrolled(widget: QWidget) -> tuple[int, int]:
    area: QWidget | None = widget
    while area is not None and not isinstance(area, QAbstractScrollArea):
        area = area.parentWidget()
    if area is None:
        return 0, 0
    across, down = area.horizontalScrollBar(), area.verticalScrollBar()
    return (across.value() if across else 0, down.value() if down else 0)


def mapped(zoom: float, degrees: float, mirrored: bool, size: tuple[int, int], scrolled: tuple[int, int]) -> QTransform:
    """Put the map together as Krita 5.1 does, which tells only its parts: mirror, then rotate, then scroll.

    Scroll bars count from the upper left corner of the box around the turned picture.
    """
    angle, flip = math.radians(degrees), -1.0 if mirrored else 1.0
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    turned = QTransform(flip * cos, flip * sin, -sin, cos, 0.0, 0.0)
    box = turned.map(QPolygonF(QRectF(0.0, 0.0, *map(float, size)))).boundingRect()
    return turned * QTransform.fromTranslate(-box.left() - scrolled[0], -box.top() - scrolled[1])


def to_document(transform: QTransform, at: QPointF) -> QPointF:
    """Return the document pixel under a widget's pixel."""
    inverted, possible = transform.inverted()
    return inverted.map(at) if possible else QPointF(at)


def active_view() -> View | None:
    """Return the view that the painter works in."""
    window = Krita.instance().activeWindow()
    return window.activeView() if window is not None else None
