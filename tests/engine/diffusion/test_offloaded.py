"""A model that is offloaded by part: whoever runs is on the device, forwards and backwards, and the answers are the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from diffusers import ControlNetModel
from scumble_engine.diffusion.capabilities import Condition
from scumble_engine.diffusion.guidance import Conditions, Pull, pulled
from scumble_engine.diffusion.lora import adapted, train_lora
from scumble_engine.diffusion.model import DiffusionModel
from scumble_engine.diffusion.refine import RefinePlan, refine
from scumble_engine.diffusion.rough import fit_rough
from tiny_models import tiny_model
from torch import Tensor, nn


@pytest.fixture
def offloaded() -> Iterator[DiffusionModel]:
    """Return an offloaded model each of whose parts, on either way, looks whether it is in the berth."""
    model = tiny_model()
    model.residence = "offloaded"
    for part in (model.unet, model.vae, model.pipeline.text_encoder):
        _watch(model, part)
    yield model
    assert model.berth.held


def _watch(model: DiffusionModel, part: nn.Module) -> None:
    def looks(module: nn.Module, *_: object) -> None:
        held = [one for each in model.berth.held for one in each.modules()]
        assert any(part is one for one in held), f"{type(part).__name__} runs and is not on the device"

    for layer in part.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_pre_hook(looks)
            layer.register_full_backward_pre_hook(looks)


def _latents(model: DiffusionModel) -> Tensor:
    return model.encode(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))


def test_strokes_pull_on_an_offloaded_model(offloaded: DiffusionModel) -> None:
    def pull(model: DiffusionModel) -> Tensor:
        x0, one = _latents(model), torch.ones(1, 1, 64, 64)
        with torch.no_grad():
            model.predict(x0, 500, [model.words("a cat")])
        asked = Conditions(one, colors=torch.zeros(1, 3, 64, 64), painted=one)
        return pulled(fit_rough(model, 8), x0, asked, Pull(steps=2), torch.ones(1, 1, 8, 8))

    answer = pull(offloaded)
    assert torch.equal(answer, pull(tiny_model()))
    assert not torch.equal(answer, _latents(offloaded))


def test_an_offloaded_model_refines_a_drag(offloaded: DiffusionModel) -> None:
    def refined(model: DiffusionModel) -> Tensor:
        z, points = _latents(model), (torch.tensor([[2.0, 2.0]]), torch.tensor([[5.0, 5.0]]))
        plan = RefinePlan(iterations=3, arrived=0.0)
        *_, last = refine(model, z, z.clone(), 400, model.words("a cat"), points, torch.ones(1, 1, 8, 8), plan)
        model.decode(last.latents)
        return last.latents

    assert torch.equal(refined(offloaded), refined(tiny_model()))


def test_an_offloaded_model_learns_a_picture(offloaded: DiffusionModel) -> None:
    def learnt(model: DiffusionModel) -> Tensor:
        x0, words = _latents(model), model.words("a cat")
        *_, (_, state) = train_lora(model, x0, words, seed=0, steps=3)
        model.decode(x0)
        with adapted(model, state), torch.no_grad():
            return model.predict(x0, 500, [words]).x0

    assert torch.equal(learnt(offloaded), learnt(tiny_model()))


def test_the_networks_of_conditions_are_on_the_device_beside_the_network(offloaded: DiffusionModel) -> None:
    net = ControlNetModel.from_unet(offloaded.unet).eval().requires_grad_(False)
    offloaded.controls = {"edge": net}
    _watch(offloaded, net)
    x0, shown = _latents(offloaded), Condition("edge", torch.ones(1, 3, 64, 64))
    with torch.no_grad():
        offloaded.predict(x0, 500, [offloaded.words("a cat")], conditions=(shown,))
        assert offloaded.berth.held == (offloaded.unet, net)
        offloaded.decode(x0)
    assert offloaded.berth.held == (offloaded.vae,)
