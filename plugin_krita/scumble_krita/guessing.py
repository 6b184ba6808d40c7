"""Asking the engine what the add strokes show, once the painter's brush has rested; the docker shows the answer as a placeholder.

The engine takes the same guess itself for an edit that says no words.
"""

from __future__ import annotations

from krita import Document
from scumble_protocol.client.request import build, crop_for
from scumble_protocol.errors import ScumbleError
from scumble_protocol.geometry import Bounds

from . import beneath, strokes
from .canvas import KritaHost
from .nodes import document_id, find_node
from .qt import QImage
from .work import Work

Drawing = tuple[str, Bounds, QImage]  # document id, where there is paint, and a small picture of it


class Guessing:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._seen: Drawing | None = None
        self._asked: Drawing | None = None

    def look(self, document: Document, source: str) -> tuple[str, ...]:
        """Called every second or so: return the newest guess, and ask anew when strokes have changed and then rested."""
        before, now = self._seen, _drawing(document)
        self._seen = now
        if now is None:
            self._work.guessed, self._asked = (), None
        elif now == before and now != self._asked and self._can_ask(document, source):
            self._asked = now
            self._ask(source)
        return self._work.guessed

    def _can_ask(self, document: Document, source: str) -> bool:
        state = self._work.state
        node = find_node(document, source)
        if state is None or "AddStrokes" not in state.cues or self._work.jobs or node is None:
            return False
        return beneath.is_quick(document, node, Bounds(0, 0, document.width(), document.height()))

    def _ask(self, source: str) -> None:
        try:
            host = KritaHost.of_active(source)
            canvas, marks = host.canvas(), host.marks()
            self._work.guess(build(host.read(canvas, crop_for(canvas, marks))).edit)
        except ScumbleError:
            return  # a guess is a courtesy; Edit says what is wrong


def _drawing(document: Document) -> Drawing | None:
    """Return what tells one drawing from another, cheaply; None when nothing is drawn."""
    bounds = strokes.painted_bounds(document, "add")
    picture = strokes.small_picture(document, "add")
    return (document_id(document), bounds, picture) if bounds is not None and picture is not None else None
