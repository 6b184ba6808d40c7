"""Painted grounds as functions of a few numbers: tensors in, tensors out, on any device. No randomness in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from scumble_engine.imaging.palette import ground_tone
from scumble_engine.training.scenes import Background
from torch import Tensor

_Painter = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def paint_backgrounds(grounds: Sequence[Background], size_px: int, device: torch.device | str = "cpu") -> Tensor:
    """Paint (B, 3, size, size) sRGB in 0..1, one ground for each entry."""
    variation = torch.tensor([ground.variation for ground in grounds], device=device)
    tones = torch.tensor([ground_tone(ground.color or "white") for ground in grounds], device=device)
    steps = (torch.arange(size_px, device=device) + 0.5) / size_px
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    canvas = torch.empty(len(grounds), 3, size_px, size_px, device=device)
    for kind in {ground.kind for ground in grounds}:
        rows = torch.tensor([i for i, ground in enumerate(grounds) if ground.kind == kind], device=device)
        painted = _PAINTERS[kind](variation[rows][:, :, None, None], tones[rows][:, :, None, None], x, y)
        canvas[rows] = painted.expand(len(rows), 3, size_px, size_px)
    return canvas.clamp_(0, 1)


def _tone(red: int, green: int, blue: int, like: Tensor) -> Tensor:
    return torch.tensor([red, green, blue], device=like.device).view(1, 3, 1, 1) / 255


def _mix(low: Tensor, high: Tensor, share: Tensor) -> Tensor:
    return low + (high - low) * share


def _edge(distance: Tensor, softness: float = 0.012) -> Tensor:
    """Return 0 on the negative side, 1 on the positive, with a soft step between."""
    return (distance / softness * 0.5 + 0.5).clamp(0, 1)


def _plain(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return tone + (v[:, 0:1] - 0.5) * 0.04 + x * 0


def _gradient(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    share = (y[None, None] + (v[:, 0:1] - 0.5) * (x - 0.5)).clamp(0, 1)
    return _mix(torch.ones_like(tone) * 0.99, tone, share)


def _land(v: Tensor, x: Tensor, sky: tuple[Tensor, Tensor], land: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
    """Return a graded sky over a graded land with a gently curved horizon at 45..70 % of the height."""
    horizon = 0.45 + 0.25 * v[:, 0:1] + 0.04 * torch.sin(3 * x + 6 * v[:, 1:2])
    above = _mix(sky[0], sky[1], (y / horizon).clamp(0, 1))
    below = _mix(land[0], land[1], ((y - horizon) / (1 - horizon)).clamp(0, 1))
    return _mix(above, below, _edge(y - horizon))


def _grass(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    sky = (_tone(120, 190, 245, x), _tone(205, 232, 250, x))
    return _land(v, x, sky, (_tone(128, 200, 88, x), _tone(84, 158, 60, x)), y)


def _sea(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    horizon = 0.3 + 0.25 * v[:, 0:1]
    depth = ((y - horizon) / (1 - horizon)).clamp(0, 1)
    water = _mix(_tone(70, 160, 215, x), _tone(20, 92, 165, x), depth)
    waves = torch.sin(60 * depth.sqrt() + 3 * torch.sin(9 * x + 6 * v[:, 1:2])).clamp_min(0.6) - 0.6
    sky = _mix(_tone(150, 205, 245, x), _tone(225, 240, 250, x), (y / horizon).clamp(0, 1))
    return _mix(sky, water + 0.3 * waves, _edge(y - horizon))


def _beach(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    shore = 0.55 + 0.15 * v[:, 0:1] + 0.03 * torch.sin(6 * x + 6 * v[:, 1:2])
    sea = _sea(v * 0.3, tone, x, y)
    sand = _mix(_tone(245, 222, 165, x), _tone(228, 192, 125, x), ((y - shore) / (1 - shore)).clamp(0, 1))
    return _mix(sea, sand, _edge(y - shore))


def _snow(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    sky = (_tone(165, 190, 215, x), _tone(215, 226, 238, x))
    return _land(v, x, sky, (_tone(250, 252, 255, x), _tone(222, 232, 245, x)), y)


def _night(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    sky = _mix(_tone(14, 18, 48, x), _tone(52, 48, 104, x), y[None, None])
    cell_x, cell_y = (x * 8).floor(), (y * 8).floor()
    seed = cell_x * 12.9898 + cell_y * 78.233 + v[:, 0:1] * 37.7
    noise = [((seed + k).sin() * 43758.5453).frac().abs() for k in (0.0, 1.7, 3.1)]
    away = torch.hypot(x * 8 - cell_x - 0.2 - 0.6 * noise[0], y * 8 - cell_y - 0.2 - 0.6 * noise[1])
    stars = (1 - away / 0.11).clamp(0, 1) * (noise[2] > 0.6)
    return sky + stars * 0.85


def _room(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    floor_at = 0.66 + 0.14 * v[:, 0:1]
    planks = 0.06 * ((x * 5 + v[:, 1:2]).frac() < 0.03)
    floor = _tone(186, 140, 98, x) - 0.1 * ((y - floor_at) / (1 - floor_at)) - planks
    board = _mix(tone * (1 - 0.06 * y), _tone(240, 236, 228, x).expand_as(tone), _edge(y - floor_at + 0.035))
    return _mix(board, floor, _edge(y - floor_at))


def _stripes(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    along = torch.where(v[:, 0:1] < 0.5, x[None, None], y[None, None]) * (4 + (v[:, 1:2] * 3).floor()) + v[:, 2:3]
    return _mix(torch.ones_like(tone) * 0.98, tone, _edge((along.frac() - 0.5).abs() - 0.25, 0.06))


def _dots(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    count = 4 + (v[:, 0:1] * 3).floor()
    away = torch.hypot((x * count + v[:, 1:2]).frac() - 0.5, (y * count + v[:, 2:3]).frac() - 0.5)
    return _mix(tone, torch.ones_like(tone) * 0.98, _edge(0.26 - away, 0.08))


def _checks(v: Tensor, tone: Tensor, x: Tensor, y: Tensor) -> Tensor:
    count = 4 + (v[:, 0:1] * 2).floor()
    wave = torch.sin(torch.pi * (x * count + v[:, 1:2])) * torch.sin(torch.pi * (y * count + v[:, 2:3]))
    return _mix(tone, torch.ones_like(tone) * 0.98, _edge(wave, 0.15))


_PAINTERS: dict[str, _Painter] = {
    "plain": _plain,
    "gradient": _gradient,
    "grass": _grass,
    "sea": _sea,
    "beach": _beach,
    "snow": _snow,
    "night": _night,
    "room": _room,
    "stripes": _stripes,
    "dots": _dots,
    "checks": _checks,
}
