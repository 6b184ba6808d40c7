"""Noun phrases: "the two red apples" -> number, colour, noun. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .vocabulary import ARTICLES, Vocabulary, with_article

NUMBERS = {"two": "two", "2": "two", "three": "three", "3": "three", "four": "four", "4": "four"}
SIZES = frozenset({"big", "small", "little", "large", "tiny", "huge", "other", "same"})


@dataclass(frozen=True)
class Phrase:
    """`text`: as it was said; `noun`: canonical, "" when the model does not know it; `color`, `number`: "" when not said."""

    text: str
    noun: str
    color: str = ""
    plural: bool = False
    number: str = ""


def read_phrase(text: str, words: Vocabulary) -> Phrase | None:
    """Read a whole text as one noun phrase; None when there is nothing in it."""
    rest = [word for word in text.split() if word not in SIZES or words.open]
    while rest and rest[0] in ARTICLES:
        rest = rest[1:]
    number = NUMBERS.get(rest[0], "") if rest else ""
    rest = rest[1:] if number else rest
    color = words.color(rest[0]) if len(rest) > 1 else None
    rest = rest[1:] if color else rest
    if not rest:
        return None
    noun = words.noun(" ".join(rest)) or ""
    return Phrase(text, noun, color or "", bool(noun) and words.is_plural(noun), number)


def find_phrase(text: str, words: Vocabulary) -> Phrase | None:
    """Return the first noun phrase inside a longer text that the model knows: what the picture is mainly of."""
    tokens = text.replace(",", " ").split()
    if words.open:
        return None
    for start in range(len(tokens)):
        for end in range(len(tokens), start, -1):
            phrase = read_phrase(" ".join(tokens[start:end]), words)
            if phrase is not None and phrase.noun:
                return phrase
    return None


def describe(phrase: Phrase) -> str:
    """Say a phrase in the model's words: "a green apple", "two red apples"."""
    body = f"{phrase.color} {phrase.noun}".strip()
    if phrase.number:
        return f"{phrase.number} {body}"
    return with_article(body, phrase.plural)
