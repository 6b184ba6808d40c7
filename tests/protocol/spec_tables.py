"""Read the tables of SPEC.md, and say the same of the code, so that a test can hold one to the other."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import scumble_protocol
from scumble_protocol.pixels import Buffer

SPEC = Path(scumble_protocol.__file__).with_name("SPEC.md")
_PLAIN: dict[Any, str] = {bool: "bool", int: "int", float: "float", str: "text", bytes: "bytes"}


def tables(text: str) -> dict[str, list[list[str]]]:
    """Return each table's rows (without its two heading lines), keyed by the heading above it, backticks removed."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in text.splitlines():
        if match := re.match(r"#+ (.*)", line):
            heading = match[1].replace("`", "").strip()
        elif line.startswith("|"):
            cells = [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]
            found.setdefault(heading, []).append(cells)
    return {heading: rows[2:] for heading, rows in found.items()}


def described(cls: Any) -> list[list[str]]:
    """Say a dataclass as SPEC.md does: [field, type, default] a row."""
    hints = get_type_hints(cls)
    return [[f.name, notation(hints[f.name]), "—" if f.default is MISSING else literal(f.default)] for f in fields(cls)]


def notation(hint: Any) -> str:
    if hint == Buffer:
        return "frame"
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_dataclass(hint):
        return hint.__name__
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(args)
    if origin is tuple:
        return "list of " + notation(args[0])
    assert origin in (Union, UnionType), hint
    if NoneType in args:
        return notation(args[0]) + " or nil"
    return "Cue" if set(args) == set(get_args(scumble_protocol.messages.Cue)) else "?"


def literal(default: Any) -> str:
    if default is None:
        return "nil"
    if default == ():
        return "[]"
    return (
        f"{type(default).__name__}()"
        if is_dataclass(default)
        else repr(default).replace("'", '"').replace("False", "false")
    )


def reachable(roots: list[Any]) -> list[Any]:
    """Return every dataclass that the roots hold, in the order met, without the roots."""
    met: list[Any] = []
    queue = list(roots)
    while queue:
        hints = get_type_hints(queue.pop(0)).values()
        for hint in hints:
            for cls in _classes(hint):
                if cls not in met and cls not in roots:
                    met.append(cls)
                    queue.append(cls)
    return met


def _classes(hint: Any) -> list[Any]:
    if is_dataclass(hint):
        return [hint]
    return [cls for arg in get_args(hint) for cls in _classes(arg)]
