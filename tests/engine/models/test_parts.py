"""Which parts and files of a published repository count, by names alone: against the indexes and listings as they stand on the hub."""

from __future__ import annotations

import pytest
from published_models import NAMES, facts
from scumble_engine.models.parts import parts_of, pick_variant, shard_list_of, variants_of, weights_of

LISTING = {
    part: [file.split("/")[1] for file in facts("sd15")["weights_and_others"] if file.startswith(f"{part}/")]
    for part in ("unet", "vae", "text_encoder")
}


@pytest.mark.parametrize("name", NAMES)
def test_every_published_index_keeps_the_parts_that_edits_use_and_no_other(name: str) -> None:
    parts = parts_of(facts(name)["model_index.json"])
    second = {"text_encoder_2", "tokenizer_2"} if "xl" in name else set()
    first = set() if "refiner" in name else {"text_encoder", "tokenizer"}
    assert {part.name for part in parts} == {"scheduler", "unet", "vae"} | first | second
    assert {part.library for part in parts} == {"diffusers", "transformers"}


def test_of_a_repository_with_everything_one_file_a_part_is_read() -> None:
    assert variants_of(LISTING["unet"]) == {"", "fp16", "non_ema"}
    assert pick_variant(LISTING.values(), half=True) == "fp16"
    assert pick_variant(LISTING.values(), half=False) == ""
    assert weights_of(LISTING["unet"], "fp16") == ("diffusion_pytorch_model.fp16.safetensors",)
    assert weights_of(LISTING["unet"], "") == ("diffusion_pytorch_model.safetensors",)
    assert weights_of(LISTING["text_encoder"], "fp16") == ("model.fp16.safetensors",)


def test_a_repository_with_half_precision_only_is_read_in_it_and_a_mixed_one_as_far_as_it_goes() -> None:
    half = {"unet": ["diffusion_pytorch_model.fp16.safetensors"], "vae": ["diffusion_pytorch_model.safetensors"]}
    assert pick_variant(half.values(), half=False) == "fp16"
    assert weights_of(half["vae"], "fp16") == ("diffusion_pytorch_model.safetensors",)


@pytest.mark.parametrize(
    ("variant", "files", "list_name"),
    [
        ("", ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], "model.safetensors.index.json"),
        (
            "fp16",
            ["model.fp16-00001-of-00002.safetensors", "model.fp16-00002-of-00002.safetensors"],
            "model.safetensors.index.fp16.json",
        ),
    ],
)
def test_shards_belong_to_their_list(variant: str, files: list[str], list_name: str) -> None:
    names = [*files, list_name, "config.json", "pytorch_model.bin"]
    assert weights_of(names, variant) == tuple(files)
    assert shard_list_of(names, variant) == list_name
