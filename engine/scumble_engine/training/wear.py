"""Wearing pictures as a generator wears them, and spoiling them past recognition: what the judge is trained and tried with.

Tensors only: pictures are (B, 3, H, W), sRGB in 0..1. All chances come from torch's own generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def wear(rgb: Tensor, hardness: float = 1.0) -> Tensor:
    """Bend, blur, code in patches, cover, tint and grain pictures, each with its own chances times `hardness`."""
    worn = _some(rgb, _bent, 0.5 * hardness)
    worn = _some(worn, _covered, 0.3 * hardness)
    worn = _some(worn, lambda one: F.avg_pool2d(one, 3, 1, 1, count_include_pad=False), 0.3 * hardness)
    worn = _some(worn, lambda one: F.avg_pool2d(one, 5, 1, 2, count_include_pad=False), 0.15 * hardness)
    worn = _some(worn, lambda one: in_patches(one, int(torch.randint(3, 9, ()))), 0.5 * hardness)
    return _grained(worn, 0.1 * hardness).clamp(0, 1)


def worn_hard(rgb: Tensor) -> Tensor:
    """Wear all pictures alike and badly: blurred over a fourteenth of the side, and noise of a fifth."""
    reach = rgb.shape[-1] // 14 // 2 * 2 + 1
    soft = F.avg_pool2d(F.pad(rgb, (reach // 2,) * 4, mode="replicate"), reach, 1)
    return (soft + 0.2 * torch.randn_like(soft)).clamp(0, 1)


def spoil(rgb: Tensor, masks: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Make a share of pictures show nothing: scrambled, smeared, a bent blot for the object, or the ground alone.

    masks (B, 1, H, W): where the objects are. Returns (pictures, which were spoiled: (B,) bool).
    """
    chosen = torch.rand(len(rgb)) < share
    if not bool(chosen.any()):
        return rgb, chosen
    some, where = rgb[chosen], masks[chosen]
    ways = (_scrambled(some), _smeared(some), _bent(blots(some, where), 0.12), _bare(some, where))
    which = torch.randint(len(ways), (len(some),))
    spoiled = rgb.clone()
    spoiled[chosen] = torch.stack(ways)[which, torch.arange(len(some))]
    return spoiled, chosen


