"""Deterministic steps up and down the noise levels (DDIM, Song et al. 2021, eq. 12 at σ = 0), with what a drag needs kept.

Inversion walks a picture's latents up to a middle noise level; walking down again from there gives the picture back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .attention import Control, Reads, Recorder, SharedKeys, Triples, nbytes
from .capabilities import Denoiser
from .kept import Kept, fingerprint
from .words import Conditioning

# Six steps of SD 1.5 at 512 px hold 140 MiB in half precision, of SDXL at 1024 px 900 MiB.
MEMORY_BYTES = 2**30
KEYS_AND_VALUES = Reads("kv", "")


@dataclass(frozen=True)
class Inversion:
    """The way up: `timesteps` fall from the top to 0; `latents[i]` and `triples[i]` (self-attention) belong to timesteps[i]."""

    timesteps: tuple[int, ...]
    latents: tuple[Tensor, ...]
    triples: tuple[Triples, ...]

    @property
    def top(self) -> Tensor:
        return self.latents[0]

    def noise(self, model: Denoiser) -> Tensor:
        """Return the noise that the top's latents hold beside the picture."""
        signal, sigma = (level.to(self.top.device) for level in model.schedule.levels(self.timesteps[0]))
        return (self.top - signal * self.latents[-1]) / sigma

    @property
    def nbytes(self) -> int:
        return sum(z.nbytes for z in self.latents) + sum(nbytes(one) for one in self.triples)


def inverted(
    model: Denoiser,
    x0: Tensor,
    words: Conditioning,
    steps: int,
    top: int,
    reads: Reads = KEYS_AND_VALUES,
    worn: str = "",
) -> Iterator[tuple[int, Inversion | None]]:
    """Do as `invert` does, from memory where the same picture was walked up before. `worn` names what adapts the network meanwhile."""
    memory: Kept[Inversion] = model.memories.setdefault("inversion", Kept(MEMORY_BYTES))
    key = fingerprint(x0, words.prompt, steps, top, reads, worn)
    known = memory.find(key)
    if known is not None:
        yield steps, known
        return
    for number, found in invert(model, x0, words, steps, top, reads=reads):
        if found is not None:
            memory.keep(key, found, found.nbytes)
        yield number, found


@torch.no_grad()
def invert(
    model: Denoiser,
    x0: Tensor,
    words: Conditioning,
    steps: int,
    top: int,
    rounds: int = 3,
    reads: Reads = KEYS_AND_VALUES,
) -> Iterator[tuple[int, Inversion | None]]:
    """Walk x0 up to timestep `top` in `steps` steps; yield (steps done, None), and at last (steps, the inversion).

    Each step is solved to a fixed point in `rounds` forwards (Pan et al. 2023, "AIDI"), so that the way down meets the way up.
    `reads`: what the way down will read of the self-attention.
    """
    timesteps = model.schedule.even_steps(steps, top)
    z, latents = x0, [x0]
    kept: list[Triples] = [{}]
    for number, (low, high) in enumerate(_rising(timesteps), start=1):
        ahead, recorder = z, Recorder((reads,))
        for round_ in range(1, rounds + 1):
            prediction = model.predict(ahead, high, [words], recorder if round_ == rounds else None)
            ahead = model.schedule.noised(_carried(model, z, low, prediction.noise), prediction.noise, high)
        z = ahead
        latents.append(z)
        kept.append(recorder.rows[0])
        if number < steps:
            yield number, None
    yield steps, Inversion(timesteps, tuple(latents[::-1]), tuple(kept[::-1]))


def _carried(model: Denoiser, z: Tensor, timestep: int, noise: Tensor) -> Tensor:
    """Return the x0 that makes z out of this noise at a timestep; timestep 0 is the clean picture, on both ways."""
    signal, sigma = (level.to(z.device) for level in model.schedule.levels(timestep))
    return (z - sigma * noise) / signal if timestep else z


def _rising(timesteps: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    rising = timesteps[::-1]
    yield from pairwise(rising)


@torch.no_grad()
def walk_down(
    model: Denoiser,
    z: Tensor,
    words: Conditioning,
    inversion: Inversion,
    first_layer: int | None = None,
    fixed: Tensor | None = None,
    reference: tuple[Tensor, ...] | None = None,
) -> Iterator[tuple[int, Tensor]]:
    """Denoise `z` from the inversion's top; yield (step, latents) after each step, the last one clean.

    `first_layer`: self-attention reads the inversion's keys and values from that layer on (None: nowhere).
    `fixed` (1, 1, h, w) of 0 and 1: where the latents are at every step those of `reference` (None: the inversion's own).
    """
    stays = torch.zeros_like(z[:, :1]) if fixed is None else fixed
    path = inversion.latents if reference is None else reference
    for number, (high, low) in enumerate(pairwise(inversion.timesteps)):
        z = torch.where(stays > 0, path[number], z)
        control: Control | None = None if first_layer is None else SharedKeys(inversion.triples[number], first_layer)
        prediction = model.predict(z, high, [words], control)
        z = model.schedule.noised(prediction.x0, prediction.noise, low) if low else prediction.x0
        yield number + 1, torch.where(stays > 0, path[number + 1], z)
