"""Noise levels, predictions and step grids."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler
from scumble_engine.diffusion.schedule import PredictionType, Schedule
from scumble_protocol.errors import RequestError


def _schedule(kind: PredictionType, zero_terminal: bool = False) -> Schedule:
    scheduler = DDIMScheduler(beta_schedule="scaled_linear", rescale_betas_zero_snr=zero_terminal)
    return Schedule(scheduler.alphas_cumprod.double(), kind)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("timestep", [1, 500, 990])
def test_what_a_perfect_network_says_is_read_back_as_x0_and_noise(kind: PredictionType, timestep: int) -> None:
    schedule = _schedule(kind)
    x0, noise = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    z = schedule.noised(x0, noise, timestep)
    prediction = schedule.read(schedule.target(x0, noise, timestep), z, timestep)
    assert torch.allclose(prediction.x0, x0, atol=1e-4)
    assert torch.allclose(prediction.noise, noise, atol=1e-3 if kind == "sample" else 1e-5)


@pytest.mark.parametrize("kind", ["v_prediction", "sample"])
def test_zero_terminal_snr_gives_x0_without_dividing(kind: PredictionType) -> None:
    schedule = _schedule(kind, zero_terminal=True)
    assert schedule.alphas_cumprod[-1] == 0
    x0, noise = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    prediction = schedule.read(schedule.target(x0, noise, 999), noise, 999)
    assert torch.equal(prediction.x0, x0)


def test_a_batch_of_timesteps_matches_one_at_a_time() -> None:
    schedule = _schedule("v_prediction")
    x0, noise = torch.randn(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    together = schedule.noised(x0, noise, torch.tensor([5, 500, 900]))
    alone = [schedule.noised(x0[i], noise[i], t) for i, t in enumerate((5, 500, 900))]
    assert torch.equal(together, torch.stack(alone))


def test_the_published_twelve_steps() -> None:
    assert _schedule("epsilon").few_steps(12) == (999, 919, 839, 759, 679, 599, 499, 419, 339, 259, 179, 99)


def test_a_later_start_leaves_out_the_noisiest_steps() -> None:
    steps = _schedule("epsilon").few_steps(4, start=0.6)
    assert steps[0] == 599
    assert list(steps) == sorted(set(steps), reverse=True)


@pytest.mark.parametrize("steps", [0, -3, 51])
def test_step_counts_that_make_no_sense_are_refused(steps: int) -> None:
    with pytest.raises(RequestError, match="1 to 50"):
        _schedule("epsilon").few_steps(steps)


def test_inversion_steps_run_from_the_top_to_zero() -> None:
    assert _schedule("epsilon").even_steps(4, 600) == (600, 450, 300, 150, 0)
