"""The layers of a picture that Scumble made, and how: a recipe may be large, so each is fetched and parsed once.

A recipe comes and goes with its layer and is never rewritten, so what was found by a layer's id holds as long as GIMP runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from gi.repository import Gimp
from scumble_protocol.client.recipe import PLANES, Recipe, from_json
from scumble_protocol.errors import ScumbleError

from .notes import RECIPE, note, notes_on


@dataclass
class Results:
    """What is known by layer id: whether Scumble made it, and its recipe without planes (None: damaged)."""

    _made: dict[int, bool] = field(default_factory=dict)
    _recipes: dict[int, Recipe | None] = field(default_factory=dict)

    def layers(self, image: Gimp.Image) -> list[Gimp.Layer]:
        """Return every layer with a recipe, from the top down, in groups too. Fetches no recipe."""
        return self._in(image.get_layers())

    def recipe(self, layer: Gimp.Layer) -> Recipe | None:
        """Return what the layer was made by, without strokes and masks; None when its recipe is damaged."""
        number = layer.get_id()
        if number not in self._recipes:
            self._recipes[number] = _parsed(note(layer, RECIPE))
        return self._recipes[number]

    def _in(self, layers: list[Gimp.Layer]) -> list[Gimp.Layer]:
        found: list[Gimp.Layer] = []
        for layer in layers:
            if self._is_made(layer):
                found.append(layer)
            if layer.is_group_layer():
                found += self._in(layer.get_children())
        return found

    def _is_made(self, layer: Gimp.Layer) -> bool:
        number = layer.get_id()
        if number not in self._made:
            self._made[number] = RECIPE in notes_on(layer)
        return self._made[number]


def _parsed(text: str) -> Recipe | None:
    no_planes: dict[str, Any] = dict.fromkeys(PLANES)
    try:
        return replace(from_json(text), **no_planes)
    except ScumbleError:
        return None
