"""The StyleGAN2 generator: z -> mapping -> w -> synthesis -> picture (Karras et al. 2020, skip connections to RGB)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .config import GeneratorConfig
from .layers import Linear, StyledConv, ToRgb, activated
from .resample import doubled, new_filter


@dataclass(frozen=True)
class Synthesis:
    """`rgb` (B, 3, S, S), about -1..1; `features` (B, C, s, s) of the block that was asked for."""

    rgb: Tensor
    features: Tensor | None


class MappingNet(nn.Module):
    """z (B, z) to w (B, w). `w_avg` is the mean w, which truncation pulls towards."""

    w_avg: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self._normalize = config.normalize_z
        self._layers: list[Linear] = []
        for number in range(config.mapping_layers):
            layer = Linear(config.w_size if number else config.z_size, config.w_size, rate=config.mapping_rate)
            self._layers.append(layer)
            self.add_module(f"fc{number}", layer)
        self.register_buffer("w_avg", torch.zeros(config.w_size))

    def forward(self, z: Tensor) -> Tensor:
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8) if self._normalize else z
        for layer in self._layers:
            x = activated(layer(x))
        return x


class Block(nn.Module):
    """One size of the synthesis: it doubles what comes (but the first, which has a learned start) and adds its RGB."""

    resample_filter: Tensor

    def __init__(self, config: GeneratorConfig, level: int) -> None:
        super().__init__()
        inputs, outputs, side = config.channels[max(0, level - 1)], config.channels[level], config.sides[level]
        self.register_buffer("resample_filter", new_filter())
        if level:
            self.conv0 = StyledConv(inputs, outputs, config.w_size, side, True, config.clamp)
        else:
            self.const = nn.Parameter(torch.randn(outputs, side, side))
        self.conv1 = StyledConv(outputs, outputs, config.w_size, side, False, config.clamp)
        self.torgb = ToRgb(outputs, config.w_size, config.clamp)
        self._first = level == 0

    def forward(self, x: Tensor | None, ws: Tensor, noise: bool) -> Tensor:
        """Return the block's features; ws (B, 2 or more, w) are the block's own."""
        if self._first:
            return self.conv1(self.const.expand(len(ws), -1, -1, -1), ws[:, 0], noise)  # type: ignore[no-any-return]
        return self.conv1(self.conv0(x, ws[:, 0], noise), ws[:, 1], noise)  # type: ignore[no-any-return]

    def painted(self, x: Tensor, rgb: Tensor | None, ws: Tensor) -> Tensor:
        """Return the picture so far with this block's part added."""
        own: Tensor = self.torgb(x, ws[:, 1 if self._first else 2])
        return own if rgb is None else doubled(rgb, self.resample_filter) + own


class SynthesisNet(nn.Module):
    """ws (B, styles, w) to pictures; every convolution has a w of its own (W+)."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self._blocks: list[Block] = []
        for level, side in enumerate(config.sides):
            block = Block(config, level)
            self._blocks.append(block)
            self.add_module(f"b{side}", block)
        self._sides, self._noise = config.sides, config.noise

    def forward(self, ws: Tensor, side: int = 0, paint: bool = True, last: int = 0) -> Synthesis:
        """Paint; hand back the features of the block of that side, too (0 = none). Without `paint` nothing behind it is computed.

        `last` ends with the block of that side (0 = all): the same picture, smaller.
        """
        x: Tensor | None = None
        rgb: Tensor | None = None
        kept: Tensor | None = None
        for level, block in enumerate(self._blocks):
            own = ws[:, max(0, 2 * level - 1) :]
            x = block(x, own, self._noise)
            if self._sides[level] == side:
                kept = x
                if not paint:
                    return Synthesis(x[:, :3], kept)
            rgb = block.painted(x, rgb, own) if paint else None
            if self._sides[level] == last:
                break
        assert rgb is not None
        return Synthesis(rgb, kept)


class Generator(nn.Module):
    """A StyleGAN2 generator. Its state's names are those of the ADA release's G_ema."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = MappingNet(config)
        self.synthesis = SynthesisNet(config)

    def w(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """Return w (B, w) of z (B, z), drawn towards the mean w: 1 = as it is, 0 = the mean."""
        found: Tensor = self.mapping(z)
        return found if truncation == 1.0 else torch.lerp(self.mapping.w_avg, found, truncation)

    def plus(self, w: Tensor) -> Tensor:
        """Repeat w (B, w) for every layer: (B, styles, w)."""
        return w[:, None].expand(-1, self.config.styles, -1)

    def forward(self, z: Tensor) -> Tensor:
        """Return pictures (B, 3, S, S), about -1..1."""
        found: Synthesis = self.synthesis(self.plus(self.w(z)))
        return found.rgb
