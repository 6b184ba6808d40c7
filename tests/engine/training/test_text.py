from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.captions import Describer
from scumble_engine.training.pipeline import corpus
from scumble_engine.training.recipe import SMALL_RECIPE, Recipe, smoke
from scumble_engine.training.scenes import SceneSampler
from scumble_engine.training.text import new_text_encoder, object_tokens, teach_reading, tokenize, train_tokenizer
from transformers import CLIPTokenizer

from .conftest import CONCEPTS


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    from dataclasses import replace

    return replace(smoke(SMALL_RECIPE), concepts=CONCEPTS, text_steps=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, bank: SpriteBank, recipe: Recipe) -> Path:
    target = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(corpus(recipe, bank, 300), 700, 40, target)
    return target


@pytest.fixture
def tokenizer(folder: Path) -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(folder)


def test_the_folder_holds_what_others_read(folder: Path) -> None:
    assert {"vocab.json", "merges.txt", "tokenizer_config.json"} <= {path.name for path in folder.iterdir()}


def test_any_words_come_back_from_their_tokens(tokenizer: CLIPTokenizer) -> None:
    for text in ("a red apple on grass", "two blue stars, 3d style", "zebra & quokka!?"):
        ids = tokenizer(text)["input_ids"]
        assert ids[0] == tokenizer.bos_token_id
        assert ids[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(ids[1:-1]).replace(" ", "") == text.replace(" ", "")


def test_batches_are_padded_and_cut_to_one_length(tokenizer: CLIPTokenizer) -> None:
    ids = tokenize(tokenizer, ["", "a red apple", "apple " * 100])
    assert ids.shape == (3, 40)
    assert int(ids[2, -1]) == tokenizer.eos_token_id


def test_object_tokens_point_at_the_nouns(tokenizer: CLIPTokenizer, bank: SpriteBank, describer: Describer) -> None:
    draw, scenes = random.Random(0), SceneSampler(bank, 0).batch(60)
    captions = [describer.vary(scene, draw) for scene in scenes]
    ids, places = tokenize(tokenizer, [c.text for c in captions]), object_tokens(tokenizer, captions, 4)
    assert (places >= 0).any()
    for row, caption in enumerate(captions):
        for text, item in caption.pieces:
            if item is not None:
                upto = tokenizer.decode(ids[row, 1 : int(places[row, item]) + 1]).replace(" ", "")
                assert upto.endswith(text.replace(" ", ""))


def test_the_head_start_learns_to_read(
    tokenizer: CLIPTokenizer, bank: SpriteBank, describer: Describer, recipe: Recipe
) -> None:
    torch.manual_seed(0)
    encoder = new_text_encoder(recipe, tokenizer)
    loss = teach_reading(encoder, tokenizer, SceneSampler(bank, 1), describer, recipe)
    assert loss < 6.5  # it starts at ln 4 + ln 11 + ln 121 = 8.6
