"""The templates that translators begin with, made from the code: the docker's own, and that of the engine's and the protocol's sentences.

Write them anew with `make wording` (`PYTHONPATH=protocol:tests python -m wording.templates`); translations of what is no longer said go.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).parents[2]
PROTOCOL, ENGINE = ROOT / "protocol" / "scumble_protocol", ROOT / "engine" / "scumble_engine"
KRITA = ROOT / "plugin_krita" / "scumble_krita"
ERRORS = {"RequestError", "EngineError", "ProtocolError", "Cancelled"}
ROOMS = ("edits", "diffusion", "assist", "models", "imaging")
HEADING = """# {what}
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""


def krita() -> str:
    """Return the template of what goes through `say` in the docker."""
    said = (text for tree in _trees(KRITA.glob("*.py")) for text in _spoken(tree, {"say", *ERRORS}))
    return _template("Sentences of Scumble's plug-in for Krita.", said)


def shared() -> str:
    """Return the template of what errors, notes and stages say, wherever in the engine and the protocol they come from."""
    files = [
        *PROTOCOL.rglob("*.py"),
        *ENGINE.glob("*.py"),
        *(one for room in ROOMS for one in (ENGINE / room).rglob("*.py")),
    ]
    trees = list(_trees(files))
    said = [text for tree in trees for text in _spoken(tree, {*ERRORS, "said"})]
    notes = [
        text for tree in trees for name, texts in _constants(tree).items() if name.endswith("_NOTE") for text in texts
    ]
    stages = [str(call.args[2].value) for tree in trees for call in _calls(tree, {"Step"}) if _is_text(call.args[2:3])]
    return _template("Sentences of Scumble's engine and protocol.", [*said, *notes, *stages])


TEMPLATES = {
    KRITA / "locale" / "scumble-krita.pot": krita,
    PROTOCOL / "locale" / "scumble.pot": shared,
}


def _trees(files: Iterable[Path]) -> Iterator[ast.Module]:
    for file in sorted(files):
        yield ast.parse(file.read_text(encoding="utf-8"))


def _calls(tree: ast.Module, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def _is_text(arguments: list[ast.expr]) -> bool:
    return bool(arguments) and isinstance(arguments[0], ast.Constant) and isinstance(arguments[0].value, str)


def _spoken(tree: ast.Module, names: set[str]) -> Iterator[str]:
    """Yield each text that is the first argument of such a call, itself or by the name of a constant of its module."""
    constants = _constants(tree)
    for call in _calls(tree, names):
        for node in _parts(call):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.Name):
                yield from constants.get(node.id, ())


def _parts(call: ast.Call) -> Iterator[ast.AST]:
    """Yield what a whole text can come from; what is put together in place can't be looked up in a catalogue."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.IfExp):
        yield from (*ast.walk(first.body), *ast.walk(first.orelse))
    elif isinstance(first, ast.Constant | ast.Name | ast.Subscript):
        yield from ast.walk(first)
    elif isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute):  # NAMES.get(key, DEFAULT)
        yield from (node for node in ast.walk(first) if isinstance(node, ast.Name))


def _constants(tree: ast.Module) -> dict[str, list[str]]:
    """Return the texts of each constant at the top of a module: a text, or the values of a dict of texts."""
    found: dict[str, list[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            if all(_is_text([value]) for value in values):
                found[node.targets[0].id] = [str(value.value) for value in values if isinstance(value, ast.Constant)]
    return found


def _template(what: str, texts: Iterable[str]) -> str:
    entries = (f'msgid {json.dumps(text, ensure_ascii=False)}\nmsgstr ""\n' for text in sorted({*texts} - {""}))
    return "\n".join((HEADING.format(what=what), *entries))


def _drop_outdated(template: Path) -> None:
    said = {entry.msgid for entry in polib.pofile(str(template))}
    for path in template.parent.glob(f"*/LC_MESSAGES/{template.stem}.po"):
        catalogue = polib.pofile(str(path), wrapwidth=0)
        outdated = [entry for entry in catalogue if entry.msgid not in said]
        for entry in outdated:
            catalogue.remove(entry)
        if outdated:
            catalogue.save()


if __name__ == "__main__":
    for path, make in TEMPLATES.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(make(), encoding="utf-8")
        _drop_outdated(path)
