"""Building, warm-starting and exporting the illustrator's parts in diffusers' folder format."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from scumble_engine.models.linear_autoencoder import LinearAutoencoder
from scumble_engine.training.recipe import Recipe
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer


@dataclass(frozen=True)
class Parts:
    """The networks that make one illustrator."""

    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    vae: LinearAutoencoder | AutoencoderTiny
    unet: UNet2DConditionModel

    def to(self, device: torch.device | str) -> Parts:
        """Move all networks, in place."""
        for net in (self.text_encoder, self.vae, self.unet):
            net.to(device)
        return self


def new_scheduler() -> DDIMScheduler:
    """Return the noise schedule: Stable Diffusion's betas rescaled to zero terminal SNR, v-prediction, trailing steps.

    Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, algorithm 1.
    """
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )


def new_unet(recipe: Recipe) -> UNet2DConditionModel:
    """Return a fresh denoiser with self- and cross-attention at strides 8, 16 and 32 of the picture."""
    levels = len(recipe.channels)
    return UNet2DConditionModel(
        sample_size=recipe.size_px // 8,
        in_channels=recipe.latent_channels,
        out_channels=recipe.latent_channels,
        layers_per_block=recipe.layers_per_block,
        block_out_channels=recipe.channels,
        down_block_types=("CrossAttnDownBlock2D",) * levels,
        up_block_types=("CrossAttnUpBlock2D",) * levels,
        attention_head_dim=recipe.heads,
        cross_attention_dim=recipe.text_width,
        norm_num_groups=16,
    )


def export(folder: Path, parts: Parts) -> None:
    """Write a pipeline folder in fp16 that `DiffusionPipeline.from_pretrained` loads."""
    half = [copy.deepcopy(net).half() for net in (parts.vae, parts.text_encoder, parts.unet)]
    pipeline = StableDiffusionPipeline(
        vae=half[0],
        text_encoder=half[1],
        tokenizer=parts.tokenizer,
        unet=half[2],
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    if isinstance(parts.vae, LinearAutoencoder):  # diffusers writes only the last part of its module's name
        _rewrite(folder / "model_index.json", vae=[LinearAutoencoder.__module__, LinearAutoencoder.__name__])
    # transformers would keep fp16 where diffusers loads fp32
    _rewrite(folder / "text_encoder" / "config.json", dtype="float32")
    for path in folder.glob("*/config.json"):
        _rewrite(path)
    parts.tokenizer.backend_tokenizer.model.save(str(folder / "tokenizer"))


def save_network(net: UNet2DConditionModel, folder: Path) -> None:
    """Write one denoiser in fp16."""
    copy.deepcopy(net).half().save_pretrained(folder, safe_serialization=True)
    _rewrite(folder / "config.json")


def save_text_encoder(encoder: CLIPTextModel, folder: Path) -> None:
    """Write one text encoder in fp16, to be loaded in fp32."""
    copy.deepcopy(encoder).half().save_pretrained(folder, safe_serialization=True)
    _rewrite(folder / "config.json", dtype="float32")


def _rewrite(path: Path, **settings: object) -> None:
    """Change settings of a JSON file, and drop the folder names of the machine that wrote it."""
    found = json.loads(path.read_text()) | settings
    found.pop("_name_or_path", None)
    path.write_text(json.dumps(found, indent=2) + "\n")


def _load_autoencoder(folder: Path) -> LinearAutoencoder | AutoencoderTiny:
    named = json.loads((folder / "vae" / "config.json").read_text())["_class_name"]
    kind = LinearAutoencoder if named == LinearAutoencoder.__name__ else AutoencoderTiny
    found: LinearAutoencoder | AutoencoderTiny = kind.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    return found


def load_parts(folder: Path) -> Parts:
    """Load the networks of an exported folder in fp32, without a pipeline around them."""
    return Parts(
        CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
        _load_autoencoder(folder),
        UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32),
    )


class MovingAverage:
    """An exponential moving average of networks' weights, quick to follow at first."""

    def __init__(self, nets: list[nn.Module], decay: float) -> None:
        self._live = [p for net in nets for p in net.parameters()]
        self.values = [p.detach().clone() for p in self._live]
        self._decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Draw the average towards the live weights after optimiser step `step` (from 0)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, [p.detach() for p in self._live], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the live weights and the average; a second call undoes it."""
        for live, value in zip(self._live, self.values, strict=True):
            held = live.detach().clone()
            live.copy_(value)
            value.copy_(held)
