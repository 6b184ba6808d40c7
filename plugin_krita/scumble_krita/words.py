"""The plug-in's wording passes through here, into the language that Krita speaks: Krita's own catalogue knows nothing of us."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from scumble_protocol.client.catalogue import translator
from scumble_protocol.wording import Sentence, said

from .qt import QLocale

DOMAIN = "scumble-krita"
LOCALE = Path(__file__).parent / "locale"


def say(text: str, **values: object) -> str:
    """Return the text in the painter's language, with `{names}` filled in; a sentence from elsewhere brings its own values."""
    return _translator(QLocale().name())(said(text, **values) if values and not isinstance(text, Sentence) else text)


@lru_cache(maxsize=4)
def _translator(language: str) -> Callable[[str], str]:
    return translator(DOMAIN, LOCALE, [language])
