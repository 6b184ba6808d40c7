"""The linear map of latents to pixels: near what the decoder makes, exact beside a picture that was decoded, with gradients."""

from __future__ import annotations

import pytest
import torch
from scumble_engine.diffusion.guidance import Conditions, Pull, pulled
from scumble_engine.diffusion.rough import fit_rough, squares
from tiny_models import tiny_model

SIDE = 12


def test_a_linear_decoder_is_found_again() -> None:
    model = tiny_model("sd2", vae="linear", latent_channels=16)
    rough = fit_rough(model, SIDE)
    latents = model.encode(squares(1, SIDE, model.stride).flip(-1))
    with torch.no_grad():
        decoded = model.decode(latents)
        assert (rough(latents) - decoded).abs().mean() < 0.02 * decoded.std()


@pytest.mark.parametrize("vae", ["tiny", "kl"])
def test_beside_a_decoded_picture_it_is_nearer_than_far_from_it(vae: str) -> None:
    model = tiny_model("sd1", vae=vae)
    rough = fit_rough(model, SIDE)
    latents = model.encode(squares(1, SIDE, model.stride).flip(-1))
    moved = latents + 0.05 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        near, truth = rough.near(latents, model.decode(latents)), model.decode(moved)
        assert torch.allclose(near(latents), model.decode(latents), atol=1e-5)
        assert (near(moved) - truth).abs().mean() < (rough(moved) - truth).abs().mean()


def test_pulling_runs_no_decoder_and_brings_the_colour() -> None:
    model = tiny_model("sd2", vae="linear", latent_channels=16)
    rough = fit_rough(model, SIDE)
    latents = model.encode(squares(1, SIDE, model.stride))
    size = SIDE * model.stride
    painted = torch.zeros(1, 1, size, size)
    painted[..., 24:72, 24:72] = 1.0
    asked = Conditions(torch.ones_like(painted), None, torch.tensor([0.9, 0.7, 0.1]).view(1, 3, 1, 1), painted, rough)
    model.meter.reset()
    moved = pulled(rough, latents, asked, Pull(steps=40), torch.ones(1, 1, SIDE, SIDE))
    assert model.meter.coded == 0
    away = [(model.decode(each) - asked.colors).abs()[..., 24:72, 24:72].mean() for each in (latents, moved)]
    assert away[1] < 0.6 * away[0]
