"""All of Qt that the plug-in uses, from the binding that the running Krita brought: PyQt5 in Krita 5, PyQt6 in Krita 6.

No other file of the plug-in imports Qt. Enums are written with their scope (`Qt.MouseButton.LeftButton`), which both bindings know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from krita import Krita


def binding_for(krita_version: str) -> str:
    """Name the binding of a Krita: its Python refuses the other one.

    >>> binding_for("5.2.9"), binding_for("6.0.0-beta1")
    ('PyQt5', 'PyQt6')
    """
    major = krita_version.partition(".")[0]
    return "PyQt6" if major.isdigit() and int(major) >= 6 else "PyQt5"


BINDING = binding_for(Krita.instance().version())

if TYPE_CHECKING or BINDING == "PyQt6":
    from PyQt6.QtCore import (
        QByteArray,
        QEvent,
        QLocale,
        QObject,
        QPoint,
        QPointF,
        QRectF,
        QSize,
        Qt,
        QTimer,
        pyqtSignal,
    )
    from PyQt6.QtGui import (
        QBrush,
        QColor,
        QIcon,
        QImage,
        QKeyEvent,
        QMouseEvent,
        QPainter,
        QPainterPath,
        QPaintEvent,
        QPalette,
        QPen,
        QPixmap,
        QPolygonF,
        QTabletEvent,
        QTransform,
        QWheelEvent,
    )
    from PyQt6.QtWidgets import (
        QAbstractScrollArea,
        QApplication,
        QButtonGroup,
        QCheckBox,
        QFrame,
        QHBoxLayout,
        QLabel,
        QLayout,
        QLineEdit,
        QMdiArea,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
    from PyQt6.sip import transferback
else:
    from PyQt5.QtCore import (
        QByteArray,
        QEvent,
        QLocale,
        QObject,
        QPoint,
        QPointF,
        QRectF,
        QSize,
        Qt,
        QTimer,
        pyqtSignal,
    )
    from PyQt5.QtGui import (
        QBrush,
        QColor,
        QIcon,
        QImage,
        QKeyEvent,
        QMouseEvent,
        QPainter,
        QPainterPath,
        QPaintEvent,
        QPalette,
        QPen,
        QPixmap,
        QPolygonF,
        QTabletEvent,
        QTransform,
        QWheelEvent,
    )
    from PyQt5.QtWidgets import (
        QAbstractScrollArea,
        QApplication,
        QButtonGroup,
        QCheckBox,
        QFrame,
        QHBoxLayout,
        QLabel,
        QLayout,
        QLineEdit,
        QMdiArea,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
    from PyQt5.sip import transferback

__all__ = [
    "BINDING",
    "QAbstractScrollArea",
    "QApplication",
    "QBrush",
    "QButtonGroup",
    "QByteArray",
    "QCheckBox",
    "QColor",
    "QEvent",
    "QFrame",
    "QHBoxLayout",
    "QIcon",
    "QImage",
    "QKeyEvent",
    "QLabel",
    "QLayout",
    "QLineEdit",
    "QLocale",
    "QMdiArea",
    "QMouseEvent",
    "QObject",
    "QPaintEvent",
    "QPainter",
    "QPainterPath",
    "QPalette",
    "QPen",
    "QPixmap",
    "QPoint",
    "QPointF",
    "QPolygonF",
    "QProgressBar",
    "QPushButton",
    "QRectF",
    "QScrollArea",
    "QSize",
    "QSizePolicy",
    "QTabletEvent",
    "QTimer",
    "QToolButton",
    "QTransform",
    "QVBoxLayout",
    "QWheelEvent",
    "QWidget",
    "Qt",
    "binding_for",
    "place_of",
    "pyqtSignal",
    "transferback",
]


def place_of(event: QMouseEvent | QTabletEvent) -> QPointF:
    """Return where a pointer is in its widget, in parts of a pixel: Qt 5 has other names for it, and one for each kind."""
    for name in ("position", "posF", "localPos"):
        if hasattr(event, name):
            return QPointF(getattr(event, name)())
    raise TypeError(f"{type(event).__name__} has no place")
