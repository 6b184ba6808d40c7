"""Compiled message catalogues for tests."""

from __future__ import annotations

import polib


def catalogue(words: dict[str, str]) -> bytes:
    """Return a catalogue of these texts and their translations, in the .mo format of GNU gettext."""
    made = polib.POFile()
    made.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    made.extend(polib.POEntry(msgid=text, msgstr=translation) for text, translation in words.items())
    return bytes(made.to_binary())
