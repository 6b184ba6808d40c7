"""Instructions in plain English, scored: read right, asked back with both prompts filled in, refused, or read as nonsense.

A file has a line for each: instruction | what the picture shows | kinds that are right | words of the target | words that it must lack.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click
from scumble_protocol.errors import AskedBack, RequestError
from scumble_protocol.messages import PromptPair
from scumble_protocol.wording import said

from ..assist.reader import Reader, read
from ..assist.vocabulary import Vocabulary

Verdict = Literal["right", "asked back", "refused", "nonsense"]
VERDICTS: tuple[Verdict, ...] = ("right", "asked back", "refused", "nonsense")


@dataclass(frozen=True)
class Line:
    """One instruction and what a right reading of it has; no `kinds`: words alone can't do it, so asking back is right."""

    instruction: str
    picture_words: str
    kinds: frozenset[str]
    has: frozenset[str]
    lacks: frozenset[str]


@dataclass(frozen=True)
class Scored:
    """How one was read: the prompts, or the sentence in which it was refused."""

    instruction: str
    verdict: Verdict
    kind: str
    source: str
    target: str


def lines_of(text: str) -> list[Line]:
    """Read a file of instructions. Raises RequestError for a line that has not its five parts."""
    rows = [row for row in text.splitlines() if row.strip() and not row.startswith("#")]
    return [_line(row) for row in rows]


def _line(row: str) -> Line:
    parts = [part.strip() for part in row.split("|")]
    if len(parts) != 5 or not parts[0]:
        raise RequestError(
            said("The line {row} has not five parts with | between them.", row=f"{row[:60]!r}"), "bad-file"
        )
    kinds, has, lacks = (frozenset(part.split()) for part in parts[2:])
    return Line(parts[0], parts[1], kinds, has, lacks)


def score(lines: Sequence[Line], words: Vocabulary, reader: Reader | None = None) -> list[Scored]:
    """Read every instruction, by the rules alone or by a reader first."""
    return [_scored(line, words, reader) for line in lines]


def _scored(line: Line, words: Vocabulary, reader: Reader | None) -> Scored:
    try:
        pair, _note = read(line.instruction, words, line.picture_words, reader)
    except AskedBack as asked:
        return _with(line, "asked back", asked.reading)
    except RequestError as error:
        return Scored(line.instruction, "refused", "", "", error.sentence)
    return _with(line, "right" if _right(line, pair) else "nonsense", pair)


def _with(line: Line, verdict: Verdict, pair: PromptPair) -> Scored:
    return Scored(line.instruction, verdict, pair.kind, pair.source, pair.target)


def _right(line: Line, pair: PromptPair) -> bool:
    said_words = {word.removesuffix("'s") for word in re.findall(r"[\w']+", pair.target.lower())}
    return pair.kind in line.kinds and line.has <= said_words and not line.lacks & said_words


def run(file: Path, reader: str, device: str, json_path: Path | None) -> None:
    """Score a file of instructions on an open vocabulary and print the table, and how each was read that was not read right."""
    from ..models.shelf import Shelf

    lines = lines_of(file.read_text("utf-8"))
    scored = score(lines, Vocabulary(), Shelf(device=device, reader=reader).own_reader)
    counts = Counter(one.verdict for one in scored)
    click.echo(
        f"{len(scored)} instructions, read by {reader or 'rules alone'}: "
        + ", ".join(f"{counts[v]} {v}" for v in VERDICTS)
    )
    for one in scored:
        if one.verdict != "right":
            click.echo(f"  {one.verdict}: {one.instruction}  ({' -> '.join(filter(None, (one.source, one.target)))})")
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(one) for one in scored], indent=1))
