"""The words that a model was taught: things, colours, styles and grounds, with their other names. Pure; knows no model."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

ARTICLES = frozenset(
    re.findall(r"[\w-]+", "a an the my our your his her their this that these those its some one all every each any")
)
GROUND_FILLER = ARTICLES | frozenset(
    re.findall(r"[\w-]+", "on in at over under before front of by with background backdrop plain and color")
)
OPEN_COLORS = tuple(
    re.findall(
        r"[\w-]+",
        "red orange yellow green blue purple pink brown black white gray grey golden gold silver beige "
        "turquoise violet magenta cyan maroon teal crimson lavender navy olive",
    )
)
OPEN_STYLES = {
    name: (name,)
    for name in (
        *(
            "cartoon",
            "watercolor",
            "sketch",
            "pencil sketch",
            "oil painting",
            "pixel art",
            "photo",
            "3d",
            "comic",
            "anime",
            "pencil",
        ),
        *(
            "black and white",
            "sepia",
            "charcoal",
            "ink",
            "line art",
            "impressionist",
            "pop art",
            "manga",
            "mosaic",
            "engraving",
        ),
        *(
            "low poly",
            "vintage",
            "painting",
            "drawing",
            "cyberpunk",
            "steampunk",
            "art nouveau",
            "stained glass",
            "clay",
            "collage",
        ),
    )
}


@dataclass(frozen=True)
class Thing:
    """A noun that the model knows: what to call one, several, and what else people call it."""

    name: str
    plural: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """`things` empty = an open vocabulary: any noun may be used. `styles` and `grounds`: a canonical word to all ways of saying it."""

    things: tuple[Thing, ...] = ()
    colors: tuple[str, ...] = OPEN_COLORS
    styles: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: OPEN_STYLES)
    grounds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return not self.things

    @cached_property
    def _nouns(self) -> dict[str, str]:
        """Every way to say a thing -> its canonical form, plural for plural."""
        nouns: dict[str, str] = {}
        for thing in self.things:
            for word in thing.synonyms:
                nouns.setdefault(word, thing.name)
                nouns.setdefault(_plural(word), thing.plural)
            nouns[thing.plural] = thing.plural
        return nouns | {thing.name: thing.name for thing in self.things}

    def noun(self, words: str) -> str | None:
        """Return the canonical form of a noun phrase without articles and colours, or None when the model does not know it."""
        if self.open:
            return words or None
        return self._nouns.get(words)

    def is_plural(self, noun: str) -> bool:
        if self.open:
            return noun.endswith("s") and not noun.endswith(("ss", "us", "is"))
        return any(noun == thing.plural != thing.name for thing in self.things)

    def color(self, word: str) -> str | None:
        if self.open:
            return word if word in self.colors else None
        word = "gray" if word == "grey" else word
        return word if word in self.colors else None

    def style(self, words: str) -> str | None:
        """Return the canonical word of a style that is named anywhere in `words`."""
        padded = f" {words} "
        ways = [(way, name) for name, all_ways in self.styles.items() for way in all_ways]
        return next((name for way, name in sorted(ways, key=lambda one: -len(one[0])) if f" {way} " in padded), None)

    def ground(self, words: str) -> str | None:
        """Return "on grass" for "a meadow": the canonical phrase of a known ground, with a colour where it takes one."""
        content = [word for word in words.split() if word not in GROUND_FILLER]
        color = next((found for word in content if (found := self.color(word))), None)
        rest = {_stem(word) for word in content if not self.color(word)}
        for phrase, ways in self.grounds.items():
            takes_color = "{color}" in phrase
            keys = [
                {_stem(word) for word in way.replace("{color}", "").split() if word not in GROUND_FILLER}
                for way in ways
            ]
            if any(rest and rest <= key for key in keys) and not takes_color:
                return phrase
            if takes_color and color and any(rest == key for key in keys):
                return phrase.format(color=color)
        return (f"on {_with_article(words)}" if words else None) if self.open else None

    def near(self, word: str, count: int = 3) -> tuple[str, ...]:
        """Return known words that look like `word`, the nearest first."""
        known = sorted({*self._nouns, *self.colors, *(way for ways in self.styles.values() for way in ways)})
        close = difflib.get_close_matches(word, known, n=2 * count, cutoff=0.6)
        return tuple(dict.fromkeys(self._singular(self._nouns.get(one, one)) for one in close))[:count]

    def _singular(self, noun: str) -> str:
        return next((thing.name for thing in self.things if noun == thing.plural), noun)

    def knows(self, word: str) -> bool:
        """Whether a single word occurs in anything that the model was taught."""
        return self.open or word in ARTICLES or bool(self.color(word)) or _stem(word) in self._stems

    @cached_property
    def _stems(self) -> frozenset[str]:
        phrases: Iterable[str] = [*self._nouns, *self._style_and_ground_words()]
        return frozenset(_stem(word) for phrase in phrases for word in phrase.split())

    def _style_and_ground_words(self) -> list[str]:
        ways = [way for table in (self.styles, self.grounds) for all_ways in table.values() for way in all_ways]
        return [*ways, *COMMON_WORDS]


# Words that hold a prompt together; every text encoder has met them.
COMMON_WORDS = (
    *("drawing", "picture", "illustration", "painting", "image", "art", "style", "and", "with", "of", "on", "in", "at"),
    *(
        "over",
        "under",
        "above",
        "below",
        "next",
        "to",
        "left",
        "right",
        "two",
        "three",
        "four",
        "pair",
        "background",
        "plain",
    ),
)


def vocabulary_from(data: Mapping[str, Any] | None) -> Vocabulary:
    """Read a model's vocabulary.json, as training writes it; None gives the open vocabulary."""
    if data is None:
        return Vocabulary()
    things = tuple(Thing(name, one["plural"], tuple(one["synonyms"])) for name, one in data["concepts"].items())
    styles = {ways[0]: tuple(ways) for ways in data["styles"].values()}
    grounds = {one["phrases"][0]: tuple(one["phrases"]) for one in data["backgrounds"].values()}
    return Vocabulary(things, tuple(data["colors"]), styles, grounds)


def with_article(noun: str, plural: bool = False) -> str:
    """Return "an apple", "a red apple", and plurals as they are."""
    return noun if plural else _with_article(noun)


def _with_article(words: str) -> str:
    first = words.split()[0] if words else ""
    if first in ARTICLES:
        return words
    return f"{'an' if words[:1] in 'aeio' else 'a'} {words}"


def _plural(word: str) -> str:
    return word if word.endswith("s") else f"{word}s"


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
