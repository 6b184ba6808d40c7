"""The docker's wording goes through Krita's own `i18n`: what that returns is shown, and English comes through whole."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from kritatest.program import Program

pytestmark = pytest.mark.krita

SOURCE = Path(__file__).parents[2] / "plugin_krita" / "scumble_krita"


def said_in_code() -> list[str]:
    """Return each constant text that goes through `say`."""
    said = set()
    for file in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"
            if named and node.args and isinstance(node.args[0], ast.Constant):
                said.add(str(node.args[0].value))
    return sorted(said)


def test_no_sentence_is_mangled_by_kritas_own_translation(krita: Program) -> None:
    texts = said_in_code()
    assert "Its cues are back: alter them and press Edit. The earlier layer is hidden." in texts
    assert krita.probe.value(f"[i18n(text) for text in {texts!r}]") == texts


def test_what_krita_translates_is_shown(krita: Program) -> None:
    shown = krita.probe.ask(
        """
        import builtins
        from scumble_krita.panel import Panel

        kritas = builtins.i18n
        builtins.i18n = lambda text: {"Edit": "Bearbeiten", "Say what should change": "Was wird anders?"}.get(text, text)
        try:
            panel = Panel()
        finally:
            builtins.i18n = kritas
        answer = [panel.edit.text(), panel.words.placeholderText(), panel.cancel.text()]
        """
    )
    assert shown == ["Bearbeiten", "Was wird anders?", "Cancel"]
