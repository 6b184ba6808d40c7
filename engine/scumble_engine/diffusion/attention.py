"""Watching and steering a UNet's attention layers, and taking that out again exactly.

A control decides what each layer attends to; `controlled` puts it in and, whatever happens, puts the old processors back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Place:
    """One attention layer: `index` counts the layers of its kind in the order in which a forward meets them."""

    kind: Literal["self", "cross"]
    index: int


# Queries, keys and values of one row of a batch, by layer; empty tensors stand for what nobody will read.
Triples = dict[Place, tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class Reads:
    """What will be read of one row's attention: some of "q", "k" and "v", of the self-attention (`layout`, from layer `first` on)
    and of the words' (`words`)."""

    layout: str = "qkv"
    words: str = "qkv"
    first: int = 0

    def of(self, place: Place) -> str:
        if place.kind == "cross":
            return self.words
        return self.layout if place.index >= self.first else ""


class Control(Protocol):
    """`queries`, `keys`, `values`: (batch, heads, tokens, channels); the answer has the queries' shape."""

    def attend(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor: ...


def attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend as the model itself does."""
    attended: Tensor = F.scaled_dot_product_attention(queries, keys, values)
    return attended


def probabilities(queries: Tensor, keys: Tensor) -> Tensor:
    """Return the attention probabilities (batch, heads, tokens, keys) in fp32, which the fast path never builds.

    Products of half-precision queries and keys overflow in some models (`upcast_attention`), so none are made in less than fp32.
    """
    scaled = queries.float() / math.sqrt(queries.shape[-1])
    return (scaled @ keys.float().transpose(-1, -2)).softmax(-1)


class WatchedAttention:
    """An attention processor (diffusers' interface) that lets a control do the attending between the projections."""

    def __init__(self, place: Place, control: Control) -> None:
        self._place, self._control = place, control

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        queries = _in_heads(attn.to_q(hidden_states), attn.heads)
        keys, values = _in_heads(attn.to_k(context), attn.heads), _in_heads(attn.to_v(context), attn.heads)
        if attn.norm_q is not None:
            queries, keys = attn.norm_q(queries), attn.norm_k(keys)
        attended = self._control.attend(self._place, queries, keys, values)
        merged = attended.transpose(1, 2).flatten(2).to(hidden_states.dtype)
        return attn.to_out[1](attn.to_out[0](merged)) / attn.rescale_output_factor  # type: ignore[no-any-return]


def _in_heads(rows: Tensor, heads: int) -> Tensor:
    return rows.reshape(len(rows), rows.shape[1], heads, -1).transpose(1, 2)


def attention_layers(unet: nn.Module) -> list[tuple[Place, Any]]:
    """List a UNet's transformer attentions with their places, in forward order (down, middle, up)."""
    layers: list[tuple[Place, Any]] = []
    counts = {"self": 0, "cross": 0}
    for part in ("down_blocks", "mid_block", "up_blocks"):
        for name, module in unet.get_submodule(part).named_modules():
            if name.endswith((".attn1", ".attn2")):
                kind: Literal["self", "cross"] = "self" if name.endswith(".attn1") else "cross"
                layers.append((Place(kind, counts[kind]), module))
                counts[kind] += 1
    return layers


@contextmanager
def controlled(layers: Sequence[tuple[Place, Any]], control: Control | None) -> Iterator[None]:
    """Let `control` attend in these layers inside the `with`; afterwards each has the very processor object that it had before."""
    if control is None:
        yield
        return
    saved = [(layer, layer.processor) for _, layer in layers]
    try:
        for place, layer in layers:
            layer.processor = WatchedAttention(place, control)
        yield
    finally:
        for layer, processor in saved:
            layer.processor = processor


class Recorder:
    """Keep of each row of a batch, in `rows`, what will be read of its attention; `reads` has one for each row."""

    def __init__(self, reads: tuple[Reads, ...] = (Reads(),)) -> None:
        self.reads = reads
        self.rows: list[Triples] = [{} for _ in reads]

    def attend(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        for row, (reads, kept) in enumerate(zip(self.reads, self.rows, strict=True)):
            if wanted := reads.of(place):
                named = {"q": queries, "k": keys, "v": values}
                kept[place] = tuple(  # type: ignore[assignment]
                    self._row(tensor, row) if name in wanted else tensor.new_empty(0) for name, tensor in named.items()
                )
        return attention(queries, keys, values)

    def _row(self, tensor: Tensor, row: int) -> Tensor:
        """Return one row; of a larger batch a copy, since a view would hold the other rows, too."""
        found = tensor[row : row + 1].detach()
        return found if len(tensor) == 1 else found.clone()


@dataclass(frozen=True)
class SharedKeys:
    """Let every row of the batch read stored self-attention keys and values from layer `first` on (mutual self-attention, MasaCtrl)."""

    stored: Triples
    first: int = 0

    def attend(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        if place.kind == "self" and place.index >= self.first:
            _, keys, values = self.stored[place]
            keys, values = keys.expand(len(queries), -1, -1, -1), values.expand(len(queries), -1, -1, -1)
        return attention(queries, keys, values)


def nbytes(kept: Triples) -> int:
    """Return how much memory recorded attention holds."""
    return sum(tensor.nbytes for triple in kept.values() for tensor in triple)
