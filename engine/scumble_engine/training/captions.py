"""Scenes in English: many ways to say the same scene, with the words that name each object marked."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.concepts import Concept
from scumble_engine.training.scenes import Background, Scene, SceneObject

GROUND_WORDS: dict[str, tuple[str, ...]] = {
    "plain": ("on a {color} background", "on a plain {color} background", "on {color}"),
    "gradient": ("on a {color} gradient", "on a {color} gradient background"),
    "grass": ("on grass", "on green grass", "in a meadow", "on the grass under a blue sky", "in a field"),
    "sea": ("at sea", "on the sea", "in the sea", "on the water", "over the ocean"),
    "beach": ("on the beach", "on a beach", "on the sand", "on a sandy beach by the sea"),
    "snow": ("in the snow", "on snow", "in winter", "on a snowy field"),
    "night": ("at night", "in the night", "under the stars", "in a starry night sky", "in space"),
    "room": ("in a room", "in a {color} room", "in a room with a {color} wall", "indoors"),
    "stripes": ("on a striped {color} background", "on {color} stripes", "on a striped background"),
    "dots": ("on a dotted {color} background", "on a {color} background with dots", "on a dotted background"),
    "checks": ("on a checkered {color} background", "on {color} checks", "on a checkered background"),
}
"""Background kind -> ways to say it; the first is the plainest."""

STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "flat": ("flat", "flat color"),
    "3d": ("3d", "rendered 3d"),
    "cartoon": ("cartoon", "shaded cartoon"),
    "glossy": ("glossy",),
    "simple": ("simple",),
    "round": ("round",),
    "soft": ("soft",),
    "classic": ("classic",),
    "lined": ("lined",),
    "outlined": ("outlined",),
}
"""Style -> adjectives; the first is the plainest."""

_PREFIXES = (
    "a {style} drawing of ",
    "a {style} picture of ",
    "a {style} illustration of ",
    "{style} art of ",
    "{style} picture of ",
)
_SUFFIXES = (", {style} style", " in {style} style", ", {style} drawing", ", {style}")
_OPENINGS = ("", "", "", "a picture of ", "a drawing of ", "an illustration of ", "a painting of ", "an image of ")
_NUMBERS = {2: ("two", "2", "a pair of"), 3: ("three", "3"), 4: ("four", "4")}


@dataclass(frozen=True)
class Caption:
    """A sentence in pieces: (text, index of the object that this text names, or None)."""

    pieces: tuple[tuple[str, int | None], ...]

    @property
    def text(self) -> str:
        """The whole sentence."""
        return "".join(text for text, _ in self.pieces)


class Describer:
    """Says scenes over known concepts. `plain` gives the one shortest full sentence; `vary` any of many."""

    def __init__(self, concepts: Sequence[Concept], bank: SpriteBank) -> None:
        self._concepts = {concept.name: concept for concept in concepts}
        self._bank = bank

    def plain(self, scene: Scene) -> Caption:
        """Return the canonical sentence: style, colours given, every object and the background, in fixed words."""
        style = STYLE_WORDS[scene.objects[0].style][0] if scene.objects else ""
        opening = f"a {style} drawing of " if style else ""
        pieces = [(opening, None), *self._list(scene, None), (" " + self._ground(scene.background, None), None)]
        return Caption(tuple(pieces))

    def vary(self, scene: Scene, draw: random.Random) -> Caption:
        """Return one of many sentences that fit the scene; parts may be left unsaid, colours changed are always said."""
        opening, closing = draw.choice(_OPENINGS), ""
        if scene.objects and draw.random() < 0.6:
            style = draw.choice(STYLE_WORDS[scene.objects[0].style])
            if draw.random() < 0.55:
                opening = draw.choice(_PREFIXES).format(style=style)
            else:
                closing = draw.choice(_SUFFIXES).format(style=style)
        ground = self._ground(scene.background, draw)
        unsaid = scene.background == _bare(scene.background) and draw.random() < 0.5
        body = self._list(scene, draw)
        if not unsaid and draw.random() < 0.12:
            opening = f"{ground}, {opening}"
        elif not unsaid:
            body = [*body, (f" {ground}", None)]
        return Caption(((opening, None), *body, (closing, None)))

    def phrase(self, item: SceneObject, draw: random.Random | None = None, article: bool = True) -> str:
        """Return "a red apple": the object's noun with its colour if it was given one (or, sometimes, its own)."""
        concept = self._concepts[item.concept]
        noun = concept.name
        if draw is not None and concept.synonyms and draw.random() < 0.12:
            noun = draw.choice(concept.synonyms)
        words = f"{self._color(item, draw)} {noun}".strip()
        return _with_article(words) if article else words

    def _color(self, item: SceneObject, draw: random.Random | None) -> str:
        if item.color is not None:
            return item.color
        own = self._bank.natural_of(item.concept, item.style)
        return own if own is not None and draw is not None and draw.random() < 0.35 else ""

    def _list(self, scene: Scene, draw: random.Random | None) -> list[tuple[str, int | None]]:
        items = scene.objects
        if len(items) > 1 and len({(item.concept, item.color) for item in items}) == 1:
            return [(self._group(items, draw), 0)]
        order = list(range(len(items)))
        if len(items) == 2:
            return self._pair(items, draw)
        if draw is not None:
            draw.shuffle(order)
        pieces: list[tuple[str, int | None]] = []
        for place, n in enumerate(order):
            joint = "" if place == 0 else (" and " if place == len(order) - 1 else ", ")
            pieces += [(joint, None), (self.phrase(items[n], draw), n)]
        return pieces

    def _group(self, items: Sequence[SceneObject], draw: random.Random | None) -> str:
        numbers = _NUMBERS[len(items)]
        number = numbers[0] if draw is None else draw.choice(numbers)
        return f"{number} {self._color(items[0], draw)} {self._concepts[items[0].concept].plural}".replace("  ", " ")

    def _pair(self, items: Sequence[SceneObject], draw: random.Random | None) -> list[tuple[str, int | None]]:
        first, second = (0, 1) if draw is None or draw.random() < 0.5 else (1, 0)
        joints = (
            [" and "] if draw is None else [" and ", " and ", " next to ", *_relations(items[first], items[second])]
        )
        joint = joints[0] if draw is None else draw.choice(joints)
        return [(self.phrase(items[first], draw), first), (joint, None), (self.phrase(items[second], draw), second)]

    def _ground(self, ground: Background, draw: random.Random | None) -> str:
        ways = GROUND_WORDS[ground.kind]
        return (ways[0] if draw is None else draw.choice(ways)).format(color=ground.color)


def _relations(one: SceneObject, other: SceneObject) -> list[str]:
    """Return the words that truly relate `one` to `other`, by their centres."""
    dx, dy = one.center[0] - other.center[0], one.center[1] - other.center[1]
    if abs(dx) > max(0.25, abs(dy)):
        return [" to the left of ", " left of "] if dx < 0 else [" to the right of ", " right of "]
    if abs(dy) > max(0.25, abs(dx)):
        return [" above ", " over "] if dy < 0 else [" below ", " under "]
    return []


def _bare(ground: Background) -> Background:
    return Background("plain", "white", ground.variation)


def _with_article(words: str) -> str:
    if words.endswith("grapes"):
        return words
    return ("an " if words[0] in "aeio" else "a ") + words
