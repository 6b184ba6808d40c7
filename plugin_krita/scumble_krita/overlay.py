"""What lies over Krita's canvas: drag handles to pull, and previews. A child widget, so zoom, pan and keys stay Krita's.

It knows document pixels and a map to its own; which document and what becomes of a handle is the docker's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import Handle

from .arrows import apart, paint_arrow
from .points import Segment
from .qt import (
    QEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QObject,
    QPainter,
    QPaintEvent,
    QPointF,
    QRectF,
    Qt,
    QTabletEvent,
    QTransform,
    QWheelEvent,
    QWidget,
    place_of,
    pyqtSignal,
)
from .view import to_document

NEAR_PX = 12.0
LEAST_PULL_PX = 3.0


@dataclass(frozen=True)
class Look:
    """A picture to show over the canvas at these bounds (document pixels)."""

    image: QImage
    bounds: Bounds


@dataclass
class Grip:
    """What the pointer holds: a new handle (no name), or one end of an old one."""

    name: str
    end: str
    handle: Handle


class Overlay(QWidget):
    """Takes the left button or the pen (pull) and, over a handle, the right one (delete); leaves everything else to the canvas."""

    pulling = pyqtSignal(object, str)  # Handle, name of the one it replaces
    pulled = pyqtSignal(object, str)
    removed = pyqtSignal(str)
    abandoned = pyqtSignal()

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.setObjectName("ScumbleOverlay")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self.segments: list[Segment] = []
        self.look: Look | None = None
        self.grip: Grip | None = None
        self._near = ""
        self._map = QTransform()
        self.set_dragging(False)
        canvas.installEventFilter(self)
        self.setGeometry(canvas.rect())

    def set_dragging(self, dragging: bool) -> None:
        """Take the pointer, or let it pass to the canvas and show previews only."""
        self._dragging = dragging
        self.grip = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not dragging)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._show_if_needed()

    def set_look(self, look: Look | None) -> None:
        """Show a preview, or (None) take it away."""
        if look is not self.look:
            self.look = look
            self._show_if_needed()
            self.update()

    def set_segments(self, segments: list[Segment], transform: QTransform) -> None:
        """Follow the handles of the document and the canvas's zoom, scroll and turn."""
        if segments != self.segments or transform != self._map:
            self.segments, self._map = segments, transform
            self.update()

    def _show_if_needed(self) -> None:
        self.setVisible(self._dragging or self.look is not None)
        if self.isVisible():
            self.raise_()

    # ---- the pointer ------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        event.setAccepted(self._pressed(place_of(event), event.button()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        event.setAccepted(self._moved(place_of(event)))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        event.setAccepted(self._released(place_of(event), event.button()))

    def tabletEvent(self, event: QTabletEvent | None) -> None:
        """Take a pen as a mouse is taken: what is not accepted here goes on to the canvas, and there a pen paints."""
        assert event is not None
        at = place_of(event)
        if event.type() == QEvent.Type.TabletPress:
            event.setAccepted(self._pressed(at, event.button()))
        elif event.type() == QEvent.Type.TabletMove:
            event.setAccepted(self._moved(at))
        else:
            event.setAccepted(self._released(at, event.button()))

    def _pressed(self, at: QPointF, button: Qt.MouseButton) -> bool:
        """Grip what is there; say whether the press is ours."""
        name, end = self._end_near(at)
        if button == Qt.MouseButton.RightButton and name:
            self.removed.emit(name)
            return True
        if button != Qt.MouseButton.LeftButton:
            return False
        self.grip = self._gripped(name, end, at)
        self.update()
        return True

    def _moved(self, at: QPointF) -> bool:
        if self.grip is None:
            self._hover(at)
            return False
        self._pull_to(at)
        if self._is_a_pull():
            self.pulling.emit(self.grip.handle, self.grip.name)
        return True

    def _released(self, at: QPointF, button: Qt.MouseButton) -> bool:
        if self.grip is None or button != Qt.MouseButton.LeftButton:
            return False
        self._pull_to(at)
        grip, counts = self.grip, self._is_a_pull()
        self.grip = None
        self.update()
        if counts:
            self.pulled.emit(grip.handle, grip.name)
        else:
            self.abandoned.emit()
        return True

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None:
            event.ignore()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
        return False

    def _gripped(self, name: str, end: str, at: QPointF) -> Grip:
        for known, handle in self.segments:
            if known == name:
                return Grip(name, end, handle)
        here = self._in_document(at)
        return Grip("", "end", Handle(here, here))

    def _pull_to(self, at: QPointF) -> None:
        assert self.grip is not None
        here, handle = self._in_document(at), self.grip.handle
        self.grip.handle = Handle(here, handle.end) if self.grip.end == "start" else Handle(handle.start, here)
        self.update()

    def _is_a_pull(self) -> bool:
        if self.grip is None:
            return False
        start, end = self._on_screen(self.grip.handle)
        return apart(start, end) >= LEAST_PULL_PX

    def _hover(self, at: QPointF) -> None:
        near, _ = self._end_near(at)
        if near != self._near:
            self._near = near
            self.setCursor(Qt.CursorShape.OpenHandCursor if near else Qt.CursorShape.CrossCursor)
            self.update()

    def _end_near(self, at: QPointF) -> tuple[str, str]:
        for name, handle in reversed(self.segments):
            start, end = self._on_screen(handle)
            if apart(end, at) <= NEAR_PX:
                return name, "end"
            if apart(start, at) <= NEAR_PX:
                return name, "start"
        return "", ""

    def _in_document(self, at: QPointF) -> Point:
        there = to_document(self._map, at)
        return Point(there.x(), there.y())

    def _on_screen(self, handle: Handle) -> tuple[QPointF, QPointF]:
        start, end = handle.start, handle.end
        return self._map.map(QPointF(start.x, start.y)), self._map.map(QPointF(end.x, end.y))

    # ---- painting ---------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.look is not None:
            self._paint_look(painter, self.look)
        if self._dragging:
            held = self.grip.name if self.grip else ""
            for name, handle in self.segments:
                if not held or name != held:
                    paint_arrow(painter, *self._on_screen(handle), bright=name == self._near)
            if self.grip is not None:
                paint_arrow(painter, *self._on_screen(self.grip.handle), bright=True)
        painter.end()

    def _paint_look(self, painter: QPainter, look: Look) -> None:
        box = look.bounds
        painter.save()
        painter.setTransform(self._map, True)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(box.x, box.y, box.width, box.height), look.image)
        painter.restore()
