"""The composer's stock: every sprite in its own and in all palette colours, premultiplied, at two scales."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from scumble_engine.training.palette import COLORS, find_body, lab_to_rgb, natural_color, recolor, rgb_to_lab
from scumble_engine.training.sprites import Sprite, SpritePack
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class SpriteBank:
    """All variants of all sprites: `full` (N, 11, 4, S, S) and `half` (N, 11, 4, S/2, S/2), uint8, premultiplied.

    Variant 0 is the drawing's own colouring, variant 1 + i is palette colour i. index: (concept, style) -> row.
    """

    sprites: tuple[Sprite, ...]
    natural: tuple[str | None, ...]
    full: Tensor
    half: Tensor
    index: dict[tuple[str, str], int]

    def to(self, device: torch.device | str) -> SpriteBank:
        """Return the bank on another device."""
        return replace(self, full=self.full.to(device), half=self.half.to(device))

    def natural_of(self, concept: str, style: str) -> str | None:
        """Return the colour that this drawing has of its own, if it has a name."""
        return self.natural[self.index[concept, style]]


def build_bank(pack: SpritePack) -> SpriteBank:
    """Recolour every sprite of a pack into the whole palette (about 30 ms a sprite)."""
    rows, names = [], []
    for pixels in pack.pixels:
        rgba = pixels.float() / 255
        lab, alpha = rgb_to_lab(rgba[:3]), rgba[3]
        body = find_body(lab, alpha)
        shades = [rgba[:3]] + [lab_to_rgb(recolor(lab, body, name)) for name in COLORS]
        stack = torch.stack([torch.cat([shade * alpha, alpha[None]]) for shade in shades])
        rows.append((stack * 255).round().byte())
        names.append(natural_color(body))
    full = torch.stack(rows)
    half = (
        F.avg_pool2d(full.flatten(0, 1).float(), 2)
        .round()
        .byte()
        .view(*full.shape[:3], *[side // 2 for side in full.shape[3:]])
    )
    index = {(sprite.concept, sprite.style): row for row, sprite in enumerate(pack.sprites)}
    return SpriteBank(pack.sprites, tuple(names), full, half, index)
