"""Pulling a predicted picture towards strokes: its edges to the drawn lines, its colours to the painted ones.

Both always act together on the model's x0 between its steps, through a linear map of latents to pixels: no gradient goes through
the network or the decoder (after "Universal guidance for diffusion models", Bansal et al. 2023, backward guidance).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .capabilities import Condition
from .rough import RoughDecoder

# Latents (n, c, h, w) -> pixels (n, 3, h, w), sRGB 0..1.
Seeing = Callable[[Tensor], Tensor]
LUMA = (0.299, 0.587, 0.114)
# How strong a luminance step counts as a full edge; how far, in pixels, an edge may lie from its line.
FULL_EDGE = 0.25
NEAR_PX = 2
EMPTY_PX = 5


@dataclass(frozen=True)
class Conditions:
    """What strokes ask of the decoded picture, all (1, 1 or 3, h, w) at the model's size: `lines` 0..1 (None: no add strokes),
    `colors` with `painted` 0..1 (None: no colour strokes), and `region` 0..1 where anything may be asked at all."""

    region: Tensor
    lines: Tensor | None = None
    colors: Tensor | None = None
    painted: Tensor | None = None
    rough: RoughDecoder | None = None
    shown: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Pull:
    """How hard: gradient steps on each prediction, their length relative to the latents' spread, and the weights of the two terms."""

    steps: int = 6
    rate: float = 0.08
    edge_weight: float = 1.0
    color_weight: float = 8.0
    empty_weight: float = 0.35

    def lasting(self) -> Pull:
        """Return a longer and finer pull of the same strength."""
        return replace(self, steps=8 * self.steps, rate=self.rate / 2)


def edge_strength(pixels: Tensor) -> Tensor:
    """Return (1, 1, h, w) in 0..1: how much of a full luminance step each pixel of (1, 3, h, w) lies on (Scharr)."""
    weights = torch.tensor(LUMA, device=pixels.device).view(1, 3, 1, 1)
    luma = F.pad((pixels * weights).sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    kernel = torch.tensor([[3.0, 0.0, -3.0], [10.0, 0.0, -10.0], [3.0, 0.0, -3.0]], device=pixels.device) / 16
    both = torch.stack([kernel, kernel.T])[:, None]
    gradient = F.conv2d(luma, both)
    return (gradient.square().sum(1, keepdim=True) + 1e-8).sqrt().div(FULL_EDGE).clamp(max=1.0)


def edge_loss(pixels: Tensor, conditions: Conditions, empty_weight: float) -> Tensor:
    """Ask for an edge within `NEAR_PX` of every drawn line, and for none in the region farther than `EMPTY_PX` from all of them."""
    assert conditions.lines is not None
    edges, lines = edge_strength(pixels), conditions.lines
    near = F.max_pool2d(edges, 2 * NEAR_PX + 1, 1, NEAR_PX)
    missing = ((1 - near) * lines).sum() / lines.sum().clamp_min(1.0)
    away = (1 - F.max_pool2d(lines, 2 * EMPTY_PX + 1, 1, EMPTY_PX)) * conditions.region
    return missing + empty_weight * (edges * away).sum() / away.sum().clamp_min(1.0)


def color_loss(pixels: Tensor, conditions: Conditions) -> Tensor:
    """Ask for the painted colours under the colour strokes, as they look from a little afar (shading may vary)."""
    assert conditions.colors is not None
    assert conditions.painted is not None
    seen = F.avg_pool2d(F.pad(pixels, (1, 1, 1, 1), mode="replicate"), 3, 1)
    off = (seen - conditions.colors).abs().sum(1, keepdim=True)
    return (off * conditions.painted).sum() / conditions.painted.sum().clamp_min(1.0)


def loss_of(pixels: Tensor, conditions: Conditions, pull: Pull) -> Tensor:
    """Add up what the strokes ask for."""
    loss = pixels.new_zeros(())
    if conditions.lines is not None:
        loss = loss + pull.edge_weight * edge_loss(pixels, conditions, pull.empty_weight)
    if conditions.painted is not None:
        loss = loss + pull.color_weight * color_loss(pixels, conditions)
    return loss


def pulled(see: Seeing, x0: Tensor, conditions: Conditions, pull: Pull, may: Tensor) -> Tensor:
    """Move clean latents towards what the strokes ask for, only where `may` (1, 1, h, w of the latents) lets them.

    `see`: what pixels latents are taken for; gradients go through it.
    """
    length = pull.rate * float(x0.std().clamp_min(1e-3))
    with torch.enable_grad():
        moving = x0.detach().clone().requires_grad_(True)
        for _ in range(pull.steps):
            loss = loss_of(see(moving), conditions, pull)
            (gradient,) = torch.autograd.grad(loss, moving)
            gradient = gradient * may
            # The largest step of any latent has the chosen length: near the goal, gradients fade and steps do not overshoot.
            scale = gradient.abs().amax().clamp_min(1e-8)
            moving = (moving - length * gradient / scale).detach().requires_grad_(True)
    return moving.detach()
