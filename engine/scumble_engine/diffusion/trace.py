"""What the source of a language edit answers at each step, kept per (picture, seed, source prompt): a second edit pays only its target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .attention import Reads, Recorder, Triples, nbytes
from .capabilities import Denoiser
from .kept import Kept, fingerprint

# Eight steps of SD 1.5 at 512 px in half precision hold 530 MiB where all of them steer layout and words.
MEMORY_BYTES = 768 * 2**20
# How many latents a batch of source steps has at most: all steps of the illustrator; and of SD 1.5 at 512 px as many as keep a
# card busy, or one where a processor is busy with one (8 × 1 against 1 × 8 of the illustrator: .25 and .16 s on one core).
BATCH_LATENTS, BATCH_LATENTS_CPU = 4 * 64**2, 64**2


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


SourceMemory = Kept[tuple[SourceStep, ...]]


def source_steps(
    model: Denoiser, x0: Tensor, prompt: str, timesteps: tuple[int, ...], seed: int, reads: Sequence[Reads] = ()
) -> Iterator[SourceStep]:
    """Give the source's answer at each timestep, from memory or by one forward each, several in a batch where that is small.

    `reads`: what is read later of each step's attention (none: nothing). The source always runs in the same batches of its own, so
    that an edit is bit for bit the same whether its source was remembered or not.
    """
    memory: SourceMemory = model.memories.setdefault("source", Kept(MEMORY_BYTES))
    key = fingerprint(x0, prompt, timesteps, seed, tuple(reads))
    known = memory.find(key)
    if known is not None:
        yield from known
        return
    steps: list[SourceStep] = []
    for numbers in _batches(x0, len(timesteps)):
        for step in _run(model, x0, prompt, numbers, timesteps, seed, reads):
            # Past the bound, forget what could not be kept anyway instead of holding it until the end.
            if sum(one.nbytes for one in steps) < memory.limit_bytes:
                steps.append(step)
            yield step
    if len(steps) == len(timesteps):
        memory.keep(key, tuple(steps), sum(one.nbytes for one in steps))


def _batches(x0: Tensor, count: int) -> list[range]:
    """Divide the numbers of steps into even batches."""
    room = BATCH_LATENTS_CPU if x0.device.type == "cpu" else BATCH_LATENTS
    most = max(1, room // (x0.shape[-2] * x0.shape[-1]))
    batches = -(-count // most)
    edges = [round(count * number / batches) for number in range(batches + 1)]
    return [range(low, high) for low, high in pairwise(edges)]


def _run(
    model: Denoiser,
    x0: Tensor,
    prompt: str,
    numbers: range,
    timesteps: tuple[int, ...],
    seed: int,
    reads: Sequence[Reads],
) -> list[SourceStep]:
    here = [timesteps[number] for number in numbers]
    z = torch.cat([model.schedule.noised(x0, step_noise(x0, seed, number), timesteps[number]) for number in numbers])
    recorder = Recorder(tuple(reads[number] for number in numbers)) if reads else None
    when = here[0] if len(here) == 1 else torch.tensor(here)
    found = model.predict(z, when, [model.words(prompt)] * len(here), recorder).x0
    rows = recorder.rows if recorder else [{} for _ in here]
    return [SourceStep(t, z[i : i + 1], found[i : i + 1], rows[i]) for i, t in enumerate(here)]


def step_noise(like: Tensor, seed: int, number: int) -> Tensor:
    """Return the noise of step `number`, drawn on the CPU so that every device gets the same."""
    generator = torch.Generator().manual_seed(seed * 1009 + number)
    return torch.randn(like.shape, generator=generator).to(like.device)
