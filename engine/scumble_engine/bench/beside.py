"""What stands beside the engine in a benchmark's table: controls that need no hand, and other hands that do the same tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Bytes
from .hands import Hand, Run
from .tasks import Task, to_bytes
from .verdict import to_tensor

Coder = Callable[[Bytes], Bytes]
"""Sends a picture (h, w, 3) u8 through an autoencoder and back."""


@dataclass(frozen=True)
class Beside:
    """Other hands by name, and the autoencoder whose loss no edit in its latents can avoid (None: it is not asked)."""

    hands: Mapping[str, Hand] = field(default_factory=dict)
    coder: Coder | None = None

    def controls(self, task: Task) -> dict[str, Run]:
        """Return answers that nobody worked for: nothing done, the truth, and the truth as the autoencoder gives it back."""
        found = {"no-op": Run(task.before), "truth": Run(task.truth)}
        return found if self.coder is None else found | {"truth, coded": Run(self.coder(task.truth))}


ALONE = Beside()


def coder_of(model: DiffusionModel) -> Coder:
    """Return the model's autoencoder, there and back."""

    @torch.no_grad()
    def coded(picture: Bytes) -> Bytes:
        back = model.decode(model.encode(to_tensor(picture)))
        return to_bytes(back[0].clamp(0, 1).cpu().numpy())

    return coded
