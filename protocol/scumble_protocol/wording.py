"""Sentences that keep their parts, so that a host can say them in the painter's language. Pure; no catalogue lies here.

    RequestError(said("Handle {number} starts outside the picture.", number=2), "bad-handle")

The English template is the key that translators know (gettext's msgid): one code stands for several sentences, a template for one.
A sentence without values needs none of this: it is its own template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Argument:
    """What belongs into a template's `{name}`."""

    name: str
    value: str


@dataclass(frozen=True)
class Wording:
    """A sentence in its parts: English with `{names}`, and what belongs there. Filled in, it is the sentence beside it."""

    template: str
    arguments: tuple[Argument, ...] = ()


class Sentence(str):
    """English text, ready to be read, that knows what it was put together from."""

    __slots__ = ("wording",)
    wording: Wording


def said(template: str, **values: object) -> Sentence:
    """Fill the values into `{names}` and remember both. Write numbers as people should read them: `size=f"{size:.1f}"`.

    >>> said("Handle {number} starts outside.", number=2)
    'Handle 2 starts outside.'
    """
    return _sentence(Wording(template, tuple(Argument(name, str(value)) for name, value in values.items())))


def wording_of(text: str) -> Wording:
    """Return a sentence's parts; plain text is its own template."""
    return text.wording if isinstance(text, Sentence) else Wording(text)


def rejoined(text: str, wording: Wording | None) -> str:
    """Return the text with its parts, unless they are another sentence's."""
    if wording is None or isinstance(text, Sentence):
        return text
    whole = _sentence(wording)
    return whole if whole == text else text


def spoken(text: str, translate: Callable[[str], str]) -> str:
    """Say a sentence in the painter's language: its template is translated, then its values are filled in."""
    wording = wording_of(text)
    if not wording.template:
        return text  # gettext answers "" with the catalogue's own heading
    return filled(translate(wording.template), wording.arguments) if wording.arguments else translate(wording.template)


def filled(template: str, arguments: Iterable[Argument]) -> str:
    """Put each argument in its place. Names without a value stay as they are; no format is ever read out of a template."""
    values = {argument.name: argument.value for argument in arguments}
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), template)


def _sentence(wording: Wording) -> Sentence:
    made = Sentence(filled(wording.template, wording.arguments) if wording.arguments else wording.template)
    made.wording = wording
    return made