def blots(rgb: Tensor, masks: Tensor) -> Tensor:
    """Put a soft-edged ellipse where each mask (B, 1, H, W) is, shaded with the mean colours of its lower and upper half."""
    rows = torch.linspace(-1, 1, rgb.shape[-2]).view(1, 1, -1, 1)
    columns = torch.linspace(-1, 1, rgb.shape[-1]).view(1, 1, 1, -1)
    weight = masks / masks.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6)
    y, x = ((weight * axis).sum(dim=(1, 2, 3), keepdim=True) for axis in (rows, columns))
    tall, wide = (
        2 * (weight * (axis - middle).square()).sum(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(0.05)
        for axis, middle in ((rows, y), (columns, x))
    )
    away = ((columns - x) / wide).square() + ((rows - y) / tall).square()
    shape = ((1.1 - away) / 0.2).clamp(0, 1)
    halves = [masks * (rows < y) + 1e-6, masks * (rows >= y) + 1e-6]
    upper, lower = ((rgb * half).sum(dim=(2, 3), keepdim=True) / half.sum(dim=(2, 3), keepdim=True) for half in halves)
    shade = ((rows - y) / tall * 0.5 + 0.5).clamp(0, 1)
    ground = _bare(rgb, masks)
    return ground + (upper + (lower - upper) * shade - ground) * shape


def in_patches(rgb: Tensor, kept: int) -> Tensor:
    """Keep the `kept` lowest of 9 cosine coefficients of each 3×3 patch, as a linear autoencoder of patches would.

    At 48² such a patch is what 8×8 pixels are at 128².
    """
    places = (torch.arange(3) + 0.5) * math.pi / 3
    rows = torch.stack([(places * u).cos() for u in range(3)])
    basis = rows / rows.norm(dim=1, keepdim=True)
    order = sorted((u + v, u, v) for u in range(3) for v in range(3))[:kept]
    kernels = torch.stack([basis[u][:, None] * basis[v][None] for _, u, v in order]).to(rgb)[:, None]
    flat = rgb.reshape(-1, 1, *rgb.shape[-2:])
    return F.conv_transpose2d(F.conv2d(flat, kernels, stride=3), kernels, stride=3).view_as(rgb)


def _some(rgb: Tensor, way: Callable[[Tensor], Tensor], share: float) -> Tensor:
    rows = torch.rand(len(rgb)) < share
    if not bool(rows.any()):
        return rgb
    worn = rgb.clone()
    worn[rows] = way(rgb[rows])
    return worn


def _bent(rgb: Tensor, reach: float = 0.07) -> Tensor:
    """Bend pictures smoothly, as a generator's unsure outlines are bent."""
    coarse = torch.randn(len(rgb), 2, 5, 5) * reach * torch.rand(len(rgb), 1, 1, 1)
    field = F.interpolate(coarse, size=rgb.shape[-2:], mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    straight = F.affine_grid(torch.eye(2, 3).expand(len(rgb), 2, 3), list(rgb.shape), align_corners=False)
    return F.grid_sample(rgb, straight + field, padding_mode="border", align_corners=False)


def _covered(rgb: Tensor) -> Tensor:
    """Lay a small piece of another picture over each."""
    count, side = len(rgb), rgb.shape[-1]
    steps = (torch.arange(side) + 0.5) / side
    low = torch.rand(count, 2) * 0.85
    high = low + 0.08 + torch.rand(count, 2) * 0.2
    inside = [(steps > low[:, i : i + 1]) & (steps < high[:, i : i + 1]) for i in (0, 1)]
    return torch.where(inside[0][:, None, :, None] & inside[1][:, None, None, :], rgb.roll(1, 0), rgb)


def _grained(rgb: Tensor, amount: float) -> Tensor:
    """Tint a little and add noise, fine and in patches, up to this deviation."""
    count, side = len(rgb), rgb.shape[-1]
    tint = 1 + amount * (torch.rand(count, 3, 1, 1) - 0.5)
    blotches = F.interpolate(torch.randn(count, 3, side // 4, side // 4), size=(side, side), mode="bilinear")
    noise = torch.randn_like(rgb) * amount * torch.rand(count, 1, 1, 1)
    return rgb * tint + noise + blotches * amount * torch.rand(count, 1, 1, 1).square()


def _scrambled(rgb: Tensor, across: int = 4) -> Tensor:
    """Cut pictures into across² tiles and put them back in another order."""
    count, channels, side, _ = rgb.shape
    tile = side // across
    tiles = rgb.view(count, channels, across, tile, across, tile).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    order = torch.rand(count, across * across).argsort(dim=1)
    mixed = tiles[torch.arange(count)[:, None], order]
    return mixed.view(count, across, across, channels, tile, tile).permute(0, 3, 1, 4, 2, 5).reshape(rgb.shape)


def _smeared(rgb: Tensor) -> Tensor:
    """Leave colours and rough places only: a sixth-size view bent beyond recognition."""
    side = rgb.shape[-1]
    coarse = F.interpolate(F.adaptive_avg_pool2d(rgb, 6), size=(side, side), mode="bicubic").clamp(0, 1)
    return _bent(coarse, 0.25)


def _bare(rgb: Tensor, masks: Tensor) -> Tensor:
    """Return pictures with what lies under the masks painted over in the mean colour of each row's rest."""
    wide = F.max_pool2d(masks, 5, 1, 2)
    free = (1 - wide).clamp_min(1e-3)
    mean = (rgb * free).sum(dim=3, keepdim=True) / free.sum(dim=3, keepdim=True)
    return rgb + (mean - rgb) * wide
