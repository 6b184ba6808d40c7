"""The guesser's benchmark counts the first word and the first three."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from scumble_engine.bench.guess import run_guess
from scumble_engine.imaging.arrays import Bools
from scumble_engine.training.sprites import SpritePack


class Prompter:
    """Says these words in turn, whatever is drawn."""

    def __init__(self, answers: Sequence[tuple[str, ...]]) -> None:
        self._answers = list(answers)
        self.drawn: list[Bools] = []

    def guess(self, lines: Bools) -> tuple[tuple[str, ...], tuple[float, ...]]:
        words = self._answers[len(self.drawn) % len(self._answers)]
        self.drawn.append(lines)
        return words, (0.5,) * len(words)


@pytest.mark.parametrize(("place", "top1", "top3"), [(0, 1.0, 1.0), (2, 0.0, 1.0), (3, 0.0, 0.0)])
def test_places_are_counted(pack: SpritePack, place: int, top1: float, top3: float) -> None:
    others = ["boat", "gem", "owl"]
    answers = [(*others[:place], sprite.concept, *others[place:]) for sprite in pack.sprites]
    rows = run_guess([pack], Prompter(answers), 1, 0)
    assert len(rows) == len(pack.sprites)
    assert sum(row.top1 for row in rows) / len(rows) == top1
    assert sum(row.top3 for row in rows) / len(rows) == top3


def test_every_sprite_is_drawn_anew_each_time(pack: SpritePack) -> None:
    guesser = Prompter([()])
    rows = run_guess([pack], guesser, 2, 0)
    assert [row.style for row in rows] == ["flat", "flat", "3d", "3d"] * (len(pack.sprites) // 2)
    assert not any(row.top1 or row.top3 for row in rows)
    assert all(lines.any() for lines in guesser.drawn)
    assert (guesser.drawn[0] != guesser.drawn[1]).any()
