"""This document's Scumble layers: their rows for the panel, which are stale, and how to make one again."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from krita import Document
from scumble_protocol.client.recipe import Recipe, from_json
from scumble_protocol.client.staleness import StaleWatch
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
    _watch: StaleWatch = field(default_factory=StaleWatch)
    _turn: int = 0

    def rows(self, document: Document) -> list[LayerRow]:
        """Return one row a layer, the topmost first."""
        found = [(str(node.uniqueId().toString()), node.name()) for node in edited_layers(document)]
        return [LayerRow(key, name, self.stale.get(key, False)) for key, name in found]

    def look_at_next(self, document: Document, rows: list[LayerRow]) -> None:
        """Compare what lies beneath one of the layers with what it was made from."""
        self.stale.update(self._watch.answers())
        if not rows or self._watch.busy:
            return
        self._turn = (self._turn + 1) % len(rows)
        key = rows[self._turn].key
        with contextlib.suppress(ScumbleError):
            _look(document, key, self._watch)


def _look(document: Document, key: str, watch: StaleWatch) -> None:
    """Have a layer compared, unless reading what lies beneath it would take too long."""
    recipe = recipe_of(document, key)
    source, region = find_node(document, kept(document, SOURCE + key)), recipe.region
    if source is None or not recipe.lies_in(Bounds(0, 0, document.width(), document.height())):
        watch.found_stale(key)
        return
    if region.width * region.height > MOST_WATCHED_PIXELS or not beneath.is_quick(document, source, region):
        return
    raw, space = beneath.read_through(document, source, region)
    watch.look(key, recipe, spaces.picture_from(raw, (region.width, region.height), space))


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
    """Put a recipe's handles and strokes back on their layers, and its mask or hold as the selection, in place of what is there.

    Raises RequestError.
    """
    planes = recipe.planes_on(Bounds(0, 0, document.width(), document.height()))
    points.clear(document)
    for handle in recipe.handles:
        points.add(document, handle)
    region: Bounds = recipe.region
    for role in strokes.ROLES:
        if role in helper_ids(document):
            strokes.remove(document, role)
        if role in planes:
            strokes.put_plane(document, role, region, planes[role])
    selections.choose(document, region, planes.get("mask") or planes.get("grab"))
