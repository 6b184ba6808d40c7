"""What a model can do, as edits ask for it. An edit names the least that it needs; whatever can do that can serve it.

A UNet of Stable Diffusion (model.py) denoises, attends and shows; a transformer may only denoise; fills are models/photo_fill.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from .attention import Control, Place
from .features import FeaturePoint
from .meter import Meter
from .profile import Profile
from .schedule import Prediction
from .words import Conditioning


@dataclass(frozen=True)
class Condition:
    """What a control network is shown: a `map` (n, channels, H, W) in 0..1 of the picture's pixels, of a `kind` that the model has a
    network for ("edge", "color"). `scale` of its say; `start`, `end`: in which share of the way from noise to picture it has one."""

    kind: str
    map: Tensor
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0


class Noise(Protocol):
    """Levels of noise, and what a network's output means at each (schedule.py has DDPM's)."""

    def levels(self, timestep: int | Tensor) -> tuple[Tensor, Tensor]: ...
    def noised(self, x0: Tensor, noise: Tensor, timestep: int | Tensor) -> Tensor: ...
    def read(self, output: Tensor, z: Tensor, timestep: int | Tensor) -> Prediction: ...
    def few_steps(self, steps: int, start: float = 1.0) -> tuple[int, ...]: ...
    def even_steps(self, steps: int, top: int) -> tuple[int, ...]: ...


class Denoiser(Protocol):
    """Latents in fp32, pixels (n, 3, h, w) sRGB 0..1, clean-and-noise predictions: all that the delta loop and repainting need."""

    meter: Meter
    memories: dict[str, Any]

    @property
    def schedule(self) -> Noise: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def stride(self) -> int: ...
    @property
    def guides_itself(self) -> bool: ...
    def words(self, prompt: str) -> Conditioning: ...
    def encode(self, pixels: Tensor) -> Tensor: ...
    def decode(self, latents: Tensor) -> Tensor: ...
    def predict(
        self,
        z: Tensor,
        timestep: int | Tensor,
        words: Sequence[Conditioning],
        control: Control | None = None,
        conditions: Sequence[Condition] = (),
        guidance: float = 1.0,
    ) -> Prediction: ...


class Attends(Denoiser, Protocol):
    """Has attention layers that a control may watch and steer, in which words have places."""

    def places(self) -> tuple[Place, ...]: ...
    def word_map_size(self, latent_size: tuple[int, int]) -> tuple[int, int]: ...
    def positions(self, conditioning: Conditioning, words: str) -> tuple[int, ...]: ...


class Shows(Denoiser, Protocol):
    """Shows inner features, through which gradients work."""

    def features(self, z: Tensor, timestep: int, words: Sequence[Conditioning], point: FeaturePoint) -> Tensor: ...
