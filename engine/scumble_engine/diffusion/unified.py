"""Unified attention control: which branch of a language edit reads whose queries, keys and values, and maps of words.

After "Inversion-free image editing" (Xu et al. 2023, section 4), from its maths; the branches that it computes for nothing are not run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from torch import Tensor

from .attention import Place, Triples, attention, probabilities

Role = Literal["target", "uncond", "layout"]
Heard = Literal["source", "target"]


@dataclass(frozen=True)
class Phase:
    """What is shared at this step: `layout_locked` while the target must take the source's layout, `words_shared` while
    aligned words take the source's attention maps. `pairs`: for each target token the aligned source token or -1."""

    layout_locked: bool
    words_shared: bool
    pairs: tuple[int, ...] = ()

    @property
    def shares_words(self) -> bool:
        return self.words_shared and any(pair >= 0 for pair in self.pairs)


@dataclass
class WordMaps:
    """Sum the cross-attention maps of chosen tokens over layers and steps, mean over heads. `size`: (h, w) of the layers listened to."""

    tokens: dict[Heard, tuple[int, ...]]
    size: tuple[int, int]
    sums: dict[Heard, Tensor] = field(default_factory=dict)

    def wants(self, who: Heard, queries: Tensor) -> bool:
        return bool(self.tokens.get(who)) and queries.shape[-2] == self.size[0] * self.size[1]

    def add(self, who: Heard, weights: Tensor) -> None:
        """Add one layer's probabilities (heads, tokens, keys)."""
        chosen = weights.mean(0)[:, list(self.tokens[who])].float().T.reshape(-1, *self.size)
        self.sums[who] = self.sums[who] + chosen if who in self.sums else chosen

    def strongest(self, who: Heard) -> Tensor | None:
        """Return (h, w) in 0..1: each word's map scaled to its own peak, then the largest of them; None when nothing was heard."""
        if who not in self.sums:
            return None
        maps = self.sums[who]
        return (maps / maps.amax((1, 2), keepdim=True).clamp_min(1e-12)).amax(0)


class Listener(Protocol):
    """What wants to hear cross-attention probabilities."""

    def wants(self, who: Heard, queries: Tensor) -> bool: ...

    def add(self, who: Heard, weights: Tensor) -> None: ...


@dataclass
class UnifiedControl:
    """Steer a batch whose rows play `roles`, by what was recorded (`source`) when the source ran at the same timestep."""

    roles: Sequence[Role]
    phase: Phase
    source: Triples
    maps: Listener | None = None

    def attend(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        if place.kind == "cross":
            return self._cross(place, queries, keys, values)
        return attention(*self._self(place, queries, keys, values))

    def _self(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locked: the target reads with the source's Q and K. Freed: the layout branch reads (Q of target, K and V of source)."""
        if not self.phase.layout_locked and "layout" not in self.roles:
            return queries, keys, values
        source_q, source_k, source_v = self.source[place]
        queries, keys, values = queries.clone(), keys.clone(), values.clone()
        for row, role in enumerate(self.roles):
            if role in ("target", "uncond") and self.phase.layout_locked:
                queries[row], keys[row] = source_q[0], source_k[0]
            if role == "layout":
                queries[row] = queries[self.roles.index("target")]
                keys[row], values[row] = source_k[0], source_v[0]
        return queries, keys, values

    def _cross(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        out = attention(queries, keys, values)
        row = self.roles.index("target")
        heard = self.maps is not None and self.maps.wants("target", queries)
        if self.phase.shares_words or heard:
            weights = probabilities(queries[row : row + 1], keys[row : row + 1])
            if self.phase.shares_words:
                weights = self._with_source_words(place, weights)
                out[row] = (weights.to(values.dtype) @ values[row : row + 1])[0]
            if self.maps is not None and heard:
                self.maps.add("target", weights[0])
        self._hear_source(place)
        return out

    def _with_source_words(self, place: Place, weights: Tensor) -> Tensor:
        """Give each aligned target word the map that its word had in the source; other words keep their own."""
        source_q, source_k, _ = self.source[place]
        source_weights = probabilities(source_q, source_k)
        here = [j for j, i in enumerate(self.phase.pairs) if i >= 0]
        there = [i for i in self.phase.pairs if i >= 0]
        weights = weights.clone()
        weights[..., here] = source_weights[..., there]
        return weights

    def _hear_source(self, place: Place) -> None:
        if self.maps is None or place not in self.source:
            return
        source_q, source_k, _ = self.source[place]
        if self.maps.wants("source", source_q):
            self.maps.add("source", probabilities(source_q, source_k)[0])
