"""One file chooses the binding, and every Qt name that the plug-in uses is known to both of them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from kritatest.stand_in import PLUGIN, StandIn

FILES = sorted((PLUGIN / "scumble_krita").glob("*.py"))

# Resolves dotted names in a binding: "Qt.MouseButton.LeftButton"; prints those that are missing.
RESOLVE = """
import importlib, json, sys
binding, names = sys.argv[1], json.load(sys.stdin)
modules = [importlib.import_module(f"{binding}.{name}") for name in ("QtCore", "QtGui", "QtWidgets", "sip")]
def known(dotted):
    first, *rest = dotted.split(".")
    thing = next((getattr(module, first) for module in modules if hasattr(module, first)), None)
    for part in rest:
        thing = getattr(thing, part, None)
    return thing is not None
print(json.dumps([name for name in names if not known(name)]))
"""


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) and dotted(node.value) else ""


def names_in_use() -> list[str]:
    """Return every "QThing" and "QThing.Scope.Name" in the plug-in's code."""
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            name = dotted(node) if isinstance(node, ast.Attribute) else ""
            if name.startswith("Q") and name[1:2].isalpha():
                found.add(name)
            if isinstance(node, ast.ImportFrom) and node.module == "qt":
                found.update(alias.name for alias in node.names)
    return sorted(found)


def test_no_other_file_imports_qt() -> None:
    importing = {
        path.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "PyQt" in ast.unparse(node)
    }
    assert importing == {"qt.py"}


def test_both_branches_of_the_choice_import_the_same_names() -> None:
    tree = ast.parse((PLUGIN / "scumble_krita" / "qt.py").read_text())
    choice = next(node for node in tree.body if isinstance(node, ast.If))
    six, five = (
        {alias.name for one in branch if isinstance(one, ast.ImportFrom) for alias in one.names}
        for branch in (choice.body, choice.orelse)
    )
    assert six == five
    assert {"QWidget", "QImage", "QTimer"} <= six


@pytest.mark.parametrize("version", ["5.1.5", "5.2.9", "5.3.0-prealpha", "6.0.0", "6.1.0-beta1", "10.0"])
def test_the_running_kritas_version_chooses(stand_in: StandIn, version: str) -> None:
    qt = import_module("scumble_krita.qt")
    assert qt.binding_for(version) == ("PyQt5" if version.startswith("5") else "PyQt6")
    assert qt.BINDING == "PyQt6"  # the stand-in says that it is Krita 6


@pytest.mark.parametrize("binding", ["PyQt5", "PyQt6"])
def test_every_name_is_known_to_the_binding(binding: str) -> None:
    # PyQt5 belongs to Krita 5's Python, which is the system's; ours has PyQt6.
    python = "/usr/bin/python3" if binding == "PyQt5" else sys.executable
    if (
        not Path(python).exists()
        or subprocess.run([python, "-c", f"import {binding}.QtWidgets"], capture_output=True).returncode
    ):
        pytest.skip(f"{binding} is missing: run `make hosts` (PyQt5) or pip install PyQt6")
    names = names_in_use()
    assert "Qt.MouseButton.LeftButton" in names
    ignored = {"BINDING", "place_of", "pyqtSignal"}
    asked = json.dumps([name for name in names if name not in ignored])
    done = subprocess.run([python, "-c", RESOLVE, binding], input=asked, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
