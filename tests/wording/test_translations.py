"""Every translation is of a sentence that there is, keeps its values, and leaves nothing that the panels say in English."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from wording.templates import KRITA, PROTOCOL, ROOT

GIMP = ROOT / "plugin_gimp" / "scumble-gimp"
DOMAINS = {KRITA: "scumble-krita", GIMP: "scumble-gimp", PROTOCOL: "scumble"}
TRANSLATIONS = [po for folder in DOMAINS for po in sorted(folder.glob("locale/*/LC_MESSAGES/*.po"))]


def places(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


def test_both_hosts_and_the_engine_speak_german() -> None:
    assert {po.name for po in TRANSLATIONS if po.parts[-3] == "de"} == {f"{name}.po" for name in DOMAINS.values()}


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_translation_is_of_a_sentence_that_there_is_and_keeps_its_values(path: Path) -> None:
    template = {entry.msgid for entry in polib.pofile(str(path.parents[2] / f"{path.stem}.pot"))}
    for entry in polib.pofile(str(path)):
        assert entry.msgid in template
        for text in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
            assert places(text) == places(entry.msgid_plural or entry.msgid), text


@pytest.mark.parametrize("folder", [KRITA, GIMP], ids=lambda folder: DOMAINS[folder])
def test_a_panel_that_speaks_german_says_nothing_in_english(folder: Path) -> None:
    name = DOMAINS[folder]
    said = {entry.msgid for entry in polib.pofile(str(folder / "locale" / f"{name}.pot"))}
    translated = {entry.msgid for entry in polib.pofile(str(folder / "locale" / "de" / "LC_MESSAGES" / f"{name}.po"))}
    assert said == translated
