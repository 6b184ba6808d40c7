"""Which of several prompts describes a picture best, by the denoiser itself.

Li et al., Your Diffusion Model is Secretly a Zero-Shot Classifier (2023): the prompt under which the noised picture is
predicted with the least error. All prompts share the noise, so that one or two noise levels tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .model import DiffusionModel
from .trace import step_noise

BATCH = 16


@torch.no_grad()
def likeliest(model: DiffusionModel, x0: Tensor, prompts: Sequence[str], timesteps: Sequence[int]) -> int:
    """Return the index of the prompt that predicts the latents x0 (1, c, h, w) best. One forward a prompt and timestep."""
    errors = torch.zeros(len(prompts))
    for number, timestep in enumerate(timesteps):
        z = model.schedule.noised(x0, step_noise(x0, 0, number), timestep)
        for start in range(0, len(prompts), BATCH):
            words = [model.words(prompt) for prompt in prompts[start : start + BATCH]]
            found = model.predict(z.expand(len(words), -1, -1, -1), timestep, words).x0
            errors[start : start + BATCH] += (found - x0).square().mean(dim=(1, 2, 3)).cpu()
    return int(errors.argmin())
