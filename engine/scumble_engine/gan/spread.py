"""How a generator's w lie: their mean and main axes, measured once, so that steps and limits mean the same for any generator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .generator import Generator

SAMPLES = 4096
FLOOR = 1e-3  # of the largest variance: axes along which the w hardly spread are kept still, not divided by nothing


@dataclass(frozen=True)
class Spread:
    """`mean` (w); `axes` (w, w): a column is one principal axis times the standard deviation along it.

    `usual`: how long a w's coordinates are as a rule: sqrt(mean of their squares' sum).
    """

    mean: Tensor
    axes: Tensor
    inverse: Tensor
    usual: float

    def coordinates(self, w: Tensor) -> Tensor:
        """Return (…, w) a w's coordinates along the axes, in standard deviations."""
        return (w - self.mean) @ self.inverse

    def strangeness(self, w: Tensor) -> float:
        """Say how far from the mapped w the farthest of (…, w) is: about 1 for one of theirs."""
        return float(self.coordinates(w).norm(dim=-1).max()) / self.usual


@torch.no_grad()
def spread_of(generator: Generator, samples: int = SAMPLES) -> Spread:
    """Map that many z (seed 0) and measure."""
    config, device = generator.config, generator.mapping.w_avg.device
    z = torch.randn(samples, config.z_size, generator=torch.Generator().manual_seed(0))
    w = generator.w(z.to(device)).double()
    mean = w.mean(0)
    variances, directions = torch.linalg.eigh((w - mean).T @ (w - mean) / samples)
    kept = variances > FLOOR * variances.max()
    deviations = variances.clamp_min(0).sqrt() * kept
    axes = directions * deviations
    inverse = directions * torch.where(kept, 1 / deviations.clamp_min(1e-12), torch.zeros_like(deviations))
    usual = ((w - mean) @ inverse).square().sum(1).mean().sqrt()
    return Spread(mean.float(), axes.T.float(), inverse.float(), float(usual))
