"""The docker speaks the painter's language by our own catalogues: the plug-in's, and behind it the engine's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from kritatest.program import Program
from kritatest.stand_in import StandIn
from scumble_protocol.wording import said
from wording.mo import catalogue

OWN = {"Edit": "Bearbeiten", "Added “{name}”.": "„{name}“ hinzugefügt.", "Say what should change": "Was wird anders?"}
ENGINES = {"Handle {number} leaves it.": "Griff {number} verlässt es.", "filling": "füllt"}


@pytest.fixture
def german(stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The plug-in's words with catalogues of a few German sentences, in a Krita that speaks German."""
    words, shared = import_module("scumble_krita.words"), import_module("scumble_protocol.client.catalogue")
    for domain, texts in ((words.DOMAIN, OWN), (shared.SHARED, ENGINES)):
        folder = tmp_path / "de" / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{domain}.mo").write_bytes(catalogue(texts))
    whole = shared.translator
    monkeypatch.setattr(words, "LOCALE", tmp_path)
    monkeypatch.setattr(words, "translator", lambda *where: whole(*where, tmp_path))
    speaks = words.QLocale("de_DE")
    monkeypatch.setattr(words, "QLocale", lambda: speaks)
    words._translator.cache_clear()
    yield words
    words._translator.cache_clear()


def test_what_the_docker_says_is_translated_by_our_own_catalogue(german: Any) -> None:
    panel = import_module("scumble_krita.panel").Panel()
    assert panel.edit.text() == "Bearbeiten"
    assert panel.words.placeholderText() == "Was wird anders?"
    assert panel.cancel.text() == "Cancel"  # not translated: as it is
    assert german.say("Added “{name}”.", name="{x} <b>") == "„{x} <b>“ hinzugefügt."


def test_what_the_engine_says_is_translated_with_its_values(german: Any) -> None:
    work, errors = import_module("scumble_krita.work"), import_module("scumble_protocol.errors")
    error = errors.RequestError(said("Handle {number} leaves it.", number=7), "bad-handle")
    assert work.plain(error) == "Griff 7 verlässt es."
    assert german.say("filling") == "füllt"


def test_a_language_without_a_catalogue_is_english(stand_in: StandIn) -> None:
    translate = import_module("scumble_protocol.client.catalogue").translator("scumble-krita", Path("/nowhere"), ["xx"])
    assert translate("Edit") == "Edit"
    assert translate(said("Handle {number} leaves it.", number=7)) == "Handle 7 leaves it."


@pytest.mark.krita
def test_a_german_krita_says_what_the_docker_and_the_engine_say_in_german(krita: Program) -> None:
    shown = krita.probe.ask(
        """
        from PyQt5.QtCore import QLocale
        from scumble_krita.panel import Panel
        from scumble_krita.work import plain
        from scumble_protocol.errors import error_for
        from scumble_protocol.wording import said

        refusal = error_for("bad-handle", said("Handle {number} starts outside the mask.", number=2))
        before = QLocale()
        try:
            QLocale.setDefault(QLocale("de_DE"))
            panel, told = Panel(), plain(refusal)
        finally:
            QLocale.setDefault(before)
        answer = [panel.edit.text(), panel.words.placeholderText(), told, Panel().edit.text()]
        """
    )
    assert shown == ["Bearbeiten", "Sagen Sie, was sich ändern soll", "Griff 2 beginnt außerhalb der Maske.", "Edit"]
