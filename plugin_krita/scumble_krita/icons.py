"""The tools' icons, drawn in the palette's own colour so that they suit light and dark themes."""

from __future__ import annotations

from collections.abc import Callable

from .qt import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPointF, QPolygonF, QRectF, Qt

SIDE = 44  # drawn large and scaled down by Qt, for screens of any density


def icon(name: str, color: QColor) -> QIcon:
    """Draw the icon "drag", "add", "subtract", "color", "rerun", "change", "remove" or "stop"."""
    picture = QPixmap(SIDE, SIDE)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(color, 4.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    _DRAWINGS[name](painter, color)
    painter.end()
    return QIcon(picture)


def _drag(painter: QPainter, color: QColor) -> None:
    painter.drawEllipse(QPointF(11, 33), 6, 6)
    painter.drawLine(QPointF(16, 28), QPointF(30, 14))
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([QPointF(37, 7), QPointF(34, 20), QPointF(24, 10)]))


def _add(painter: QPainter, color: QColor) -> None:
    painter.drawLine(QPointF(22, 8), QPointF(22, 36))
    painter.drawLine(QPointF(8, 22), QPointF(36, 22))


def _subtract(painter: QPainter, color: QColor) -> None:
    painter.drawLine(QPointF(8, 22), QPointF(36, 22))


def _color(painter: QPainter, color: QColor) -> None:
    drop = QPainterPath(QPointF(22, 5))
    drop.cubicTo(QPointF(26, 14), QPointF(35, 20), QPointF(35, 28))
    drop.cubicTo(QPointF(35, 35), QPointF(29, 40), QPointF(22, 40))
    drop.cubicTo(QPointF(15, 40), QPointF(9, 35), QPointF(9, 28))
    drop.cubicTo(QPointF(9, 20), QPointF(18, 14), QPointF(22, 5))
    painter.fillPath(drop, QColor(74, 144, 226))
    painter.drawPath(drop)


def _rerun(painter: QPainter, color: QColor) -> None:
    painter.drawArc(9, 9, 26, 26, 60 * 16, 290 * 16)
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([QPointF(36, 6), QPointF(36, 19), QPointF(25, 12)]))


def _change(painter: QPainter, color: QColor) -> None:
    painter.drawPolygon(QPolygonF([QPointF(9, 35), QPointF(11, 27), QPointF(29, 9), QPointF(35, 15), QPointF(17, 33)]))


def _remove(painter: QPainter, color: QColor) -> None:
    painter.drawLine(QPointF(13, 13), QPointF(31, 31))
    painter.drawLine(QPointF(31, 13), QPointF(13, 31))


def _stop(painter: QPainter, color: QColor) -> None:
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(12, 12, 20, 20), 2, 2)


_DRAWINGS: dict[str, Callable[[QPainter, QColor], None]] = {
    "drag": _drag,
    "add": _add,
    "subtract": _subtract,
    "color": _color,
    "rerun": _rerun,
    "change": _change,
    "remove": _remove,
    "stop": _stop,
}
