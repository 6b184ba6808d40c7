"""Tiny random models of each class that the adapter serves, built in memory by diffusers' own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from scumble_engine.diffusion.model import DiffusionModel
from scumble_engine.diffusion.schedule import Schedule
from scumble_engine.models.linear_autoencoder import LinearAutoencoder
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

WORDS = ("red", "green", "blue", "apple", "pear", "cat", "dog", "hat", "grass", "with", "and", "on", "a", "an", "the")
KINDS = ("sd1", "sd2", "xl")


def tiny_pipeline(kind: str = "sd1", seed: int = 0, vae: str = "tiny", latent_channels: int = 4) -> Any:
    """Build a random pipeline: "sd1" (ε), "sd2" (v, zero terminal SNR) or "xl" (two text encoders)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts: dict[str, Any] = {
            "vae": {"tiny": _tiny_vae, "kl": _kl_vae, "linear": _linear_vae}[vae](latent_channels),
            "unet": _unet(kind, latent_channels),
            "scheduler": _scheduler(kind),
            "tokenizer": _tokenizer(),
        }
        if kind == "xl":
            encoders = {"text_encoder": CLIPTextModel(_text()), "text_encoder_2": CLIPTextModelWithProjection(_text())}
            pipeline: Any = StableDiffusionXLPipeline(
                **parts, **encoders, tokenizer_2=_tokenizer(), add_watermarker=False
            )
        else:
            pipeline = StableDiffusionPipeline(
                **parts,
                text_encoder=CLIPTextModel(_text()),
                safety_checker=None,
                feature_extractor=None,
                requires_safety_checker=False,
            )
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.requires_grad_(False).eval()
    return pipeline


def tiny_model(kind: str = "sd1", seed: int = 0, vae: str = "tiny", latent_channels: int = 4) -> DiffusionModel:
    """Return the pipeline inside the adapter, on the CPU."""
    pipeline = tiny_pipeline(kind, seed, vae, latent_channels)
    config = pipeline.scheduler.config
    schedule = Schedule(pipeline.scheduler.alphas_cumprod.double(), config.prediction_type)
    return DiffusionModel(f"tiny-{kind}", None, torch.device("cpu"), torch.float32, pipeline, schedule)


def tiny_folder(folder: Path, kind: str = "sd1") -> Path:
    """Save such a pipeline in the diffusers folder format, with safetensors."""
    tiny_pipeline(kind).save_pretrained(folder, safe_serialization=True)
    return folder


def _unet(kind: str, latent_channels: int) -> Any:
    extra: dict[str, Any] = {}
    if kind == "xl":
        extra = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 8 * 6 + 32,
        }
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=64 if kind == "xl" else 32,
        attention_head_dim=2,
        norm_num_groups=8,
        use_linear_projection=kind != "sd1",
        **extra,
    )
    # Fresh output projections are near zero in effect; louder weights make every attention layer matter to the answer.
    for name, weight in unet.named_parameters():
        if ".to_" in name and name.endswith("weight"):
            weight.data.mul_(3.0)
    return unet


def _scheduler(kind: str) -> DDIMScheduler:
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        steps_offset=1,
        prediction_type="v_prediction" if kind == "sd2" else "epsilon",
        rescale_betas_zero_snr=kind == "sd2",
    )


def _tiny_vae(latent_channels: int) -> AutoencoderTiny:
    return AutoencoderTiny(
        latent_channels=latent_channels,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )


def _kl_vae(latent_channels: int) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=latent_channels,
        norm_num_groups=4,
        scaling_factor=0.5,
    )


def _linear_vae(latent_channels: int) -> LinearAutoencoder:
    """The illustrator's kind, fitted to smooth random pictures: what goes in comes out, so that pixels mean something."""
    coarse = torch.rand(48, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    vae = LinearAutoencoder(latent_channels=latent_channels)
    vae.fit(torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0, 1) * 2 - 1, 0.35)
    return vae


def _text() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=1000,
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=32,
        max_position_embeddings=16,
        bos_token_id=0,
        eos_token_id=1,
    )


def _tokenizer() -> CLIPTokenizer:
    characters = [*"abcdefghijklmnopqrstuvwxyz0123456789,.-'"]
    vocabulary = ["<|startoftext|>", "<|endoftext|>", *characters, *(f"{one}</w>" for one in characters)]
    merges: list[str] = []
    for word in WORDS:
        _learn(word, vocabulary, merges)
    ids = {token: number for number, token in enumerate(vocabulary)}
    return CLIPTokenizer(vocab=ids, merges=[tuple(merge.split()) for merge in merges], model_max_length=16)


def _learn(word: str, vocabulary: list[str], merges: list[str]) -> None:
    """Add the byte-pair merges that make one token of `word`."""
    pieces = [*word[:-1], f"{word[-1]}</w>"]
    while len(pieces) > 1:
        if f"{pieces[0]} {pieces[1]}" not in merges:
            merges.append(f"{pieces[0]} {pieces[1]}")
        pieces = [pieces[0] + pieces[1], *pieces[2:]]
        if pieces[0] not in vocabulary:
            vocabulary.append(pieces[0])
