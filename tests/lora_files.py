"""LoRA files as painters have them, with random weights: kohya's keys (SD 1 and SDXL) and diffusers' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from original_format import unet_key
from safetensors.torch import save_file
from torch import Tensor

RANK = 4


def kohya_lora(path: Path, pipeline: Any, xl: bool = False) -> Path:
    """Write a LoRA of the UNet's attention and the text encoders under kohya's names: SDXL's blocks count as in its authors' program."""
    state: dict[str, Tensor] = {}
    for place, weight in _linear(pipeline.unet, ".attentions."):
        _add(state, f"lora_unet_{unet_key(place) if xl else place}", weight)
    for part, tag in (("text_encoder", "te1" if xl else "te"), ("text_encoder_2", "te2")):
        for place, weight in _linear(getattr(pipeline, part, None), ".self_attn."):
            _add(state, f"lora_{tag}_{place if place.startswith('text_model') else f'text_model.{place}'}", weight)
    save_file(state, path)
    return path


def diffusers_lora(path: Path, pipeline: Any) -> Path:
    """Write a LoRA of the UNet's attention under diffusers' (peft's) names."""
    generator, state = torch.Generator().manual_seed(1), {}
    for place, weight in _linear(pipeline.unet, ".to_"):
        state[f"unet.{place}.lora_A.weight"] = torch.randn(RANK, weight.shape[1], generator=generator) / 8
        state[f"unet.{place}.lora_B.weight"] = torch.randn(weight.shape[0], RANK, generator=generator) / 8
    save_file(state, path)
    return path


def _linear(module: Any, having: str) -> list[tuple[str, Tensor]]:
    weights = module.state_dict().items() if module is not None else ()
    return [
        (key.removesuffix(".weight"), weight)
        for key, weight in weights
        if key.endswith(".weight") and weight.ndim == 2 and having in key
    ]


def _add(state: dict[str, Tensor], place: str, weight: Tensor) -> None:
    generator, name = torch.Generator().manual_seed(len(state)), place.replace(".", "_")
    state[f"{name}.lora_down.weight"] = torch.randn(RANK, weight.shape[1], generator=generator) / 8
    state[f"{name}.lora_up.weight"] = torch.randn(weight.shape[0], RANK, generator=generator) / 8
    state[f"{name}.alpha"] = torch.tensor(2.0)
