"""A StyleGAN2 generator of a few thousand numbers, with noise, for tests: the same architecture, nothing learnt."""

from __future__ import annotations

import torch
from scumble_engine.gan.config import GeneratorConfig
from scumble_engine.gan.generator import Generator

TINY = GeneratorConfig(8, 16, (16, 16, 12, 8), 2, normalize_z=True)


def tiny_generator(seed: int = 0, config: GeneratorConfig = TINY) -> Generator:
    """Return a frozen generator of 32 px pictures with random weights, biases and noise strengths."""
    torch.manual_seed(seed)
    generator = Generator(config)
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.1)
            elif name.endswith("bias") and "affine" not in name:
                parameter.normal_(0, 0.1)
        generator.mapping.w_avg.normal_(0, 0.1)
    return generator.eval().requires_grad_(False)
