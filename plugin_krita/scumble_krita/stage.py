"""The canvas in front of one window, with the overlay on it: one overlay a canvas, and only the one in front takes the pointer."""

from __future__ import annotations

from collections.abc import Callable

from krita import Krita

from .overlay import Overlay
from .points import Segment
from .qt import QWidget
from .view import active_view, canvas_widget, to_widget


class Stage:
    """`made` is told of each new overlay, to listen to it."""

    def __init__(self, docker: QWidget, made: Callable[[Overlay], None]) -> None:
        self._docker, self._made = docker, made
        # Qt owns them, but without a reference from here Python lets go of its half, and a bare widget would take the pointer.
        self._overlays: list[Overlay] = []
        self.overlay: Overlay | None = None
        self.dragging = False

    def is_ours(self) -> bool:
        """Say whether the window in front is the docker's own: each of Krita's windows has a docker, and one document in front."""
        window = Krita.instance().activeWindow()
        return window is None or window.qwindow() == self._docker.parentWidget()

    def drag(self, on: bool) -> None:
        """Let the overlay in front take the pointer, or leave it to the canvas."""
        self.dragging = on
        overlay = self.fitted()
        if overlay is not None:
            overlay.set_dragging(on)

    def fitted(self) -> Overlay | None:
        """Return the overlay of the canvas in front, making one when that canvas has none yet; the one before it rests."""
        if not self.is_ours():
            return self.overlay
        window = Krita.instance().activeWindow()
        widget = canvas_widget(window) if window is not None else None
        known = self._over(widget) if widget is not None else None
        if known is not self.overlay:
            if self.overlay is not None:
                self.overlay.set_look(None)
                self.overlay.set_dragging(False)
            self.overlay = known
            if known is not None:
                known.set_dragging(self.dragging)
        return known

    def follow(self, segments: list[Segment] | None = None) -> None:
        """Let the overlay follow zoom, scroll and turn, and show these handles instead of those it has."""
        overlay, view = self.overlay, active_view()
        widget = overlay.parentWidget() if overlay is not None else None
        if overlay is not None and view is not None and widget is not None and self.is_ours():
            overlay.set_segments(overlay.segments if segments is None else segments, to_widget(view, widget))

    def give_keys_to_canvas(self) -> None:
        canvas = self.overlay.parentWidget() if self.overlay is not None else None
        if canvas is not None:
            canvas.setFocus()

    def _over(self, canvas: QWidget) -> Overlay:
        known = next((one for one in self._overlays if one.parentWidget() == canvas), None)
        if known is not None:
            return known
        overlay = Overlay(canvas)
        self._overlays.append(overlay)
        self._made(overlay)
        # It goes with its canvas, when the painter closes the document.
        overlay.destroyed.connect(lambda: self._forget(overlay))
        return overlay

    def _forget(self, gone: Overlay) -> None:
        self._overlays = [one for one in self._overlays if one is not gone]
        if self.overlay is gone:
            self.overlay = None
