"""How a drag handle looks over the canvas: an amber arrow with a dark rim, seen on light and on dark pictures."""

from __future__ import annotations

from .qt import QColor, QPainter, QPen, QPointF, QPolygonF, Qt

AMBER = QColor(255, 180, 0)
SHADOW = QColor(0, 0, 0, 170)


def paint_arrow(painter: QPainter, start: QPointF, end: QPointF, bright: bool) -> None:
    """Paint a handle from `start` to `end` (the widget's pixels); a bright one is under the pointer."""
    width = 3.0 if bright else 2.0
    for color, thick in ((SHADOW, width + 2.0), (AMBER, width)):
        painter.setPen(QPen(color, thick, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawLine(start, end)
        painter.drawEllipse(start, 5.0, 5.0)
    painter.setPen(QPen(SHADOW, 1.0))
    painter.setBrush(AMBER)
    painter.drawPolygon(_head(start, end))


def apart(one: QPointF, other: QPointF) -> float:
    """Return how far two places are from each other."""
    away = one - other
    return float((away.x() ** 2 + away.y() ** 2) ** 0.5)


def _head(start: QPointF, end: QPointF, long: float = 13.0, wide: float = 5.5) -> QPolygonF:
    """Return an arrow head that points at `end`."""
    length = max(apart(start, end), 1e-6)
    along = (end - start) / length
    across, root = QPointF(-along.y(), along.x()), end - along * long
    return QPolygonF([end, root + across * wide, root - across * wide])
