from __future__ import annotations

from pathlib import Path

import torch
from scumble_engine.models.linear_autoencoder import LinearAutoencoder


def smooth_pictures(count: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 6, 6, generator=draw) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=(64, 64), mode="bicubic").clamp(-1, 1)


def fitted(latents: int = 16) -> LinearAutoencoder:
    vae = LinearAutoencoder(latent_channels=latents)
    vae.fit(smooth_pictures(200), 0.35)
    return vae


@torch.no_grad()
def test_smooth_pictures_come_back_and_latents_have_unit_power() -> None:
    vae, pictures = fitted(), smooth_pictures(200)
    latents = vae.encode(pictures).latents
    assert latents.shape == (200, 16, 8, 8)
    assert float(latents.square().mean()) == torch.tensor(1.0).item() or abs(float(latents.square().mean()) - 1) < 0.02
    error = (vae.decode(latents).sample - pictures).square().mean().sqrt()
    assert error < 0.05 * pictures.std()


@torch.no_grad()
def test_more_components_lose_less() -> None:
    pictures = smooth_pictures(50)
    errors = [(fitted(n)(pictures).sample - pictures).square().mean() for n in (3, 8, 16)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


def test_saving_and_loading_keeps_it(tmp_path: Path) -> None:
    vae = fitted()
    vae.save_pretrained(tmp_path)
    again = LinearAutoencoder.from_pretrained(tmp_path)
    pictures = smooth_pictures(2)
    assert torch.equal(again(pictures).sample, vae(pictures).sample)


def test_a_fresh_refiner_changes_nothing() -> None:
    vae, refined = fitted(), LinearAutoencoder(refine_channels=8)
    refined.load_state_dict(vae.state_dict(), strict=False)
    pictures = smooth_pictures(2)
    assert torch.equal(refined(pictures).sample, vae(pictures).sample)
