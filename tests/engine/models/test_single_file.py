"""Single files by their headers alone: the family, the sizes, what the network predicts, and what is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from original_format import single_file
from published_models import facts, shrunk
from safetensors.torch import save_file
from scumble_engine.models.checkpoint import open_checkpoint
from scumble_engine.models.clip_tokenizer import LAYOUTS, vocabulary
from scumble_protocol.errors import RequestError

SAID_BY_FILE = ("in_channels", "block_out_channels", "cross_attention_dim", "attention_head_dim")


@pytest.fixture(scope="module")
def sd21(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return single_file(tmp_path_factory.mktemp("one") / "v2-1_768-ema-pruned.safetensors", "sd21", torch.float16)


@pytest.mark.parametrize("name", ["sd15", "sd15-inpaint", "pix2pix", "sdxl"])
def test_sizes_are_read_from_the_shapes(tmp_path: Path, name: str) -> None:
    checkpoint = open_checkpoint(single_file(tmp_path / "model.safetensors", name, torch.float16))
    published = shrunk(name)
    for key in SAID_BY_FILE:
        assert checkpoint.configs["unet"][key] == published["unet/config.json"][key], key
    if name == "sdxl":
        for key in ("transformer_layers_per_block", "addition_time_embed_dim", "projection_class_embeddings_input_dim"):
            assert checkpoint.configs["unet"][key] == published["unet/config.json"][key], key
    for part in ("text_encoder", "text_encoder_2"):
        for key in ("hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads"):
            if part in checkpoint.configs:
                assert checkpoint.configs[part][key] == published[f"{part}/config.json"][key]
    assert checkpoint.xl == (name == "sdxl")


@pytest.mark.parametrize(("layout", "name"), [("sd1", "sd15"), ("sd2", "sd21"), ("sdxl", "sdxl")])
def test_the_layouts_that_come_with_the_engine_are_the_published_ones(layout: str, name: str) -> None:
    published, ours = facts(name), json.loads((LAYOUTS / f"{layout}.json").read_text())
    for place, document in ours.items():
        assert document.items() <= published[place].items(), place


def test_the_vocabulary_is_clips() -> None:
    """Ids as OpenAI's tokenizer gives them: "a photo of a cat"."""
    known = vocabulary()
    assert len(known) == 49_408
    ids = [known[f"{word}</w>"] for word in ("a", "photo", "of", "a", "cat")]
    assert ids == [320, 1125, 539, 320, 2368]
    assert (known["<|startoftext|>"], known["<|endoftext|>"], known["!"]) == (49_406, 49_407, 0)


def predicts(path: Path) -> str:
    return str(open_checkpoint(path).configs["scheduler"].get("prediction_type", "epsilon"))


def test_what_the_network_predicts_is_taken_from_where_it_is_said(sd21: Path, tmp_path: Path) -> None:
    assert predicts(sd21) == "v_prediction"
    (sd21.with_suffix(".yaml")).write_text("model:\n  params:\n    beta_schedule: linear\n")
    assert predicts(sd21) == "epsilon"
    (sd21.with_suffix(".yaml")).write_text('model:\n  params:\n    parameterization: "v"\n')
    assert predicts(sd21) == "v_prediction"
    marks = {"v_pred": torch.ones(1), "ztsnr": torch.ones(1)}
    xl = single_file(tmp_path / "noob.safetensors", "sdxl", torch.float16, marks)
    assert predicts(xl) == "v_prediction"
    assert open_checkpoint(xl).configs["scheduler"]["rescale_betas_zero_snr"]


def test_weights_are_counted_part_by_part_and_no_others(sd21: Path) -> None:
    numbers = open_checkpoint(sd21).numbers
    assert set(numbers) == {"unet", "vae", "text_encoder"}
    assert sum(numbers.values()) * 2 < sd21.stat().st_size


REFUSED = {
    "model.ckpt": ({}, "is not a .safetensors file; pickled checkpoints"),
    "lora.safetensors": ({"lora_unet_mid_block.lora_up.weight": 1}, "is a LoRA.*--lora"),
    "refiner.safetensors": ({"conditioner.embedders.0.model.token_embedding.weight": 1}, "SDXL's refiner"),
    "edm.safetensors": ({"edm_mean": 1}, "EDM"),
    "unet.safetensors": ({"model.diffusion_model.input_blocks.0.0.weight": 1}, "no whole Stable Diffusion"),
    "flux.safetensors": ({"double_blocks.0.img_attn.norm.key_norm.scale": 1}, "no whole Stable Diffusion"),
    "half.safetensors": (
        {
            "model.diffusion_model.input_blocks.0.0.weight": 1,
            "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": 1,
        },
        "lacks a part of a whole model",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_model_is_refused_in_words(tmp_path: Path, name: str) -> None:
    keys, words = REFUSED[name]
    save_file({key: torch.zeros(1, 1) for key in keys}, tmp_path / name)
    with pytest.raises(RequestError, match=words):
        open_checkpoint(tmp_path / name)


def test_a_file_that_is_cut_short_is_damaged(sd21: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(sd21.read_bytes()[:-10])
    with pytest.raises(RequestError, match="damaged"):
        open_checkpoint(tmp_path / "cut.safetensors")
