"""Painting a region of a picture anew while the rest stays: denoising from a starting picture, bounded at every step.

Outside the mask the latents are the source's own, noised to the step's level (blended latent diffusion, Avrahami et al. 2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .capabilities import Condition, Denoiser
from .guidance import Conditions, Pull, pulled
from .trace import step_noise


@dataclass(frozen=True)
class RepaintPlan:
    """`prompt` "" = whatever fits. `start` 0..1: how much of the starting picture is forgotten. `guidance` of the words."""

    prompt: str
    steps: int = 12
    start: float = 0.8
    guidance: float = 3.0
    seed: int = 0
    pull: Pull = field(default_factory=Pull)


@torch.no_grad()
def repaint_steps(
    model: Denoiser, source: Tensor, start: Tensor, mask: Tensor, conditions: Conditions, plan: RepaintPlan
) -> Iterator[tuple[int, Tensor]]:
    """Yield (step, clean latents as predicted) `plan.steps` times.

    `source`, `start`: clean latents of the picture and of what to begin from; `mask` (1, 1, h, w) 0..1: where to paint.
    """
    timesteps = model.schedule.few_steps(plan.steps, plan.start)
    noise = step_noise(source, plan.seed, 0)
    z = model.schedule.noised(start, noise, timesteps[0])
    for number, timestep in enumerate(timesteps, start=1):
        x0, own = _predicted(model, z, timestep, plan, conditions.shown)
        # Nothing paints over the last prediction, so there the strokes have the last word.
        last = number == len(timesteps)
        if conditions.rough is not None:
            see = conditions.rough.near(x0, model.decode(x0)) if last else conditions.rough
            x0 = pulled(see, x0, conditions, plan.pull.lasting() if last else plan.pull, mask)
        x0 = mask * x0 + (1 - mask) * source
        yield number, x0
        if number < len(timesteps):
            # The noise that the model sees stays within the mask; outside it is the one that the source has had from the start.
            carried = mask * own + (1 - mask) * noise
            z = model.schedule.noised(x0, carried, timesteps[number])


def _predicted(
    model: Denoiser, z: Tensor, timestep: int, plan: RepaintPlan, shown: Sequence[Condition]
) -> tuple[Tensor, Tensor]:
    if not plan.prompt or plan.guidance == 1.0 or model.guides_itself:
        prediction = model.predict(z, timestep, [model.words(plan.prompt)], None, shown, plan.guidance)
        return prediction.x0, prediction.noise
    words = [model.words(plan.prompt), model.words(model.profile.negative)]
    both = model.predict(torch.cat([z, z]), timestep, words, None, shown)
    x0 = both.x0[1:] + plan.guidance * (both.x0[:1] - both.x0[1:])
    noise = both.noise[1:] + plan.guidance * (both.noise[:1] - both.noise[1:])
    return x0, noise
