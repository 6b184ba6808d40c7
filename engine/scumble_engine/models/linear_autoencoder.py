"""A linear autoencoder in diffusers' model format: principal components of 8×8 patches, one convolution each way.

It follows the encode/decode contract of `AutoencoderTiny`, so that pipelines use it unchanged. `ModelMixin` is imported
by name because diffusers looks the base class up in the module that a `model_index.json` points to.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTinyOutput
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn


class LinearAutoencoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Latents (B, latent_channels, H/8, W/8) of sRGB pictures (B, 3, H, W) in -1..1.

    A small residual network on the latents' grid (`refine_channels` > 0) may mend what the linear decoder gives back: each
    patch is decoded alone, so that without it the patches of imprecise latents do not meet.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        in_channels: int = 3,
        latent_channels: int = 16,
        patch_px: int = 8,
        refine_channels: int = 0,
        scaling_factor: float = 1.0,
        block_out_channels: tuple[int, ...] = (16, 16, 16, 16),
        force_upcast: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(in_channels, latent_channels, patch_px, patch_px)
        self.decoder = nn.ConvTranspose2d(latent_channels, in_channels, patch_px, patch_px)
        self.refiner = _refiner(latent_channels, refine_channels, in_channels, patch_px) if refine_channels else None

    def encode(self, x: Tensor, return_dict: bool = True) -> Any:
        """Return `AutoencoderTinyOutput(latents)`, or a tuple of it."""
        latents = self.encoder(x)
        return AutoencoderTinyOutput(latents=latents) if return_dict else (latents,)

    def decode(self, x: Tensor, generator: torch.Generator | None = None, return_dict: bool = True) -> Any:
        """Return `DecoderOutput(sample)` in -1..1, or a tuple of it. Nothing random: `generator` is unused."""
        sample = self.decoder(x)
        if self.refiner is not None:
            sample = sample + self.refiner(x)
        return DecoderOutput(sample=sample) if return_dict else (sample,)

    def forward(self, sample: Tensor, return_dict: bool = True) -> Any:
        """Encode and decode."""
        return self.decode(self.encode(sample).latents, return_dict=return_dict)

    @torch.no_grad()
    def fit(self, pictures: Tensor, softness: float) -> None:
        """Set both convolutions to the principal components of `pictures` (B, 3, H, W, in -1..1).

        Each component is divided by its standard deviation to the power 1 - softness (0 would whiten fully), then all
        of them by one number, so that the latents' mean square is 1.
        """
        patch, count = self.config.patch_px, self.config.latent_channels
        rows = nn.functional.unfold(pictures, patch, stride=patch).transpose(1, 2).flatten(0, 1).double()
        mean = rows.mean(dim=0)
        values, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
        deviation = values[-count:].flip(0).clamp_min(1e-12).sqrt()
        basis = vectors[:, -count:].flip(1).T  # (latents, 3*patch*patch)
        gain = deviation ** (softness - 1)
        gain = gain / (deviation * gain).square().mean().sqrt()
        shape = (count, -1, patch, patch)
        assert self.encoder.bias is not None
        assert self.decoder.bias is not None
        self.encoder.weight.copy_((basis * gain[:, None]).reshape(shape))
        self.encoder.bias.copy_(-(basis * gain[:, None]) @ mean)
        self.decoder.weight.copy_((basis / gain[:, None]).reshape(shape))
        picture_mean = mean.reshape(-1, patch, patch)
        # A transposed convolution has one bias a channel; the position-dependent rest of the mean is nearly nothing.
        self.decoder.bias.copy_(picture_mean.mean(dim=(1, 2)))


def _refiner(latents: int, width: int, channels: int, patch_px: int) -> nn.Sequential:
    last = nn.Conv2d(width, channels * patch_px**2, 3, padding=1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    middle = [layer for _ in range(2) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.SiLU())]
    return nn.Sequential(nn.Conv2d(latents, width, 3, padding=1), nn.SiLU(), *middle, last, nn.PixelShuffle(patch_px))
