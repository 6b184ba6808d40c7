"""Resampling with a small filter as padding and one depthwise convolution (upfirdn without custom kernels)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BINOMIAL = (1.0, 3.0, 3.0, 1.0)  # StyleGAN2's filter, along one axis


def new_filter() -> Tensor:
    """Return StyleGAN2's resampling filter (4, 4), summing to 1."""
    line = torch.tensor(BINOMIAL)
    plane = torch.outer(line, line)
    return plane / plane.sum()


def filtered(x: Tensor, kernel: Tensor, before: int, after: int, gain: float = 1.0) -> Tensor:
    """Pad x (B, C, H, W) by so many zeros before and after along both axes and convolve every channel with the kernel."""
    channels = x.shape[1]
    taps = (kernel * gain).flip(0, 1).expand(channels, 1, -1, -1)
    if before == after:
        return F.conv2d(x, taps, padding=before, groups=channels)
    return F.conv2d(F.pad(x, (before, after, before, after)), taps, groups=channels)


def doubled(x: Tensor, kernel: Tensor) -> Tensor:
    """Return x (B, C, H, W) at twice its size: zeros between its samples, then the filter with gain 4."""
    size = kernel.shape[0]
    count, channels, height, width = x.shape
    spread = x.new_zeros(count, channels, 2 * height, 2 * width)
    spread[..., ::2, ::2] = x
    return filtered(spread, kernel, (size + 1) // 2, (size - 2) // 2, 4.0)
