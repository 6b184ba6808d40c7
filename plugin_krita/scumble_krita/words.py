"""The plug-in's wording passes through here, so that Krita's own translations (`i18n`) can replace it."""

from __future__ import annotations

import builtins


def say(text: str, **values: object) -> str:
    """Return the text in the painter's language, with `{names}` filled in afterwards."""
    translate = getattr(builtins, "i18n", None)
    spoken = str(translate(text)) if translate else text
    return spoken.format(**values) if values else spoken
