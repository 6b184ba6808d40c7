"""What a painter gives the editor, as maps on the latents' grid: source, mask, lines, colours, subtract strokes, pulls.

Training and inference both make their conditions here, so that they cannot drift apart. Tensors only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

PATCH_PX = 8
"""Pixels of the picture to one place of the latents, in every autoencoder that an editor has."""
OLD_CUES = 33
"""Channels of mask, lines and colours, which the first editors had beside the source."""
NEW_CUES = 10
"""Channels of subtract strokes (4), pulls (4), how sure what arrives is (1) and whether there is a source (1)."""
_HEAT_PX = 7.0  # of 128: a little under one place of the latents, so that neighbours tell the part of a place
_REACH = 0.09  # of the canvas: how far about its end a pull says what arrives there


class _Encodes(Protocol):
    config: object

    def encode(self, x: Tensor) -> object: ...


@dataclass(frozen=True)
class Cues:
    """A batch of what painters gave. Pictures are (B, 3, H, W) sRGB in 0..1; planes (B, 1, H, W) in 0..1; absent cues are zero.

    present (B,): 1 where there is a source picture, 0 where one is to be made from words alone. mask: where the painter
    allows changes; all ones without a selection. color (B, 4, H, W): premultiplied strokes. pulls (B, K, 4): pixels from
    (x, y) to (x, y); held (B, K): 1 for a pull, 0 for an empty line.
    """

    picture: Tensor
    present: Tensor
    mask: Tensor
    add: Tensor
    subtract: Tensor
    color: Tensor
    pulls: Tensor
    held: Tensor

    def to(self, device: torch.device | str) -> Cues:
        """Return the cues on another device."""
        return replace(self, **{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def no_cues(picture: Tensor, most_pulls: int = 1) -> Cues:
    """Return cues that say nothing but the source picture: everything may change, nothing is drawn or pulled."""
    count, _, height, width = picture.shape
    plane = torch.zeros(count, 1, height, width, device=picture.device)
    return Cues(
        picture=picture,
        present=torch.ones(count, device=picture.device),
        mask=torch.ones_like(plane),
        add=plane,
        subtract=plane,
        color=plane.expand(-1, 4, -1, -1),
        pulls=torch.zeros(count, most_pulls, 4, device=picture.device),
        held=torch.zeros(count, most_pulls, device=picture.device),
    )


def condition_channels(latent_channels: int) -> int:
    """Return how many channels `conditions` has for latents of so many."""
    return 2 * latent_channels + OLD_CUES + NEW_CUES


def conditions(vae: _Encodes, cues: Cues) -> Tensor:
    """Return (B, C, h, w): first the source's latents (zero where absent), then every cue on the latents' grid."""
    there = cues.present.view(-1, 1, 1, 1)
    source = encode(vae, cues.picture) * there
    mask = (F.avg_pool2d(cues.mask, PATCH_PX) > 0.05).float()
    lines = F.pixel_unshuffle(F.max_pool2d(cues.add, 2), 4)
    color = F.pixel_unshuffle(F.avg_pool2d(cues.color, 4), 2)
    subtract = F.pixel_unshuffle(F.avg_pool2d(cues.subtract, 4), 2)
    arrived, sure = what_arrives(cues)
    sure = F.avg_pool2d(sure, PATCH_PX) * there
    plane = there.expand(-1, 1, *source.shape[-2:])
    return torch.cat(
        [source, mask, lines, color, subtract, pull_maps(cues), encode(vae, arrived) * sure, sure, plane], 1
    )


def encode(vae: _Encodes, picture: Tensor) -> Tensor:
    """Return the scaled latents of sRGB pictures in 0..1."""
    latents: Tensor = vae.encode(picture * 2 - 1).latents * vae.config.scaling_factor  # type: ignore[attr-defined]
    return latents


def _near(points: Tensor, height: int, width: int, every_px: int, spread_px: float) -> Tensor:
    """Return (B, K, h, w) in 0..1: how near each place of a grid is to each point (B, K, 2), as a Gaussian."""
    y = (torch.arange(height, device=points.device) + 0.5) * every_px
    x = (torch.arange(width, device=points.device) + 0.5) * every_px
    away = (x.view(1, 1, 1, -1) - points[..., 0, None, None]) ** 2 + (
        y.view(1, 1, -1, 1) - points[..., 1, None, None]
    ) ** 2
    return torch.exp(-away / (2 * spread_px**2))


def pull_maps(cues: Cues) -> Tensor:
    """Return (B, 4, h, w): heat at the pulls' starts and at their ends, and dx, dy (in quarters of the canvas) at starts."""
    height, width = (side // PATCH_PX for side in cues.picture.shape[-2:])
    side_px = cues.picture.shape[-1]
    held, spread = cues.held[..., None, None], _HEAT_PX * side_px / 128
    starts = _near(cues.pulls[..., :2], height, width, PATCH_PX, spread) * held
    ends = _near(cues.pulls[..., 2:], height, width, PATCH_PX, spread) * held
    moved = (cues.pulls[..., 2:] - cues.pulls[..., :2]) * (4 / side_px)
    shares = starts / starts.sum(dim=1, keepdim=True).clamp_min(1.0)
    flow = torch.einsum("bkhw,bkc->bchw", shares, moved)
    return torch.cat([starts.amax(1, keepdim=True), ends.amax(1, keepdim=True), flow], dim=1)


def what_arrives(cues: Cues) -> tuple[Tensor, Tensor]:
    """Return what the pulls bring to their ends: (B, 3, H, W) the picture moved, and (B, 1, H, W) how sure that is.

    About each end lies what lay about its start; between ends the moves blend. It is a hint, not a warp: far from every
    end it says nothing.
    """
    height, width = cues.picture.shape[-2:]
    if not bool(cues.held.any()):
        return torch.zeros_like(cues.picture), torch.zeros_like(cues.mask)
    near = _near(cues.pulls[..., 2:], height, width, 1, _REACH * width) * cues.held[..., None, None]
    moved = cues.pulls[..., 2:] - cues.pulls[..., :2]
    back = torch.einsum("bkhw,bkc->bhwc", near / near.sum(dim=1, keepdim=True).clamp_min(1e-6), moved)
    y, x = torch.meshgrid(
        torch.arange(height, device=near.device) + 0.5, torch.arange(width, device=near.device) + 0.5, indexing="ij"
    )
    place = (torch.stack([x, y], dim=-1) - back) / torch.tensor([width, height], device=near.device) * 2 - 1
    arrived = F.grid_sample(cues.picture, place, padding_mode="border", align_corners=False)
    return arrived, near.amax(dim=1, keepdim=True)
