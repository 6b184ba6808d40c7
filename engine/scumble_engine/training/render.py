"""Painting scenes as tensors on the training device: pictures, exact masks, edges and flow from the same parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scumble_engine.training.backgrounds import paint_backgrounds
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.palette import COLORS
from scumble_engine.training.scenes import Scene, SceneObject
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Rendered:
    """A batch of painted scenes.

    rgb (B, 3, H, W) sRGB in 0..1. masks (B, N, H, W): how much of each pixel object n covers, after what stands before
    it; N is the largest number of objects in the batch, missing ones are empty. alphas: the same without occlusion.
    """

    rgb: Tensor
    masks: Tensor
    alphas: Tensor

    def labels(self) -> Tensor:
        """Return (B, H, W) int64: 0 where the background shows most, n + 1 where object n does."""
        ground = 1 - self.masks.sum(dim=1, keepdim=True)
        return torch.cat([ground, self.masks], dim=1).argmax(dim=1)

    def edges(self) -> Tensor:
        """Return (B, 1, H, W) in 0..1: outlines between objects and the ground and among objects."""
        ground = 1 - self.masks.sum(dim=1, keepdim=True)
        layers = torch.cat([ground, self.masks], dim=1)
        high, low = F.max_pool2d(layers, 3, 1, 1), -F.max_pool2d(-layers, 3, 1, 1)
        return (high - low).amax(dim=1, keepdim=True)


def _to_sprite(item: SceneObject) -> list[list[float]]:
    """Return the 2×3 matrix from canvas coordinates (-1..1) to the sprite's own (-1..1)."""
    turn = math.radians(item.angle_deg)
    cos, sin = math.cos(turn) / item.size, math.sin(turn) / item.size
    x, y = 2 * item.center[0] - 1, 2 * item.center[1] - 1
    mirror = -1.0 if item.flipped else 1.0
    return [[mirror * cos, mirror * sin, -mirror * (cos * x + sin * y)], [-sin, cos, sin * x - cos * y]]


def _variant(item: SceneObject) -> int:
    return 0 if item.color is None else 1 + COLORS.index(item.color)


def _sprites_on_canvas(items: Sequence[SceneObject], bank: SpriteBank, size_px: int) -> Tensor:
    """Return (n, 4, size, size) premultiplied RGBA of single objects, each sampled from the nearer scale."""
    device = bank.full.device
    canvas = torch.zeros(len(items), 4, size_px, size_px, device=device)
    for stock in (bank.full, bank.half):
        small = stock is bank.half
        limit = 0.75 * bank.full.shape[-1] / size_px
        rows = [i for i, item in enumerate(items) if (item.size < limit) is small]
        if not rows:
            continue
        sprites = torch.tensor([bank.index[items[i].concept, items[i].style] for i in rows], device=device)
        chosen = stock[sprites, torch.tensor([_variant(items[i]) for i in rows], device=device)]
        theta = torch.tensor([_to_sprite(items[i]) for i in rows], device=device)
        grid = F.affine_grid(theta, [len(rows), 4, size_px, size_px], align_corners=False)
        canvas[rows] = F.grid_sample(chosen.float() / 255, grid, align_corners=False)
    return canvas


def _shadow(alpha: Tensor) -> Tensor:
    """Return a soft shadow (n, 1, H, W) of an alpha: lowered, shifted to the right, blurred at a quarter of the size."""
    height = alpha.shape[-1]
    small = F.avg_pool2d(alpha, 4)
    soft = F.avg_pool2d(F.avg_pool2d(small, 5, 1, 2), 3, 1, 1)
    wide = F.interpolate(soft, scale_factor=4, mode="bilinear")
    return wide.roll((height // 24, height // 32), dims=(-2, -1)) * 0.35


def render(scenes: Sequence[Scene], bank: SpriteBank, size_px: int) -> Rendered:
    """Paint a batch of scenes on the bank's device.

    Raises KeyError when a scene names a concept and style that the bank does not hold.
    """
    device = bank.full.device
    rgb = paint_backgrounds([scene.background for scene in scenes], size_px, device)
    depth = max([len(scene.objects) for scene in scenes] + [1])
    masks = torch.zeros(len(scenes), depth, size_px, size_px, device=device)
    alphas = torch.zeros_like(masks)
    for layer in range(depth):
        rows = [i for i, scene in enumerate(scenes) if len(scene.objects) > layer]
        if not rows:
            continue
        painted = _sprites_on_canvas([scenes[i].objects[layer] for i in rows], bank, size_px)
        color, alpha = painted[:, :3], painted[:, 3:]
        shaded = torch.tensor([float(scenes[i].shadow) for i in rows], device=device).view(-1, 1, 1, 1)
        rgb[rows] = rgb[rows] * (1 - _shadow(alpha) * shaded) * (1 - alpha) + color
        masks[rows, :layer] *= 1 - alpha
        masks[rows, layer] = alpha[:, 0]
        alphas[rows, layer] = alpha[:, 0]
    return Rendered(rgb.clamp_(0, 1), masks, alphas)


def flow(before: Scene, after: Scene, size_px: int, rendered: Rendered, row: int = 0) -> Tensor:
    """Return (2, H, W): how many pixels (x, y) each visible pixel of `before` moves on its way to `after`.

    `rendered` holds `before` in line `row`. Both scenes have the same objects in the same order; the ground stays.
    """
    if len(before.objects) != len(after.objects):
        raise ValueError("Flow is defined between scenes with the same objects; one was added or removed.")
    steps = (torch.arange(size_px) + 0.5) / size_px * 2 - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)]).flatten(1)  # (3, H*W)
    labels = rendered.labels()[row].cpu()
    moved = torch.zeros(2, size_px, size_px)
    for n, (old, new) in enumerate(zip(before.objects, after.objects, strict=True)):
        last = torch.tensor([[0.0, 0.0, 1.0]])
        there = torch.linalg.inv(torch.cat([torch.tensor(_to_sprite(new)), last]))
        here = torch.cat([torch.tensor(_to_sprite(old)), last])
        ends = (there @ here @ points)[:2] - points[:2]
        moved = torch.where(labels == n + 1, ends.view(2, size_px, size_px) * size_px / 2, moved)
    return moved
