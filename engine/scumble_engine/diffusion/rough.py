"""Latents seen roughly: one linear map from each latent and its neighbours to the pixels of its place, fitted once a model.

What pulls latents towards strokes needs gradients of pictures; through a VAE's decoder they are most of an edit's cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .capabilities import Denoiser

# Patches are fitted to so many pictures of squares, at scales of so many latents; a ridge holds down what they do not tell.
PICTURES, SCALES, RIDGE = 2, (1, 2, 4, 8), 1e-3


@dataclass(frozen=True)
class RoughDecoder:
    """`weight` (3 stride², channels, 3, 3) and `bias` (3 stride²,) of the map."""

    weight: Tensor
    bias: Tensor
    stride: int

    def __call__(self, latents: Tensor) -> Tensor:
        """Return pixels (n, 3, h, w), sRGB 0..1 and not clipped, of scaled latents; autograd works through it."""
        around = F.pad(latents, (1, 1, 1, 1), mode="replicate")
        return F.pixel_shuffle(F.conv2d(around, self.weight, self.bias), self.stride)

    def near(self, latents: Tensor, decoded: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the map that is exact at these latents: what it leaves out of their decoded picture stays beside them."""
        left_out = decoded - self(latents)
        return lambda others: self(others) + left_out


def fit_rough(model: Denoiser, side: int) -> RoughDecoder:
    """Fit the map by least squares on what the model's own autoencoder makes of squares in all colours, `side` latents wide."""
    pixels = squares(PICTURES, side, model.stride)
    with torch.no_grad():
        latents = model.encode(pixels)
        patches = F.pixel_unshuffle(model.decode(latents), model.stride)
    around = F.unfold(F.pad(latents, (1, 1, 1, 1), mode="replicate"), 3).transpose(1, 2).flatten(0, 1).double().cpu()
    seen = patches.flatten(2).transpose(1, 2).flatten(0, 1).double().cpu()
    known = torch.cat([around, torch.ones(len(around), 1, dtype=torch.float64)], dim=1)
    held = RIDGE * len(known) * float(around.square().mean()) * torch.eye(known.shape[1], dtype=torch.float64)
    held[-1, -1] = 0.0
    solved = torch.linalg.solve(known.T @ known + held, known.T @ seen).float().to(latents.device)
    weight = solved[:-1].T.reshape(-1, latents.shape[1], 3, 3).contiguous()
    return RoughDecoder(weight, solved[-1], model.stride)


def squares(count: int, side: int, stride: int) -> Tensor:
    """Return pictures (count, 3, h, w) of squares in random colours over one another, coarse and fine. Always the same ones."""
    random = torch.Generator().manual_seed(0)
    whole = torch.zeros(count, 3, side * stride, side * stride)
    for scale in SCALES:
        cells = max(1, side // scale)
        size = side * stride
        colors = F.interpolate(torch.rand(count, 3, cells, cells, generator=random), size=(size, size), mode="nearest")
        over = F.interpolate(torch.rand(count, 1, cells, cells, generator=random), size=(size, size), mode="bilinear")
        whole = torch.where(over > 0.5, colors, whole)
    return whole
