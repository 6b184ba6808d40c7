"""What translators begin with has every sentence of the code, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from wording.templates import TEMPLATES, krita, shared


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_the_template_has_what_the_code_says_and_nothing_else(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == TEMPLATES[path](), "run `make wording`"


def test_sentences_are_found_however_they_are_said() -> None:
    docker, engine = krita(), shared()
    assert 'msgid "Say what should change"\n' in docker  # by the name of a constant
    assert 'msgid "Add strokes"\n' in docker  # out of a dict
    assert "is a group: choose the paint layer in it" in docker  # out of a dict, with a default
    assert 'msgid "Give an instruction or a pair of prompts, not both."\n' in engine  # an error
    assert "A handle ends where nothing may change" in engine  # a note
    assert 'msgid "blending"\n' in engine  # a stage
