"""Noun phrases and what is said of them: "the two dark red apples" -> number, colour, noun; "an apple" + "wet" -> "a wet apple". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .clauses import RELATION, SHADES
from .vocabulary import ARTICLES, Vocabulary, with_article

NUMBERS = {"two": "two", "2": "two", "three": "three", "3": "three", "four": "four", "4": "four"}
SIZES = frozenset({"big", "small", "little", "large", "tiny", "huge", "other", "same"})
PEOPLE = {"him": "man", "he": "man", "her": "woman", "she": "woman", "them": "people", "they": "people", "me": "person"}
TAIL = re.compile(rf" (?:{RELATION}|with|by|from) ")
# What parts one thing from the next in a description: "a woman wearing glasses", but not "a smiling woman".
APART = re.compile(rf"{TAIL.pattern}| (?:and|,) | (?!(?:{'|'.join(ARTICLES | set(NUMBERS))}) )\S+ \w+ing ")


@dataclass(frozen=True)
class Phrase:
    """`text`: as it was said; `noun`: canonical, "" when the model does not know it; `color`, `number`: "" when not said; `tail`: what
    follows the noun ("on the table")."""

    text: str
    noun: str
    color: str = ""
    plural: bool = False
    number: str = ""
    tail: str = ""


def read_phrase(text: str, words: Vocabulary) -> Phrase | None:
    """Read a whole text as one noun phrase; None when there is nothing in it."""
    head, tail = _parted(text) if words.noun(text) is None or words.open else (text, "")
    rest = [word for word in head.split() if word not in SIZES or words.open]
    while len(rest) > 1 and rest[0] in ARTICLES | {"of"}:
        rest = rest[1:]
    number = NUMBERS.get(rest[0], "") if len(rest) > 1 else ""
    rest = rest[1:] if number else rest
    color, rest = _colored(rest, words)
    if not rest or rest[0] in ARTICLES - set(PEOPLE):
        return None
    said = " ".join(rest)
    noun = words.noun(PEOPLE.get(said, said)) or ""
    return Phrase(text, noun, color, bool(noun) and words.is_plural(noun), number, tail if words.open else "")


def _parted(text: str) -> tuple[str, str]:
    at = TAIL.search(text, 1)
    return (text[: at.start()], text[at.start() + 1 :]) if at else (text, "")


def _colored(rest: list[str], words: Vocabulary) -> tuple[str, list[str]]:
    """Part a colour from what it colours."""
    for length in (1, 2, 3):
        color = color_of(" ".join(rest[:length]), words) if len(rest) > length else ""
        if color:
            return color, rest[length:]
    return "", rest


def color_of(text: str, words: Vocabulary) -> str:
    """Return the colour that a whole text names, or nothing: "dark blue", which is blue to a model that was taught few colours."""
    *shades, last = [word for word in text.split() if word not in ARTICLES] or [""]
    color = words.color(last) if SHADES.issuperset(shades) else None
    return " ".join((*shades, color)) if color and words.open else color or ""


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


def said_in(picture: str, thing: Phrase, words: Vocabulary) -> str:
    """Return the words by which the picture's description names a thing ("a red apple"), or nothing."""
    tokens = picture.replace(",", " , ").split()
    spans = [(start, end) for start in range(len(tokens)) for end in range(len(tokens), start, -1)]
    return next((said for start, end in spans if _names(said := " ".join(tokens[start:end]), thing, words)), "")


def _names(said: str, thing: Phrase, words: Vocabulary) -> bool:
    if APART.search(f" {said} ") or said.startswith("of "):
        return False
    phrase = read_phrase(said, words)
    if phrase is None or not phrase.noun:
        return False
    return f" {phrase.noun}".endswith(f" {thing.noun}") if words.open else phrase.noun == thing.noun


def describe(phrase: Phrase) -> str:
    """Say a phrase in the model's words: "a green apple", "two red apples on a table"."""
    body = " ".join(part for part in (phrase.color, phrase.noun, phrase.tail) if part)
    if phrase.number:
        return f"{phrase.number} {body}"
    return with_article(body, phrase.plural or (phrase.noun in PEOPLE.values() and phrase.noun == "people"))


def qualified(said: str, quality: str, words: Vocabulary, colors: bool = False) -> str:
    """Say a thing with a quality before it ("a red apple", "wet" -> "a wet red apple"); a new colour stands for the old one."""
    rest = said.split()
    lead = [rest.pop(0)] if rest[0] in ARTICLES or rest[0] in NUMBERS else []
    if colors:
        _, rest = _colored(rest, words)
    body = " ".join((quality, *rest))
    if lead and lead[0] in ("a", "an"):
        return with_article(body)
    return " ".join((*lead, body))
