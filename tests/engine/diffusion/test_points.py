"""Points in feature maps, and latents refined until what the handles hold has arrived."""

from __future__ import annotations

import pytest
import torch
from scumble_engine.diffusion.points import patches, pull, track
from scumble_engine.diffusion.refine import Refined, RefinePlan, refine
from tiny_models import tiny_model
from torch import Tensor


def _map(seed: int = 0) -> Tensor:
    return torch.randn(1, 6, 12, 10, generator=torch.Generator().manual_seed(seed))


def test_a_patch_at_a_cells_centre_is_that_cell() -> None:
    features = _map()
    patch = patches(features, torch.tensor([[4.5, 7.5]]), 1)
    assert torch.allclose(patch[0], features[0, :, 6:9, 3:6], atol=1e-5)


def test_patches_at_the_border_are_clamped() -> None:
    features = _map()
    patch = patches(features, torch.tensor([[0.5, 0.5], [9.5, 11.5]]), 2)
    assert torch.allclose(patch[0, :, 0, 0], features[0, :, 0, 0], atol=1e-5)
    assert torch.allclose(patch[1, :, -1, -1], features[0, :, -1, -1], atol=1e-5)


def test_a_patch_that_moved_is_found() -> None:
    features = _map()
    moved = features.roll((2, 1), dims=(2, 3))
    wanted = patches(features, torch.tensor([[4.5, 5.5]]), 1)
    places, errors = track(moved, wanted, torch.tensor([[4.5, 5.5]]), 3)
    assert torch.allclose(places, torch.tensor([[5.5, 7.5]]))
    assert errors.max() < 1e-5


def test_the_pull_vanishes_when_what_was_wanted_is_there() -> None:
    features = _map()
    wanted = patches(features, torch.tensor([[4.5, 5.5]]), 1)
    there, target = features.roll(1, dims=3), torch.tensor([[5.5, 5.5]])
    assert pull(there, wanted, torch.tensor([[4.5, 5.5]]), target, 1.0) < 1e-5
    assert pull(features, wanted, torch.tensor([[4.5, 5.5]]), target, 1.0) > 0.1


def _run(iterations: int = 15, **changes: float) -> list[Refined]:
    model = tiny_model()
    original = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    may = torch.zeros(1, 1, 8, 8)
    may[..., 2:7] = 1
    points = torch.tensor([[2.5, 4.5]]), torch.tensor([[5.5, 4.5]])
    plan = RefinePlan(iterations=iterations, learning_rate=0.3, reach=1, **changes)  # type: ignore[arg-type]
    return list(refine(model, original, original, 400, model.words("a cat"), points, may, plan))


def test_handles_get_nearer_and_the_best_latents_are_kept() -> None:
    states = _run(40, patience=40)
    assert states[-1].distance < states[0].distance
    distances = [state.distance for state in states]
    assert distances == sorted(distances, reverse=True)


def test_it_stops_when_it_gets_no_nearer() -> None:
    states = _run(40, patience=0)
    assert states[-1].iterations < 40


def test_what_is_already_there_costs_one_look() -> None:
    model = tiny_model()
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    here = torch.tensor([[4.5, 4.5]])
    states = list(refine(model, z, z, 400, model.words("a cat"), (here, here), torch.ones(1, 1, 8, 8), RefinePlan()))
    assert [state.arrived for state in states] == [True]
    assert model.meter.partial == 2
    assert torch.equal(states[0].latents, z)


@pytest.mark.parametrize("weight", [0.0, 5.0])
def test_the_mask_term_holds_what_must_not_move(weight: float) -> None:
    states = _run(20, patience=30, mask_weight=weight)
    original = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    outside = (states[-1].latents - original)[..., :2].abs().mean()
    assert (outside < 0.1) == (weight > 0)
