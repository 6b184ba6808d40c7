"""Noise levels and what a network's output means at each: one x0-and-noise interface over ε, v and sample prediction.

Pure arithmetic in fp32; knows no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said
from torch import Tensor

PredictionType = Literal["epsilon", "v_prediction", "sample"]

# Below this signal level an ε prediction says nothing about x0: dividing by it would only amplify rounding.
SMALLEST_SIGNAL = 1e-3
# Consistency models are distilled on a grid of 50 of the training timesteps (Latent Consistency Models, section 4.3).
GRID_SIZE = 50


@dataclass(frozen=True)
class Prediction:
    """A denoiser's answer, fp32: the clean latents `x0` and the `noise` in them, with z = √ᾱ·x0 + √(1−ᾱ)·noise."""

    x0: Tensor
    noise: Tensor

    def guided_from(self, unconditional: Prediction, guidance: float) -> Prediction:
        """Move away from the unconditional answer: u + g·(c − u), the same for x0 and noise since both are linear in the output."""
        return Prediction(
            unconditional.x0 + guidance * (self.x0 - unconditional.x0),
            unconditional.noise + guidance * (self.noise - unconditional.noise),
        )


@dataclass(frozen=True)
class Schedule:
    """`alphas_cumprod`: ᾱ for each training timestep, float64 on the CPU; ᾱ may reach 0 at the end (zero terminal SNR)."""

    alphas_cumprod: Tensor
    prediction_type: PredictionType = "epsilon"

    def levels(self, timestep: int | Tensor) -> tuple[Tensor, Tensor]:
        """Return √ᾱ and √(1−ᾱ) as fp32: 0-dimensional for one timestep, (n, 1, 1, 1) for a batch of them."""
        alpha = self.alphas_cumprod[timestep if isinstance(timestep, int) else timestep.cpu()]
        if alpha.ndim:
            alpha = alpha[:, None, None, None]
        return alpha.sqrt().float(), (1 - alpha).sqrt().float()

    def noised(self, x0: Tensor, noise: Tensor, timestep: int | Tensor) -> Tensor:
        """Return z = √ᾱ·x0 + √(1−ᾱ)·noise."""
        signal, sigma = self.levels(timestep)
        return signal.to(x0.device) * x0 + sigma.to(x0.device) * noise

    def read(self, output: Tensor, z: Tensor, timestep: int | Tensor) -> Prediction:
        """Turn a network's output at `z` into x0 and noise. v: Salimans & Ho 2022, appendix D.

        v and sample stand zero terminal SNR.
        """
        output, z = output.float(), z.float()
        signal, sigma = (level.to(z.device) for level in self.levels(timestep))
        if self.prediction_type == "v_prediction":
            return Prediction(signal * z - sigma * output, sigma * z + signal * output)
        if self.prediction_type == "sample":
            return Prediction(output, (z - signal * output) / sigma.clamp_min(SMALLEST_SIGNAL))
        return Prediction((z - sigma * output) / signal.clamp_min(SMALLEST_SIGNAL), output)

    def target(self, x0: Tensor, noise: Tensor, timestep: int | Tensor) -> Tensor:
        """Return what the network should put out for these: the training target."""
        signal, sigma = self.levels(timestep)
        if self.prediction_type == "v_prediction":
            return signal.to(x0.device) * noise - sigma.to(x0.device) * x0
        return x0 if self.prediction_type == "sample" else noise

    def few_steps(self, steps: int, start: float = 1.0) -> tuple[int, ...]:
        """Return `steps` falling timesteps on the consistency grid, e.g. 12 -> 999 919 839 759 679 599 499 419 339 259 179 99.

        `start` 0..1 leaves out the noisiest part of the grid. Raises RequestError outside 1..50 steps.
        """
        if not 1 <= steps <= GRID_SIZE:
            raise RequestError(
                said("An edit takes 1 to {grid_size} steps, not {steps}.", grid_size=GRID_SIZE, steps=steps),
                "bad-steps",
            )
        stride = len(self.alphas_cumprod) // GRID_SIZE
        grid = [number * stride - 1 for number in range(1, GRID_SIZE + 1)][::-1]
        grid = grid[min(round((1 - start) * GRID_SIZE), GRID_SIZE - steps) :]
        return tuple(grid[index * len(grid) // steps] for index in range(steps))

    def even_steps(self, steps: int, top: int) -> tuple[int, ...]:
        """Return `steps` + 1 falling timesteps from `top` to 0, evenly spaced: the grid of a deterministic inversion."""
        return tuple(round(top * (steps - index) / steps) for index in range(steps + 1))
