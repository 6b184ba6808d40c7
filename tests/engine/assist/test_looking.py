"""A model that looks (a BLIP of the published classes, tiny, taught here) says what the picture shows, and what strokes on it are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from own_models import captioner
from scumble_engine.assist.namer import SIDE_PX, OwnGuesser, caption_in, drawn
from scumble_engine.assist.own_model import OwnModel
from scumble_engine.edits import choose
from scumble_engine.edits.language import language
from scumble_engine.imaging.arrays import plane_of
from scumble_engine.models.catalogue import ASSISTANTS
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Edit, Instruction, PromptPair, Settings
from scumble_protocol.pixels import Picture
from strokes import TinyShelf, add, disc, mask, run
from tiny_models import tiny_model
from transformers import Qwen2Config, Qwen2ForCausalLM, SmolVLMConfig, SmolVLMForConditionalGeneration

RED, BLUE = (220, 40, 40), (40, 60, 220)


@pytest.fixture(scope="module")
def looker(tmp_path_factory: pytest.TempPathFactory) -> OwnGuesser:
    folder = captioner(tmp_path_factory.mktemp("looker"), {RED: "a red car on a street", BLUE: "a plum"})
    return OwnGuesser(OwnModel("guesser", str(folder), "cpu"))


def _plain(color: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((80, 96, 3), color, np.uint8)


def _picture(color: tuple[int, int, int]) -> Picture:
    return Picture(plane_of(_plain(color), "u8"))


def _shelf(looker: OwnGuesser) -> Any:
    shelf = TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))
    return replace(shelf, own_guesser=looker)  # type: ignore[arg-type]


def _read(shelf: Any, *cues: Any) -> tuple[PromptPair | None, tuple[str, ...]]:
    layer, _ = run(language(Edit(_picture(RED), cues, Settings(steps=1)), shelf, "final"))
    return layer.reading, layer.notes


def test_the_source_prompt_is_what_is_seen_so_that_it_needs_no_noun(looker: OwnGuesser) -> None:
    blue = PromptPair("a red car on a street", "a blue car on a street", ("car",), (), "recolor")
    assert _read(_shelf(looker), Instruction("make it blue"))[0] == blue


def test_where_nobody_looks_a_selection_says_what_it_is() -> None:
    shelf = TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))
    with pytest.raises(RequestError, match="a picture -> a blue picture"):
        _read(shelf, Instruction("make it blue"))
    reading, _ = _read(shelf, Instruction("make it blue"), mask(disc(_picture(RED), 40, 40, 20)))
    assert reading == PromptPair("a picture", "a blue picture", (), (), "recolor")


def test_a_model_that_is_not_there_leaves_the_words_as_they_are_and_says_so() -> None:
    missing = OwnGuesser(OwnModel("guesser", "looker", "cpu"))
    reading, notes = _read(_shelf(missing), Instruction("make the apple green"))
    assert reading == PromptPair("an apple", "a green apple", ("apple",), (), "recolor")
    assert any("looker" in note and "scumble models pull looker" in note for note in notes)


def test_the_same_strokes_are_named_by_what_they_lie_on(looker: OwnGuesser) -> None:
    lines = np.zeros((80, 96), bool)
    lines[30:50, 40] = True
    named = {color: choose.guess(Edit(_picture(color), (add(lines),)), _shelf(looker))[0][0] for color in (RED, BLUE)}
    assert named == {RED: "red car", BLUE: "plum"}


def test_what_it_looks_at_is_the_picture_around_the_strokes_with_them_on_it() -> None:
    picture = _plain(BLUE)
    picture[:, 48:] = RED
    lines = np.zeros((80, 96), bool)
    lines[40, 38:59] = True
    seen = drawn(lines, picture)
    assert seen.shape == (SIDE_PX, SIDE_PX, 3)
    assert tuple(seen[20, 20]) == BLUE
    assert tuple(seen[20, -20]) == RED
    assert tuple(seen[SIDE_PX // 2, SIDE_PX // 2]) == (0, 0, 0)
    assert (drawn(np.repeat(np.repeat(lines, 2, 0), 2, 1), picture)[..., 1] == seen[..., 1]).mean() > 0.95


@pytest.mark.parametrize(
    ("answer", "caption"),
    [
        ("The image shows a red car on a street. It is parked.", "a red car on a street"),
        ("There is a cat on a sofa", "a cat on a sofa"),
        ("a man in a suit", "a man in a suit"),
        ("", ""),
        ("word " * 60, ""),
    ],
)
def test_only_a_short_sentence_is_taken_as_a_prompt(answer: str, caption: str) -> None:
    assert caption_in(answer) == caption


def test_the_assistants_of_the_catalogue_are_as_large_as_they_are_published() -> None:
    text = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9}
    looks = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    words = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14}
    with torch.device("meta"):
        reads = Qwen2ForCausalLM(
            Qwen2Config(**words, num_key_value_heads=2, vocab_size=151936, tie_word_embeddings=True)
        )
        sees = SmolVLMForConditionalGeneration(
            SmolVLMConfig(
                vision_config=looks | {"patch_size": 16, "image_size": 512},
                text_config=text
                | {"model_type": "llama", "num_key_value_heads": 3, "vocab_size": 49280, "head_dim": 64},
                scale_factor=4,
            )
        )
    counted = {model.name: model.numbers["model"] for model in ASSISTANTS}
    assert counted == {
        "reader": sum(one.numel() for one in reads.parameters()),
        "looker": sum(one.numel() for one in sees.parameters()),
    }
    assert all(model.licence == "Apache-2.0" and model.download_bytes(False) < 2**30 for model in ASSISTANTS)
