"""The painter's language in a plug-in: its own translations, and behind them those of the engine's and the protocol's sentences.

Translations are gettext's: `locale/<language>/LC_MESSAGES/<domain>.mo` beside the template `locale/<domain>.pot`.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterable
from pathlib import Path

from ..wording import spoken

SHARED = "scumble"
SHARED_FOLDER = Path(__file__).resolve().parents[1] / "locale"


def translator(
    domain: str, folder: Path, languages: Iterable[str], shared_folder: Path = SHARED_FOLDER
) -> Callable[[str], str]:
    """Return what says a text or a sentence in the first of these languages ("de_DE") that has it, else in English."""
    wanted = list(languages)
    own = gettext.translation(domain, str(folder), wanted, fallback=True)
    own.add_fallback(gettext.translation(SHARED, str(shared_folder), wanted, fallback=True))
    return lambda text: spoken(text, own.gettext)
