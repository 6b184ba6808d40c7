"""Named colours, and giving a sprite another colour in CIE Lab. Tensors only; no files."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scumble_engine.imaging.palette import PALETTE
from torch import Tensor

COLORS = tuple(PALETTE)

_TO_XYZ = torch.tensor(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = torch.tensor([0.95047, 1.0, 1.08883])


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB in 0..1, (…, 3, H, W), to CIE Lab (D65; L 0..100)."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055).clamp_min(0) ** 2.4)
    xyz = torch.einsum("ij,...jhw->...ihw", _TO_XYZ.to(rgb), linear) / _WHITE.to(rgb).view(3, 1, 1)
    f = torch.where(xyz > 216 / 24389, xyz.clamp_min(1e-8) ** (1 / 3), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f.unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-3)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert CIE Lab, (…, 3, H, W), to sRGB clipped to 0..1."""
    lightness, a, b = lab.unbind(-3)
    y = (lightness + 16) / 116
    f = torch.stack([y + a / 500, y, y - b / 200], dim=-3)
    xyz = torch.where(f > 6 / 29, f**3, (116 * f - 16) * 27 / 24389) * _WHITE.to(lab).view(3, 1, 1)
    linear = torch.einsum("ij,...jhw->...ihw", torch.linalg.inv(_TO_XYZ).to(lab), xyz).clamp(0, 1)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(1e-8) ** (1 / 2.4) - 0.055)


def color_lab(name: str) -> Tensor:
    """Return a palette colour in Lab, shape (3,)."""
    rgb = torch.tensor(PALETTE[name], dtype=torch.float32).view(3, 1, 1) / 255
    return rgb_to_lab(rgb).flatten()


@dataclass(frozen=True)
class Body:
    """The part of a sprite that carries its colour: soft weights (H, W) and that part's mean Lab (3,)."""

    weight: Tensor
    mean: Tensor
    chromatic: bool


def _ramp(value: Tensor, low: float, high: float) -> Tensor:
    return ((value - low) / (high - low)).clamp(0, 1)


def _main_hue(chroma: Tensor, hue: Tensor, alpha: Tensor) -> float:
    """Return the fullest direction of a 36-bin hue histogram, smoothed over neighbours, in radians."""
    bins = ((hue + math.pi) / (2 * math.pi) * 36).long().clamp(0, 35)
    counts = torch.zeros(36).index_add_(0, bins.flatten(), (alpha * _ramp(chroma, 10, 30)).flatten())
    smooth = counts + 0.7 * (counts.roll(1) + counts.roll(-1))
    return (float(smooth.argmax()) + 0.5) / 36 * 2 * math.pi - math.pi


def find_body(lab: Tensor, alpha: Tensor) -> Body:
    """Find the pixels of a sprite's main colour: all shades of its main hue, or its main gray.

    lab is (3, H, W), alpha (H, W) in 0..1. A sprite is chromatic when two fifths of it have a clear hue.
    """
    chroma, hue = lab[1:].norm(dim=0), torch.atan2(lab[2], lab[1])
    colored = _ramp(chroma, 8, 18)
    chromatic = bool((alpha * colored).sum() > 0.4 * alpha.sum())
    if chromatic:
        away = hue - _main_hue(chroma, hue, alpha)
        away = torch.atan2(away.sin(), away.cos()).abs()
        weight = _ramp(away, math.radians(60), math.radians(38)) * _ramp(chroma, 5, 14)
    else:
        bright = bool((alpha * (1 - colored) * (lab[0] > 50)).sum() > (alpha * (1 - colored) * (lab[0] <= 50)).sum())
        near = _ramp(lab[0], 45, 62) if bright else _ramp(lab[0], 58, 42)
        weight = near * _ramp(chroma, 20, 12)
    share = alpha * weight
    mean = (lab * share).sum(dim=(1, 2)) / share.sum().clamp_min(1e-6)
    return Body(weight, mean, chromatic)


def natural_color(body: Body) -> str | None:
    """Name a sprite's own colour, or None where no palette name fits (within 34 in Lab, lightness halved)."""
    weights = torch.tensor([0.5, 1.0, 1.0])
    away = {name: float(((color_lab(name) - body.mean) * weights).norm()) for name in COLORS}
    name = min(away, key=lambda key: away[key])
    return name if away[name] < 34 else None


def recolor(lab: Tensor, body: Body, name: str) -> Tensor:
    """Give the sprite's body the named colour; shading and all other parts stay. Returns Lab (3, H, W)."""
    target = color_lab(name)
    shade = lab[0] - body.mean[0]
    lightness = (target[0] + shade * 0.75).clamp(4, 98)
    richness = 1 - shade.abs() / 120
    if body.chromatic:
        richness = (lab[1:].norm(dim=0) / body.mean[1:].norm().clamp_min(1)).clamp(0.4, 1.25)
    new = torch.cat([lightness[None], target[1:, None, None] * richness])
    return lab + body.weight * (new - lab)
