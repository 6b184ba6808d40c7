"""Ordinary English on an open model, with the rules alone: how much is read right, asked back, refused, or read as nonsense."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from scumble_engine.assist.prompts import read_instruction
from scumble_engine.assist.vocabulary import Vocabulary
from scumble_engine.bench.reading import Scored, lines_of, score
from scumble_engine.cli import scumble
from scumble_protocol.errors import AskedBack, RequestError
from scumble_protocol.messages import PromptPair

HERE = Path(__file__).parent
OPEN = Vocabulary()


def _scored(name: str) -> list[Scored]:
    return score(lines_of((HERE / name).read_text("utf-8")), OPEN)


def test_sixty_instructions_are_read_and_hardly_one_is_refused() -> None:
    counts = Counter(one.verdict for one in _scored("instructions.txt"))
    assert sum(counts.values()) == 60
    assert counts["refused"] <= 0.05 * 60
    assert counts["nonsense"] == 0
    assert counts["right"] >= 57


def test_forty_others_that_the_grammar_was_not_made_for_are_read_or_asked_back() -> None:
    counts = Counter(one.verdict for one in _scored("unseen.txt"))
    assert sum(counts.values()) == 40
    assert counts["refused"] == counts["nonsense"] == 0
    assert counts["right"] >= 35


def test_the_bench_counts_them_and_names_what_was_not_read() -> None:
    done = CliRunner().invoke(scumble, ["bench", "reading", str(HERE / "instructions.txt")], catch_exceptions=False)
    assert "60 instructions, read by rules alone: 59 right, 0 asked back, 1 refused, 0 nonsense" in done.output
    assert "refused: move the chair to the left" in done.output


@pytest.mark.parametrize("row", ["make it blue | a | b", " | | | |", "one"])
def test_a_line_that_is_none_is_named(row: str) -> None:
    with pytest.raises(RequestError, match="five parts"):
        lines_of(row)


@pytest.mark.parametrize(
    ("said", "picture", "source", "target"),
    [
        ("make the horse gallop", "", "a horse", "a gallop horse"),
        ("frobnicate", "a cat on grass", "a cat on grass", "a cat on grass, frobnicate"),
        ("a blue car", "", "a picture", "a blue car"),
        ("make it blue", "", "a picture", "a blue picture"),
    ],
)
def test_what_is_not_sure_comes_back_filled_in(said: str, picture: str, source: str, target: str) -> None:
    with pytest.raises(AskedBack, match=f"{source} -> {target}") as asked:
        read_instruction(said, OPEN, picture)
    assert (asked.value.reading.source, asked.value.reading.target) == (source, target)
    assert asked.value.code == "unsure-reading"


def test_with_a_selection_it_needs_no_noun() -> None:
    pair = read_instruction("make it blue", OPEN, pointed=True)
    assert (pair.target, pair.kind) == ("a blue picture", "recolor")
    pair = read_instruction("make it blue", OPEN, "a red car on a street", pointed=True)
    assert pair == PromptPair("a red car on a street", "a blue car on a street", ("car",), (), "recolor")


def test_what_came_back_is_said_again_with_an_arrow() -> None:
    pair = read_instruction("a horse -> a galloping horse", OPEN)
    assert (pair.source, pair.target) == ("a horse", "a galloping horse")
    assert read_instruction("a red apple → a green apple", OPEN).kind == "recolor"
