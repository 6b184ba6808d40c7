"""A picture's own adapter: it learns, it is remembered, and nothing of it stays."""

from __future__ import annotations

import pytest
import torch
from scumble_engine.diffusion.lora import State, adapted, train_lora
from scumble_engine.diffusion.model import DiffusionModel
from tiny_models import KINDS, tiny_model
from torch import Tensor


def _trained(model: DiffusionModel, x0: Tensor, steps: int = 4) -> State:
    (*_, (_, state)) = train_lora(model, x0, model.words("a cat"), seed=1, steps=steps)
    assert state is not None
    return state


def _answer(model: DiffusionModel, x0: Tensor) -> Tensor:
    with torch.no_grad():
        z = model.schedule.noised(x0, torch.randn(x0.shape, generator=torch.Generator().manual_seed(3)), 400)
        return model.predict(z, 400, [model.words("a cat")]).x0


def _latents(model: DiffusionModel, seed: int = 0) -> Tensor:
    return model.encode(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_modules_are_the_same_after_ejection(kind: str) -> None:
    model = tiny_model(kind)
    x0 = _latents(model)
    before, modules = _answer(model, x0), dict(model.unet.named_modules())
    weights = {name: weight.clone() for name, weight in model.unet.state_dict().items()}
    state = _trained(model, x0)
    with adapted(model, state):
        assert not torch.equal(_answer(model, x0), before)
    assert torch.equal(_answer(model, x0), before)
    assert all(module is modules[name] for name, module in model.unet.named_modules())
    assert weights.keys() == model.unet.state_dict().keys()
    assert all(torch.equal(weight, weights[name]) for name, weight in model.unet.state_dict().items())
    assert not any(weight.requires_grad for weight in model.unet.parameters())
    assert not any(module.training for module in model.unet.modules())


def test_it_learns_the_picture() -> None:
    model = tiny_model()
    x0 = _latents(model)
    state = _trained(model, x0, steps=60)
    without = (_answer(model, x0) - x0).square().mean()
    with adapted(model, state):
        assert (_answer(model, x0) - x0).square().mean() < 0.97 * without


def test_a_known_picture_costs_nothing() -> None:
    model = tiny_model()
    x0 = _latents(model)
    first = _trained(model, x0)
    model.meter.reset()
    assert _trained(model, x0) is first
    assert model.meter.forwards == 0
    _trained(model, _latents(model, 1))
    assert model.meter.forwards > 0


def test_stopping_halfway_leaves_nothing_behind() -> None:
    model = tiny_model()
    x0 = _latents(model)
    before = _answer(model, x0)
    training = train_lora(model, x0, model.words("a cat"), seed=1, steps=50)
    next(training)
    training.close()  # type: ignore[attr-defined]
    assert torch.equal(_answer(model, x0), before)
