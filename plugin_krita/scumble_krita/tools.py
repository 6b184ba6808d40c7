"""Handing Krita's brush to the painter on a stroke layer, and giving back the colour that was in use."""

from __future__ import annotations

from krita import Document, Krita, ManagedColor, View

from . import strokes
from .nodes import find_helper, id_of
from .qt import QColor

BRUSH_ACTION = "KritaShape/KisToolBrush"


class PaintTool:
    """Remembers the painter's own colour while the add and subtract tools paint in theirs."""

    def __init__(self) -> None:
        self._own: ManagedColor | None = None

    def take(self, view: View, document: Document, role: str) -> None:
        """Make the stroke layer ready and active, with the brush and a colour in hand."""
        layer = strokes.ready_layer(document, role)
        document.setActiveNode(layer)
        action = Krita.instance().action(BRUSH_ACTION)
        if action is not None:
            action.trigger()
        self.give_back(view)
        if role in strokes.PAINTS:
            self._own = view.foregroundColor()
            view.setForeGroundColor(ManagedColor.fromQColor(QColor(strokes.PAINTS[role]), view.canvas()))

    def give_back(self, view: View | None) -> None:
        """Return to the painter's own colour."""
        own, self._own = self._own, None
        if own is not None and view is not None:
            view.setForeGroundColor(own)


def active_role(document: Document) -> str:
    """Return the stroke tool whose layer is active; "" for none."""
    active = document.activeNode()
    if active is None:
        return ""
    for role in strokes.ROLES:
        layer = find_helper(document, role)
        if layer is not None and layer.visible() and id_of(layer) == id_of(active):
            return role
    return ""
