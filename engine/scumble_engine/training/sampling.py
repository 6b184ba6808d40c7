"""Painting from captions with the networks themselves: DDIM for the teacher, consistency steps for the student."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import LCMScheduler, UNet2DConditionModel
from scumble_engine.training.networks import Parts, new_scheduler
from scumble_engine.training.text import tokenize
from torch import Tensor


@torch.no_grad()
def paint(parts: Parts, captions: Sequence[str], seed: int, steps: int = 30, guidance: float = 3.0) -> Tensor:
    """Paint one picture a caption with the teacher: (B, 3, H, W) sRGB in 0..1."""
    scheduler = new_scheduler()
    scheduler.set_timesteps(steps)
    latents = _noise(parts, len(captions), seed)
    text = _encode(parts, [""] * len(captions) + list(captions))
    for t in scheduler.timesteps:
        plain, guided = parts.unet(torch.cat([latents, latents]), t, text).sample.chunk(2)
        latents = scheduler.step(plain + guidance * (guided - plain), t, latents).prev_sample
    return decode(parts, latents)


@torch.no_grad()
def paint_quickly(
    parts: Parts, student: UNet2DConditionModel, captions: Sequence[str], seed: int, steps: int = 4
) -> Tensor:
    """Paint with the student in a few consistency steps; guidance is built in. (B, 3, H, W) sRGB in 0..1."""
    scheduler = new_student_scheduler()
    scheduler.set_timesteps(steps, original_inference_steps=scheduler.config.original_inference_steps)
    draw = torch.Generator().manual_seed(seed + 1)
    latents = _noise(parts, len(captions), seed)
    text = _encode(parts, captions)
    for t in scheduler.timesteps:
        latents = scheduler.step(student(latents, t, text).sample, t, latents, generator=draw).prev_sample
    return decode(parts, latents)


def new_student_scheduler() -> LCMScheduler:
    """Return the student's sampler: latent consistency steps over the teacher's own noise schedule."""
    config = new_scheduler().config
    shared = (
        "num_train_timesteps",
        "beta_start",
        "beta_end",
        "beta_schedule",
        "prediction_type",
        "rescale_betas_zero_snr",
    )
    return LCMScheduler(**{key: config[key] for key in shared}, clip_sample=False, original_inference_steps=50)


def decode(parts: Parts, latents: Tensor) -> Tensor:
    """Return the pictures of latents, sRGB in 0..1."""
    sample: Tensor = parts.vae.decode(latents / parts.vae.config.scaling_factor).sample
    return (sample / 2 + 0.5).clamp(0, 1)


def _noise(parts: Parts, count: int, seed: int) -> Tensor:
    side = parts.unet.config.sample_size
    shape = (count, parts.unet.config.in_channels, side, side)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(parts.unet.device)


def _encode(parts: Parts, texts: Sequence[str]) -> Tensor:
    ids = tokenize(parts.tokenizer, texts).to(parts.unet.device)
    return torch.as_tensor(parts.text_encoder(ids).last_hidden_state)
