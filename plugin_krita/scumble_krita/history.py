"""This document's Scumble layers: their rows for the panel, which are stale, and how to make one again."""

from __future__ import annotations

from dataclasses import dataclass, field

from krita import Document
from scumble_protocol.client.recipe import Recipe, from_json, is_stale
from scumble_protocol.errors import RequestError, ScumbleError
from scumble_protocol.geometry import Bounds

from . import beneath, points, selections, spaces, strokes
from .canvas import KritaHost
from .nodes import RECIPE, SOURCE, document_id, edited_layers, find_node, helper_ids, kept
from .panel import LayerRow
from .words import say

# Larger regions are not looked at again by themselves: reading and hashing them would be felt at the brush.
MOST_WATCHED_PIXELS = 1024 * 1024


@dataclass
class History:
    """Which layers were found stale, by layer id; looked at one at a time."""

    stale: dict[str, bool] = field(default_factory=dict)
    _turn: int = 0

    def rows(self, document: Document) -> list[LayerRow]:
        """Return one row a layer, the topmost first."""
        found = [(str(node.uniqueId().toString()), node.name()) for node in edited_layers(document)]
        return [LayerRow(key, name, self.stale.get(key, False)) for key, name in found]

    def look_at_next(self, document: Document, rows: list[LayerRow]) -> None:
        """Compare what lies beneath one of the layers with what it was made from."""
        if not rows:
            return
        self._turn = (self._turn + 1) % len(rows)
        key = rows[self._turn].key
        try:
            answer = _is_stale(document, key)
        except ScumbleError:
            return
        if answer is not None:
            self.stale[key] = answer


def _is_stale(document: Document, key: str) -> bool | None:
    """Say whether a layer is stale; None when it would take too long to know."""
    recipe, region = recipe_of(document, key), recipe_of(document, key).region
    source = find_node(document, kept(document, SOURCE + key))
    if source is None:
        return True
    if region.width * region.height > MOST_WATCHED_PIXELS or not beneath.is_quick(document, source, region):
        return None
    raw, space = beneath.read_through(document, source, region)
    return is_stale(recipe, spaces.picture_from(raw, (region.width, region.height), space))


def recipe_of(document: Document, key: str) -> Recipe:
    """Return a layer's recipe. Raises RequestError when there is none or it is damaged."""
    text = kept(document, RECIPE + key)
    if not text:
        raise RequestError(say("This layer has no recipe."), "no-recipe")
    return from_json(text)


def host_for_rerun(document: Document, key: str) -> KritaHost:
    """Return the host that makes a layer anew from its own source, above itself. Raises RequestError."""
    source = kept(document, SOURCE + key)
    if find_node(document, source) is None:
        raise RequestError(
            say("The layer that this edit was made from was deleted, so it can't be made again."), "layer-gone"
        )
    return KritaHost(document_id(document), source, above=key)


def bring_back(document: Document, recipe: Recipe) -> None:
    """Put a recipe's handles and strokes back on their layers, and its mask or hold as the selection, in place of what is there."""
    points.clear(document)
    for handle in recipe.handles:
        points.add(document, handle)
    region: Bounds = recipe.region
    for role in strokes.ROLES:
        if role in helper_ids(document):
            strokes.remove(document, role)
        plane = getattr(recipe, role)
        if plane is not None:
            strokes.put_plane(document, role, region, plane)
    selections.choose(document, region, recipe.mask or recipe.grab)
