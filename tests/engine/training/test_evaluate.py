from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.evaluate import (
    STRANGE,
    TARGETS,
    Question,
    answers,
    color_questions,
    concept_questions,
    gathered,
    table,
)
from scumble_engine.training.judge import Judge, Reading
from scumble_engine.training.palette import COLORS
from scumble_engine.training.recipe import SMALL_RECIPE
from scumble_engine.training.scenes import held_out
from scumble_engine.training.scorer import HELD_OUT, OTHERS
from scumble_engine.training.sprites import PACKS
from torch import Tensor

from .conftest import CONCEPTS

RECIPE = replace(SMALL_RECIPE, concepts=CONCEPTS, styles=("flat", "3d"))


class Telltale(Judge):
    """Reads its answers from a picture's first pixel: (concept, colour) as fractions of 10."""

    def __init__(self) -> None:
        pass

    def read(self, pictures: Tensor) -> list[Reading]:
        told = (pictures[:, :2, 0, 0] * 10).round().long().tolist()
        return [Reading(f"thing {concept}", "flat", COLORS[color], "plain", "red") for concept, color in told]


def told(concept: int, color: int) -> Tensor:
    return torch.tensor([concept / 10, color / 10, 0.0]).view(3, 1, 1).expand(3, 4, 4)


def test_answers_asks_in_batches_and_keeps_the_order() -> None:
    judge = Telltale()
    questions = [Question(str(i % 10), f"thing {i % 7}", None) for i in range(40)]

    def painter(captions: Sequence[str], seed: int) -> Tensor:
        assert len(captions) <= 16
        return torch.stack([told(int(caption), 0) for caption in captions])

    concept, color = answers(painter, judge, questions, 0)
    assert concept.tolist() == [i % 10 == i % 7 for i in range(40)]
    assert color.all()


def test_every_concept_is_asked_for_as_often() -> None:
    asked = concept_questions(RECIPE, 3, 1)
    assert sorted(q.concept for q in asked) == sorted([c.name for c in CONCEPTS] * 3)
    assert all(q.concept in q.caption and q.color is None for q in asked)
    assert asked == concept_questions(RECIPE, 3, 1)


def test_unseen_pairs_are_held_out_and_nobodys_own(bank: SpriteBank) -> None:
    unseen = color_questions(RECIPE, bank, 50, True, 0)
    seen = color_questions(RECIPE, bank, 50, False, 0)
    assert unseen
    assert all(q.color and held_out(q.concept, q.color) and f"{q.color} {q.concept}" in q.caption for q in unseen)
    assert not [q for q in seen if q.color and held_out(q.concept, q.color)]
    assert ("tree", "green") not in {(q.concept, q.color) for q in unseen}


def test_reconstruction_is_measured_on_drawings_that_the_illustrator_was_not_taught() -> None:
    assert not set(STRANGE) & set(SMALL_RECIPE.styles)
    assert len(STRANGE) == 6


def test_the_judge_keeps_two_sets_unseen() -> None:
    taught = {*SMALL_RECIPE.styles, *OTHERS}
    assert not set(HELD_OUT) & taught
    assert {PACKS[style].package for style in HELD_OUT}.isdisjoint(PACKS[style].package for style in taught)
    assert all(PACKS[style].shipped for style in SMALL_RECIPE.styles)


def test_figures_of_the_same_weights_and_seed_are_gathered(tmp_path: Path) -> None:
    place = tmp_path / "figures.json"
    assert gathered(place, "abc", 1) == {"weights_sha256": "abc", "seed": 1}
    place.write_text(json.dumps({"weights_sha256": "abc", "seed": 1, "psnr": 30.0}))
    assert gathered(place, "abc", 1)["psnr"] == 30.0
    assert "psnr" not in gathered(place, "abc", 2)
    assert "psnr" not in gathered(place, "def", 1)


def test_the_table_shows_targets_and_what_was_not_measured() -> None:
    figures = {
        "psnr": 30.2,
        "psnr_n": 128,
        "concept": 0.5,
        "concept_n": 64,
        "student_concept": 0.45,
        "student_n": 64,
        "judge_concept": 0.96,
        "judge_blots": 0.02,
        "judge_n": 9,
    }
    text = table("small", figures)
    assert "≥ 27 | 30.2 | 128" in text
    assert "≥ 70% | 50.0% | 64" in text
    assert "≥ 85% | 90.0% | 64" in text
    assert text.count("not measured") == 3
    assert "on 9 pictures each" in text
    assert "| names the concept of fresh real pictures | 96.0% |" in text
    assert "name | 2.0% |" in text
    assert TARGETS["base"]["concept"] > TARGETS["small"]["concept"]
