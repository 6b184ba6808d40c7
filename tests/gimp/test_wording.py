"""Every sentence of the plug-in can be translated: the template has them all, and a translation is shown."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from scumble_engine.install.contents import plug_in_source
from scumble_gimp import wording as gimp_wording
from scumble_gimp.desk import progress_line
from scumble_protocol.errors import error_for
from scumble_protocol.messages import Failure
from scumble_protocol.wording import said
from wording.mo import catalogue

SOURCE = Path(gimp_wording.__file__).parent
TEMPLATE = SOURCE.parent / "locale" / "scumble-gimp.pot"


def said_in_code() -> set[str]:
    """Return each constant text that goes through `_` or `counted`."""
    said: set[str] = set()
    for file in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                texts = {"_": node.args[:1], "counted": node.args[1:3]}.get(node.func.id, [])
                said |= {arg.value for arg in texts if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return said


def said_in_template() -> set[str]:
    text = TEMPLATE.read_text(encoding="utf-8")
    joined = re.sub(r'"\n"', "", text)
    return {ast.literal_eval(found) for found in re.findall(r'^msgid(?:_plural)? (".*")$', joined, re.M)} - {""}


def test_the_template_has_what_the_code_says_and_nothing_else() -> None:
    assert said_in_code() == said_in_template()


def test_a_translation_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / f"{gimp_wording.DOMAIN}.mo").write_bytes(catalogue({"Cancel": "Abbrechen"}))
    monkeypatch.setattr(gimp_wording, "LOCALE_DIR", tmp_path)
    monkeypatch.setenv("LANGUAGE", "de")

    gimp_wording.bind_language()

    assert gimp_wording._("Cancel") == "Abbrechen"
    assert gimp_wording._("Never translated") == "Never translated"


def test_a_sentence_of_the_engine_is_said_with_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    words = {"Handle {number} leaves the picture.": "Griff {number} verlässt das Bild.", "filling": "füllt"}
    (folder / f"{gimp_wording.DOMAIN}.mo").write_bytes(catalogue(words))
    monkeypatch.setattr(gimp_wording, "LOCALE_DIR", tmp_path)
    monkeypatch.setenv("LANGUAGE", "de")
    gimp_wording.bind_language()

    failure = Failure("job", "handle-outside", said("Handle {number} leaves the picture.", number=2))

    assert gimp_wording.aloud(error_for(failure.code, failure.sentence).sentence) == "Griff 2 verlässt das Bild."
    assert gimp_wording.aloud("Never translated: {number}.") == "Never translated: {number}."
    assert progress_line("filling", -1) == "füllt"
    assert progress_line("", -1) == ""


def test_the_template_is_installed_with_the_plug_in() -> None:
    assert (plug_in_source("plugin_gimp", "scumble-gimp/scumble-gimp.py") / "scumble-gimp" / "locale").is_dir()
