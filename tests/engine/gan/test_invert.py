"""A picture back to w: each stage only as far as needed, never worse than before, and told early when it is hopeless."""

from __future__ import annotations

import torch
from scumble_engine.gan.invert import FAR_STEPS, W_STEPS, invert, psnr
from scumble_engine.gan.steering import Steered
from tiny_generator import tiny_generator
from torch import Tensor

TINY = Steered("tiny", "", tiny_generator())


def painted(seed: int) -> Tensor:
    return TINY.painted(TINY.drawn(seed)) * 2 - 1


def test_it_gets_nearer_stage_by_stage_and_paints_what_it_says() -> None:
    states = list(invert(TINY, painted(3), 60.0))
    gained = [state.psnr_db for state in states]
    assert gained == sorted(gained)
    assert gained[-1] > gained[0] + 6
    assert list(dict.fromkeys(state.stage for state in states)) == ["w", "w+", "tuning"]
    last = states[-1]
    with torch.no_grad():
        assert psnr(last.generator.synthesis(last.ws).rgb, painted(3)) > last.psnr_db - 1.5


def test_what_is_near_enough_at_once_costs_one_look() -> None:
    assert len(list(invert(TINY, painted(3), 1.0))) == 1


def test_the_generator_that_was_given_is_left_as_it_is() -> None:
    before = [value.clone() for value in TINY.generator.parameters()]
    *_, last = invert(TINY, painted(3), 60.0)
    assert last.tuned
    assert all(torch.equal(one, other) for one, other in zip(before, TINY.generator.parameters(), strict=True))


def test_a_picture_of_something_else_is_far_before_the_first_stage_ends() -> None:
    noise = torch.randint(0, 2, (1, 3, 32, 32), generator=torch.Generator().manual_seed(1)).float() * 2 - 1
    *_, last = invert(TINY, noise)
    assert last.far
    assert FAR_STEPS <= last.step < W_STEPS
