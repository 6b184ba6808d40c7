"""Growing a generator: a larger one that paints what the smaller one did, with room to learn."""

from __future__ import annotations

import torch
from scumble_engine.gan.config import GeneratorConfig
from scumble_engine.gan.generator import Generator


@torch.no_grad()
def widened(small: Generator, config: GeneratorConfig) -> Generator:
    """Return a generator of the larger sizes that paints the same at the smaller one's side (after Net2Net, Chen et al. 2016).

    New channels listen to the old ones but aren't listened to yet, and new blocks add nothing to the picture. Raises
    ValueError where a size is smaller than before, or the mapping is another.
    """
    large, was = Generator(config), small.config
    if (was.z_size, was.w_size, was.mapping_layers) != (config.z_size, config.w_size, config.mapping_layers):
        raise ValueError("The mapping must stay as it is.")
    for name, parameter in large.named_parameters():
        old = small.state_dict().get(name)
        if old is None:
            if ".torgb." in name and ".affine." not in name:
                parameter.zero_()
            continue
        if any(a > b for a, b in zip(old.shape, parameter.shape, strict=True)):
            raise ValueError(f"{name} would shrink.")
        if name.endswith(".weight") and parameter.dim() == 4:
            _hush(name, parameter, old)
        parameter[tuple(slice(0, size) for size in old.shape)] = old
    for name, buffer in large.named_buffers():
        if (kept := small.state_dict().get(name)) is not None:
            buffer.copy_(kept)
    return large


def _hush(name: str, weight: torch.Tensor, old: torch.Tensor) -> None:
    """Keep new inputs from changing what old outputs say; RGB's gain hangs on the number of inputs, so old ones are scaled."""
    rows = old.shape[0]
    weight[:rows, old.shape[1] :] = 0
    if ".torgb." in name:
        old.mul_((weight.shape[1] / old.shape[1]) ** 0.5)
