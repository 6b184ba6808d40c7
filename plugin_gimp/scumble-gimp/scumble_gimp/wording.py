"""Every sentence that the painter reads goes through `_`, so that it can be translated by GIMP's own mechanism, gettext."""

from __future__ import annotations

import gettext
from pathlib import Path

from scumble_protocol.client.catalogue import SHARED, SHARED_FOLDER
from scumble_protocol.wording import spoken

DOMAIN = "scumble-gimp"
LOCALE_DIR = Path(__file__).resolve().parent.parent / "locale"


def _(text: str) -> str:
    """Return the text in the painter's language, or as it is where there is no translation."""
    return gettext.dgettext(DOMAIN, text)


def aloud(sentence: str) -> str:
    """Return a sentence of the engine's or the protocol's in the painter's language: it knows its template and values."""
    return spoken(sentence, _own_or_shared)


def _own_or_shared(text: str) -> str:
    own = _(text)
    return own if own != text else gettext.dgettext(SHARED, text)


def bind_language() -> None:
    """Tell gettext where the translations lie. GIMP sets the language of the process before it starts us."""
    gettext.bindtextdomain(DOMAIN, str(LOCALE_DIR))
    gettext.bindtextdomain(SHARED, str(SHARED_FOLDER))


def failed_inside(error: Exception) -> str:
    """Say in one line that the fault is ours, for whatever was not foreseen."""
    return _("Scumble failed inside: {error}").format(error=f"{type(error).__name__}: {error}")


def counted(number: int, one: str, many: str) -> str:
    """Return `one` or `many` by the rules of the painter's language; both hold a `{number}`."""
    return gettext.dngettext(DOMAIN, one, many, number).format(number=number)
