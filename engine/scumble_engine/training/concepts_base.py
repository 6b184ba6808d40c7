"""The base size's concepts, read from the English names of code points: every object that enough sets have drawn."""

from __future__ import annotations

import json
import re

from scumble_engine.training.concepts import SMALL, Concept
from scumble_engine.training.sprites import Icons, Pack, fetch

NAMES = Pack("names", "emojibase-data", "17.0.0", "MIT", "emojibase, Miles Johnson")
_GROUPS = (3, 4, 5, 6, 7)  # animals and nature, food and drink, travel and places, activities, objects
_LEFT_OUT = re.compile(r"o.clock|-thirty|flag|button|keycap|person|people|man|woman|sun with|moon face")


def base_concepts(packs: tuple[Pack, ...], at_least: int) -> tuple[Concept, ...]:
    """Return concepts drawn in at least so many of the packs: the small size's own first, then by code point."""
    sets = [Icons(fetch(pack)) for pack in packs]
    known = {concept.hexcode.split("-")[0]: concept for concept in SMALL}
    entries = json.loads((fetch(NAMES) / "en" / "data.json").read_text())
    found = [_concept(entry) for entry in entries if _wanted(entry)]
    more = [concept for concept in found if concept.hexcode.split("-")[0] not in known]
    drawn = [c for c in more if sum(icons.source(c) is not None for icons in sets) >= at_least]
    named = {concept.name: concept for concept in reversed(drawn)}  # of two with one name, the first
    return SMALL + tuple(c for c in drawn if named[c.name] is c and c.name not in {k.name for k in SMALL})


def _wanted(entry: dict[str, object]) -> bool:
    return entry.get("group") in _GROUPS and not _LEFT_OUT.search(str(entry["label"]))


def _concept(entry: dict[str, object]) -> Concept:
    label = str(entry["label"])
    slug = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
    name = label.lower().removesuffix(" face")
    return Concept(name, f"{name}s", (slug, slug.replace("-", "")), str(entry["hexcode"]).lower())
