"""What the source of a language edit answers at each step, kept per (picture, seed, source prompt): a second edit pays only its target."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .attention import Recorder, Triples, nbytes
from .capabilities import Denoiser

MEMORY_BYTES = 512 * 2**20
PICTURES_KEPT = 8


@dataclass(frozen=True)
class SourceStep:
    """At one timestep: the noised source `z`, its predicted `x0`, and its attention by layer (empty when nobody asked for it)."""

    timestep: int
    z: Tensor
    x0: Tensor
    triples: Triples

    @property
    def nbytes(self) -> int:
        return self.z.nbytes + self.x0.nbytes + nbytes(self.triples)


@dataclass
class SourceMemory:
    """The newest traces, bounded in number and bytes; a trace too large for the bound is simply not kept."""

    kept: OrderedDict[str, tuple[SourceStep, ...]] = field(default_factory=OrderedDict)
    limit_bytes: int = MEMORY_BYTES

    def find(self, key: str) -> tuple[SourceStep, ...] | None:
        if key in self.kept:
            self.kept.move_to_end(key)
        return self.kept.get(key)

    def keep(self, key: str, steps: tuple[SourceStep, ...]) -> None:
        self.kept[key] = steps
        while self.kept and (len(self.kept) > PICTURES_KEPT or self._nbytes() > self.limit_bytes):
            self.kept.popitem(last=False)

    def _nbytes(self) -> int:
        return sum(step.nbytes for steps in self.kept.values() for step in steps)


def source_steps(
    model: Denoiser, x0: Tensor, prompt: str, timesteps: tuple[int, ...], seed: int, attention: bool
) -> Iterator[SourceStep]:
    """Give the source's answer at each timestep, from memory or by one forward each.

    The source always runs alone in its batch, so that an edit is bit for bit the same whether its source was remembered or not.
    """
    memory: SourceMemory = model.memories.setdefault("source", SourceMemory())
    key = _key(x0, prompt, timesteps, seed, attention)
    known = memory.find(key)
    if known is not None:
        yield from known
        return
    steps: list[SourceStep] = []
    for number, timestep in enumerate(timesteps):
        step = _run(model, x0, prompt, timestep, step_noise(x0, seed, number), attention)
        # Past the bound, forget what could not be kept anyway instead of holding it until the end.
        if sum(one.nbytes for one in steps) < memory.limit_bytes:
            steps.append(step)
        yield step
    if len(steps) == len(timesteps):
        memory.keep(key, tuple(steps))


def _run(model: Denoiser, x0: Tensor, prompt: str, timestep: int, noise: Tensor, attention: bool) -> SourceStep:
    z = model.schedule.noised(x0, noise, timestep)
    recorder = Recorder() if attention else None
    prediction = model.predict(z, timestep, [model.words(prompt)], recorder)
    return SourceStep(timestep, z, prediction.x0, recorder.kept if recorder else {})


def step_noise(like: Tensor, seed: int, number: int) -> Tensor:
    """Return the noise of step `number`, drawn on the CPU so that every device gets the same."""
    generator = torch.Generator().manual_seed(seed * 1009 + number)
    return torch.randn(like.shape, generator=generator).to(like.device)


def _key(x0: Tensor, prompt: str, timesteps: tuple[int, ...], seed: int, attention: bool) -> str:
    digest = hashlib.sha256(x0.cpu().contiguous().numpy().tobytes())
    digest.update(repr((tuple(x0.shape), prompt, timesteps, seed, attention)).encode())
    return digest.hexdigest()
