"""Points in feature maps: reading patches, finding where a patch has gone, and the pull towards its target.

Points are (n, 2) as (x, y) in cells of the feature map, a cell's centre at +0.5. After DragDiffusion and GoodDrag, from their
formulas; patches are sampled where they are needed, and borders are clamped, so that no patch leaves the map.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def patches(features: Tensor, points: Tensor, radius: int) -> Tensor:
    """Sample (n, channels, 2r+1, 2r+1) bilinearly around each point from features (1, channels, h, w)."""
    height, width = features.shape[-2:]
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32, device=features.device)
    dy, dx = torch.meshgrid(steps, steps, indexing="ij")
    at = points[:, None, None, :] + torch.stack([dx, dy], dim=-1)  # (n, k, k, 2)
    grid = at / torch.tensor([width, height], dtype=torch.float32, device=features.device) * 2 - 1
    maps = features.expand(len(points), -1, -1, -1)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)


def track(features: Tensor, wanted: Tensor, points: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """Find each wanted patch (n, channels, k, k) within `reach` cells of its point; return places and mean |difference| there."""
    radius = wanted.shape[-1] // 2
    steps = torch.arange(-reach, reach + 1, dtype=torch.float32, device=features.device)
    dy, dx = torch.meshgrid(steps, steps, indexing="ij")
    offsets = torch.stack([dx, dy], dim=-1).reshape(-1, 2)
    places, errors = [], []
    for point, patch in zip(points, wanted, strict=True):
        candidates = clamped(point + offsets, features)
        distance = (patches(features, candidates, radius) - patch).abs().mean((1, 2, 3))
        best = int(distance.argmin())
        places.append(candidates[best])
        errors.append(distance[best])
    return torch.stack(places), torch.stack(errors)


def pull(features: Tensor, wanted: Tensor, points: Tensor, targets: Tensor, stride: float) -> Tensor:
    """Return the motion loss: what was at the handle's start (`wanted`) should be found a step of `stride` cells nearer to the target."""
    way = targets - points
    length = way.norm(dim=1, keepdim=True)
    ahead = points + way / length.clamp_min(1e-6) * length.clamp_max(stride)
    return (patches(features, ahead, wanted.shape[-1] // 2) - wanted).abs().mean()


def clamped(points: Tensor, features: Tensor) -> Tensor:
    """Keep points inside the map."""
    height, width = features.shape[-2:]
    return torch.stack([points[:, 0].clamp(0, width), points[:, 1].clamp(0, height)], dim=1)
