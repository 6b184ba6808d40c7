from __future__ import annotations

import random

import pytest
import torch
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.captions import Describer
from scumble_engine.training.pairs import KINDS, Pair, make_pair, sample_change
from scumble_engine.training.scenes import SceneSampler


def pairs(kind: str, bank: SpriteBank, describer: Describer, count: int = 12) -> list[Pair]:
    sampler, draw = SceneSampler(bank, 7), random.Random(7)
    scenes = sampler.batch(count)
    return [make_pair(s, sample_change(kind, s, sampler, bank, draw), bank, describer, 64) for s in scenes]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_changes_the_picture_where_it_says(kind: str, bank: SpriteBank, describer: Describer) -> None:
    for pair in pairs(kind, bank, describer):
        assert pair.changed.any()
        assert torch.equal(pair.before[:, ~pair.changed], pair.after[:, ~pair.changed])


@pytest.mark.parametrize("kind", ["recolor", "replace", "restyle", "add", "remove", "background"])
def test_the_captions_tell_the_change(kind: str, bank: SpriteBank, describer: Describer) -> None:
    for pair in pairs(kind, bank, describer):
        assert pair.source != pair.target


def test_a_move_keeps_the_words_and_uncovers_ground(bank: SpriteBank, describer: Describer) -> None:
    for pair in pairs("move", bank, describer):
        assert pair.source == pair.target
        inside = pair.object_before > 0.9
        assert pair.flow[:, inside].norm(dim=0).max() > 3
        assert not (pair.uncovered & (pair.object_after > 0.5)).any()
        assert pair.uncovered.sum() <= (pair.object_before > 0.5).sum()


def test_addition_and_removal_have_an_object_on_one_side(bank: SpriteBank, describer: Describer) -> None:
    for pair in pairs("add", bank, describer, 4):
        assert pair.object_before.max() == 0
        assert pair.object_after.max() > 0.9
    for pair in pairs("remove", bank, describer, 4):
        assert pair.object_after.max() == 0
        assert pair.object_before.max() > 0.5


def test_an_unknown_kind_is_refused_in_words(bank: SpriteBank) -> None:
    sampler = SceneSampler(bank, 0)
    with pytest.raises(ValueError, match="there are move"):
        sample_change("melt", sampler.sample(), sampler, bank, random.Random(0))
