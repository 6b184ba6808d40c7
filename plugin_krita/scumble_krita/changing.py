"""Which of a document's layers is being changed: its cues are back on the canvas, and the next edit takes its seed and settings.

A change is over when its edit is placed, and is given up when none of its cues is left, its layer is gone, or another layer is edited.
"""

from __future__ import annotations

from dataclasses import dataclass

from krita import Document
from scumble_protocol.client.recipe import Recipe
from scumble_protocol.messages import Settings

from .history import bring_back, host_for_rerun, recipe_of
from .nodes import activate_soon, document_id, find_node


@dataclass(frozen=True)
class Change:
    """`layer` and `source` are node ids: what is being changed, and what it was made from."""

    layer: str
    source: str
    settings: Settings


class Changing:
    def __init__(self) -> None:
        self._changes: dict[str, Change] = {}  # by document id

    def begin(self, document: Document, key: str) -> Recipe:
        """Bring a layer's cues back and hide it. Raises RequestError, with nothing changed."""
        host, recipe = host_for_rerun(document, key), recipe_of(document, key)
        source = find_node(document, host.source)
        assert source is not None
        document.setActiveNode(source)
        bring_back(document, recipe)
        for layer, visible in ((key, False), (host.source, True)):
            node = find_node(document, layer)
            if node is not None:
                node.setVisible(visible)
        activate_soon(document, source)
        self._changes[host.document] = Change(key, host.source, recipe.settings)
        return recipe

    def name(self, document: Document) -> str:
        """Return the name of the layer that is being changed, "" for none."""
        change = self._changes.get(document_id(document))
        layer = find_node(document, change.layer) if change is not None else None
        return layer.name() if layer is not None else ""

    def settings(self, document: str, source: str) -> Settings | None:
        """Return what the next edit of this layer should be made with; a change of another one is given up."""
        change = self._changes.get(document)
        if change is None or change.source == source:
            return change.settings if change is not None else None
        self.end(document)
        return None

    def look(self, document: Document, cues_left: bool) -> None:
        """Give the change up when nothing of it is left."""
        change = self._changes.get(document_id(document))
        if change is not None and not (cues_left and find_node(document, change.layer)):
            self.end(document_id(document))

    def give_up(self, document: Document) -> None:
        """End the change and show its layer again."""
        change = self._changes.get(document_id(document))
        layer = find_node(document, change.layer) if change is not None else None
        if layer is not None:
            layer.setVisible(True)
        self.end(document_id(document))

    def end(self, document: str) -> None:
        self._changes.pop(document, None)
