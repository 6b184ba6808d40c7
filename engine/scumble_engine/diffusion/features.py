"""A UNet's inner features by stride and position, from a forward that stops right after the block that gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from scumble_protocol.errors import EngineError
from scumble_protocol.wording import said
from torch import Tensor, nn

Position = Literal["down", "mid", "up"]


@dataclass(frozen=True)
class FeaturePoint:
    """Where features are read: `stride` in pixels of the picture, and the side of the UNet."""

    stride: int = 8
    position: Position = "up"


class _Reached(Exception):
    """Ends a forward early: a signal, not an error."""

    def __init__(self, features: Tensor) -> None:
        super().__init__("features reached")
        self.features = features


def blocks(unet: Any, latent_stride: int) -> list[tuple[FeaturePoint, nn.Module]]:
    """List the UNet's blocks in forward order with the stride of what they put out."""
    stride, listed = latent_stride, []
    for block in unet.down_blocks:
        stride *= 2 if getattr(block, "downsamplers", None) else 1
        listed.append((FeaturePoint(stride, "down"), block))
    if unet.mid_block is not None:
        listed.append((FeaturePoint(stride, "mid"), unet.mid_block))
    for block in unet.up_blocks:
        stride //= 2 if getattr(block, "upsamplers", None) else 1
        listed.append((FeaturePoint(stride, "up"), block))
    return listed


def block_at(unet: Any, latent_stride: int, point: FeaturePoint) -> nn.Module:
    """Return the first block on that side that puts out that stride, so that as little as possible is computed.

    Raises EngineError when the model has none.
    """
    for where, block in blocks(unet, latent_stride):
        if where == point:
            return block
    raise EngineError(
        said("The model has no {position} features at stride {stride}.", position=point.position, stride=point.stride),
        "engine-no-features",
    )


@contextmanager
def stopping_at(block: nn.Module) -> Iterator[None]:
    """Within it, a forward ends with `_Reached` right after `block`; the hook is gone afterwards."""

    def stop(module: nn.Module, inputs: Any, output: Any) -> None:
        raise _Reached(output[0] if isinstance(output, tuple) else output)

    handle = block.register_forward_hook(stop)
    try:
        yield
    finally:
        handle.remove()


def truncated(forward: Callable[[], Any], block: nn.Module) -> Tensor:
    """Run `forward` until `block` is done and return what it put out (n, channels, h, w); autograd works through it."""
    try:
        with stopping_at(block):
            forward()
    except _Reached as reached:
        return reached.features
    raise EngineError("The model's forward never met the block whose features were asked for.", "engine-no-features")


def word_map_size(unet: Any, latent_size: tuple[int, int]) -> tuple[int, int]:
    """Return (h, w) of the cross-attention layers whose longer side is nearest to 16: there words have places."""
    sizes, (height, width) = [], latent_size
    for block in unet.down_blocks:
        if getattr(block, "has_cross_attention", False):
            sizes.append((height, width))
        if getattr(block, "downsamplers", None):
            height, width = -(-height // 2), -(-width // 2)
    if getattr(unet.mid_block, "has_cross_attention", False):
        sizes.append((height, width))
    return min(sizes or [latent_size], key=lambda size: abs(torch.tensor(max(size) / 16).log2().item()))
