"""Recipes of layers that were undone: out of the document, so that no file keeps them, and back with the layer when it is redone."""

from __future__ import annotations

from krita import Document, Krita

from .nodes import RECIPE, SOURCE, document_id, id_of, keep_recipe, kept, walk

Kept = tuple[str, str]  # recipe, id of the layer that it was made from


class Undone:
    def __init__(self) -> None:
        self._taken: dict[str, dict[str, Kept]] = {}  # document id -> layer id -> what was kept

    def sweep(self, document: Document) -> None:
        """Take out the recipes of layers that are not there, and bring back those of layers that are there again."""
        where = document_id(document)
        written = {key[len(RECIPE) :] for key in document.annotationTypes() if key.startswith(RECIPE)}
        taken = self._taken.get(where, {})
        if not written and not taken:
            return
        nodes = {id_of(node): node for node in walk(document.rootNode())}
        for layer in written - nodes.keys():
            self._taken.setdefault(where, {})[layer] = (kept(document, RECIPE + layer), kept(document, SOURCE + layer))
            document.removeAnnotation(RECIPE + layer)
            document.removeAnnotation(SOURCE + layer)
        for layer in taken.keys() & nodes.keys():
            keep_recipe(document, nodes[layer], *taken.pop(layer))

    def forget_closed(self) -> None:
        """Let go of what belongs to documents that are closed."""
        if self._taken:
            there = {document_id(document) for document in Krita.instance().documents()}
            self._taken = {where: taken for where, taken in self._taken.items() if where in there}
