"""The layers of StyleGAN2: equalised linear layers and modulated convolutions, named as the ADA release names its weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .resample import filtered, new_filter

SLOPE = 0.2
GAIN = math.sqrt(2.0)  # keeps the variance behind a leaky ReLU


def activated(x: Tensor) -> Tensor:
    """Apply the leaky ReLU with its gain."""
    return F.leaky_relu(x, SLOPE) * GAIN


class Linear(nn.Module):
    """A linear layer whose weights are kept at unit variance and scaled when used (equalised learning rate)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int, start: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), start / rate))
        self._gain, self._rate = rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self._gain, self.bias * self._rate)


class StyledConv(nn.Module):
    """A 3 by 3 convolution modulated by w and demodulated, with noise, bias and activation (Karras et al. 2020, section 2.2).

    The style scales the features before the convolution and the demodulation after it, so that a picture's result does not
    hang on what else is in the batch.
    """

    weight: Tensor
    bias: Tensor
    noise_const: Tensor
    noise_strength: Tensor
    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, w_size: int, side: int, up: bool, clamp: float) -> None:
        super().__init__()
        self.affine = Linear(w_size, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", torch.randn(side, side))
        self.register_buffer("resample_filter", new_filter())
        self._up, self._clamp = up, clamp

    def forward(self, x: Tensor, w: Tensor, noise: bool = True) -> Tensor:
        """x (B, C, H, W) and w (B, w) to (B, C', H, W), or twice that size where the layer enlarges."""
        style = self.affine(w)
        power = self.weight.square().sum((2, 3))
        demodulation = torch.rsqrt(F.linear(style.square(), power) + 1e-8) * GAIN
        shift = (
            self.bias[:, None, None] * GAIN
        )  # the gain goes through the activation: one pass fewer over the features
        if noise:
            shift = shift + self.noise_const * (self.noise_strength * GAIN)
        x = torch.addcmul(shift, self._convolved(x * style[:, :, None, None]), demodulation[:, :, None, None])
        x = F.leaky_relu(x, SLOPE)
        return x.clamp(-self._clamp * GAIN, self._clamp * GAIN) if self._clamp else x

    def _convolved(self, x: Tensor) -> Tensor:
        if not self._up:
            return F.conv2d(x, self.weight, padding=1)
        spread = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
        return filtered(spread, self.resample_filter, 1, 1, 4.0)


class ToRgb(nn.Module):
    """A 1 by 1 convolution to RGB, modulated by w but not demodulated."""

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, w_size: int, clamp: float) -> None:
        super().__init__()
        self.affine = Linear(w_size, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self._gain, self._clamp = 1 / math.sqrt(inputs), clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x (B, C, H, W) and w (B, w) to (B, 3, H, W)."""
        style = self.affine(w) * self._gain
        rgb = F.conv2d(x * style[:, :, None, None], self.weight) + self.bias[:, None, None]
        return rgb.clamp(-self._clamp, self._clamp) if self._clamp else rgb
