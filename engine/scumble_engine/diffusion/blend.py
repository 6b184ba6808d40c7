"""Where a language edit may change the picture, found from the attention maps of its words.

The target keeps its own latents where the words that change are at work; elsewhere it takes the layout branch's, and where
the words to keep are at work, the source's (Xu et al. 2023, section 4.3, "local attention blends").
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .unified import Heard, WordMaps

# The published schedule: a word's map is trusted only as far as the step still carries signal.
EARLY_DOUBT = 0.15


@dataclass
class LocalBlend:
    """`change` and `keep` sum maps over the steps; `threshold` 0..1 is what share of a map's peak counts as the word's place."""

    change: WordMaps
    keep: WordMaps
    threshold: float = 0.55

    def masks(self, signal: float, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return what may change and what must not, (1, 1, h, w) of 0 and 1, at a step with signal level √ᾱ."""
        threshold = max(self.threshold, EARLY_DOUBT / max(signal, 1e-6))
        return self._place(self.change, threshold, size), self._place(self.keep, self.threshold, size)

    def _place(self, maps: WordMaps, threshold: float, size: tuple[int, int]) -> Tensor:
        sides: tuple[Heard, ...] = ("source", "target")
        found = [place for side in sides if (place := maps.strongest(side)) is not None]
        if not found:
            return torch.zeros(1, 1, *size)
        strongest = torch.stack(found).amax(0)[None, None]
        strongest = F.interpolate(strongest, size, mode="bilinear", align_corners=False)
        return (strongest >= threshold).float()


@dataclass
class BothMaps:
    """Let two sets of maps listen to the same forward (it has the interface of one)."""

    parts: tuple[WordMaps, ...]

    def wants(self, who: Heard, queries: Tensor) -> bool:
        return any(part.wants(who, queries) for part in self.parts)

    def add(self, who: Heard, weights: Tensor) -> None:
        for part in self.parts:
            if part.tokens.get(who):
                part.add(who, weights)
