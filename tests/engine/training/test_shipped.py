"""The weights that ship: complete, small, clean, and following the plainest words."""

from __future__ import annotations

import json

import pytest
import torch
from scumble_engine.training.evaluate import SHIPPED
from scumble_engine.training.networks import Parts, load_parts
from scumble_engine.training.recipe import SMALL_RECIPE
from scumble_engine.training.sampling import paint
from scumble_engine.training.vocabulary import vocabulary
from torch import Tensor


@pytest.fixture(scope="module")
def parts() -> Parts:
    return load_parts(SHIPPED)


def test_the_folder_is_whole_and_small() -> None:
    names = {str(path.relative_to(SHIPPED)) for path in SHIPPED.rglob("*") if path.is_file()}
    assert {
        "model_index.json",
        "MODEL_CARD.md",
        "vocabulary.json",
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
    } <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl", ".ckpt"))]
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < 90_000_000


def test_the_vocabulary_is_the_recipes_and_nothing_in_it_is_unknown(parts: Parts) -> None:
    told = json.loads((SHIPPED / "vocabulary.json").read_text())
    assert told == json.loads(json.dumps(vocabulary(SMALL_RECIPE)))
    for name in (*told["concepts"], *told["colors"], *told["styles"], "a zebra's name?"):
        ids = parts.tokenizer(name)["input_ids"][1:-1]
        assert ids
        assert parts.tokenizer.eos_token_id not in ids


def test_only_permissive_drawings_trained_it() -> None:
    sources = json.loads((SHIPPED / "sprites.json").read_text())
    assert {line["concept"] for line in sources} == {concept.name for concept in SMALL_RECIPE.concepts}
    assert {line["licence"] for line in sources} <= {"MIT", "Apache-2.0", "CC-BY-4.0"}


def painted(parts: Parts, caption: str) -> Tensor:
    """Return the mean of 4 samples, seed 0, 8 steps: (3, 128, 128)."""
    return paint(parts, [caption] * 4, 0, steps=8, guidance=3.0).mean(dim=0)


@pytest.mark.slow
def test_words_steer_the_ground_and_the_color(parts: Parts) -> None:
    grass = painted(parts, "a flat drawing of a red apple on grass")
    night = painted(parts, "a flat drawing of a red apple at night")
    red, blue = (painted(parts, f"a flat drawing of a {c} apple on a white background") for c in ("red", "blue"))
    assert grass[1, -12:].mean() > 1.3 * grass[2, -12:].mean()  # green below
    assert grass[2, :12].mean() > 1.1 * grass[0, :12].mean()  # blue above
    assert night[:, :12].mean() < 0.4 < 0.75 < red[:, :12].mean()
    middle = (slice(None), slice(48, 80), slice(48, 80))
    assert red[middle][0].mean() > red[middle][2].mean() + 0.3
    assert blue[middle][2].mean() > blue[middle][0].mean() + 0.2
    assert torch.isfinite(grass).all()
