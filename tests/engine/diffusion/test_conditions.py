"""Control networks beside the UNet: any number together, each with its scale and its share of the way."""

from __future__ import annotations

import pytest
import torch
from diffusers import ControlNetModel
from scumble_engine.diffusion.capabilities import Condition
from scumble_engine.diffusion.model import DiffusionModel
from scumble_protocol.errors import EngineError
from tiny_models import tiny_model


@pytest.fixture(params=["sd1", "xl"])
def model(request: pytest.FixtureRequest) -> DiffusionModel:
    """A tiny model with two control networks that say something (fresh ones are silent)."""
    tiny = tiny_model(request.param)
    for number, kind in enumerate(("edge", "color")):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            net = ControlNetModel.from_unet(tiny.unet, conditioning_embedding_out_channels=(8, 8, 16, 16)).eval()
            for silent in (
                *net.controlnet_down_blocks,
                net.controlnet_mid_block,
                net.controlnet_cond_embedding.conv_out,
            ):
                torch.nn.init.normal_(silent.weight, std=0.3)
        tiny.controls[kind] = net.requires_grad_(False)
    return tiny


def answer(model: DiffusionModel, *conditions: Condition, timestep: int = 500) -> torch.Tensor:
    z = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model.predict(z, timestep, [model.words("a cat")] * 2, conditions=conditions).x0


EDGE, COLOR = (
    Condition(kind, torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))) for kind in ("edge", "color")
)


def test_conditions_add_up(model: DiffusionModel) -> None:
    none, edge, color, both = (answer(model, *asked) for asked in ((), (EDGE,), (COLOR,), (EDGE, COLOR)))
    assert (
        min(float((one - two).abs().max()) for one, two in ((none, edge), (none, color), (edge, both), (color, both)))
        > 1e-4
    )
    assert torch.equal(none, answer(model))


def test_a_condition_has_its_say_only_in_its_share_of_the_way_and_as_loud_as_it_is_asked(model: DiffusionModel) -> None:
    late = Condition("edge", EDGE.map, start=0.6)
    assert torch.equal(answer(model, late, timestep=500), answer(model, timestep=500))
    assert not torch.equal(answer(model, late, timestep=100), answer(model, timestep=100))
    quiet = answer(model, Condition("edge", EDGE.map, scale=0.0))
    assert torch.allclose(quiet, answer(model), atol=1e-6)


def test_what_the_model_has_no_network_for_is_said(model: DiffusionModel) -> None:
    with pytest.raises(EngineError, match="no control network for depth"):
        answer(model, Condition("depth", EDGE.map))
