"""Training the autoencoders: the small size's linear one and its refiner; the base size's AutoencoderTiny, led by the first."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from diffusers import AutoencoderTiny
from scumble_engine.models.linear_autoencoder import LinearAutoencoder
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.render import render
from scumble_engine.training.scenes import SceneSampler
from torch import Tensor
from torch.nn import functional as F


def fit_linear(recipe: Recipe, bank: SpriteBank) -> LinearAutoencoder:
    """Return the linear autoencoder of this recipe's pictures, by their principal components."""
    count = recipe.fitting_images
    scenes = SceneSampler(bank, recipe.seed + 2).batch(count)
    pictures = torch.cat([render(scenes[i : i + 64], bank, recipe.size_px).rgb for i in range(0, count, 64)])
    vae: LinearAutoencoder = LinearAutoencoder(latent_channels=recipe.latent_channels).to(pictures.device)
    vae.fit(pictures * 2 - 1, recipe.softness)
    vae.requires_grad_(False)
    return vae


def train_refiner(recipe: Recipe, bank: SpriteBank, linear: LinearAutoencoder) -> LinearAutoencoder:
    """Return the linear autoencoder with a refiner trained on endless scenes for `recipe.refiner_images` pictures.

    The latents' code stays what it is. Half of the pictures come with noise on their latents, as a denoiser's are never
    quite right: what the refiner learns is that patches meet and that flat areas are flat.
    """
    device = bank.full.device
    vae: LinearAutoencoder = LinearAutoencoder(
        latent_channels=recipe.latent_channels, refine_channels=recipe.refine_channels
    ).to(device)
    vae.load_state_dict(linear.state_dict(), strict=False)
    vae.requires_grad_(False)
    assert vae.refiner is not None
    vae.refiner.requires_grad_(True)
    learner = torch.optim.AdamW(vae.refiner.parameters(), lr=1e-3, weight_decay=0.0)
    sampler = SceneSampler(bank, recipe.seed + 8)
    for step, steps, rgb in _lessons(recipe, bank, sampler, learner, recipe.refiner_images):
        latents = vae.encode(rgb).latents
        spread = (torch.rand(len(rgb), 1, 1, 1, device=device) - 0.5).clamp_min(0) * 0.6
        loss = _picture_loss(vae.decode(latents + spread * torch.randn_like(latents)).sample, rgb)
        _learn(learner, loss)
        if step % 200 == 0:
            print(f"refiner {step}/{steps} loss {float(loss.detach()):.4f}", flush=True)
    vae.requires_grad_(False)
    return vae


def train_tiny(recipe: Recipe, bank: SpriteBank) -> AutoencoderTiny:
    """Train an AutoencoderTiny on endless scenes for `recipe.autoencoder_images` pictures.

    At first its latents are drawn to the principal components (within the ±3 that it can hold), which spares it the
    search for a good code; then both halves go by the picture alone. Its scaling factor makes latents of deviation 1.
    """
    guide = fit_linear(recipe, bank)
    device = bank.full.device
    vae: AutoencoderTiny = AutoencoderTiny(latent_channels=recipe.latent_channels).to(device)
    learner = torch.optim.AdamW(vae.parameters(), lr=1e-3, weight_decay=0.0)
    sampler = SceneSampler(bank, recipe.seed + 6)
    for step, steps, rgb in _lessons(recipe, bank, sampler, learner, recipe.autoencoder_images):
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            latents = vae.encode(rgb).latents
            loss = _picture_loss(vae.decode(latents).sample, rgb)
            hint = F.mse_loss(latents, guide.encode(rgb).latents.clamp(-6, 6) / 2)
        _learn(learner, loss + max(0.0, 1 - 3 * step / steps) * 0.2 * hint)
        if step % 200 == 0:
            print(f"autoencoder {step}/{steps} loss {float(loss.detach()):.4f}", flush=True)
    with torch.no_grad():
        latents = vae.encode(render(sampler.batch(64), bank, recipe.size_px).rgb * 2 - 1).latents
    vae.register_to_config(scaling_factor=float(1 / latents.std()))
    vae.requires_grad_(False)
    return vae


def _lessons(
    recipe: Recipe, bank: SpriteBank, sampler: SceneSampler, learner: torch.optim.Optimizer, images: int
) -> Iterator[tuple[int, int, Tensor]]:
    """Yield (step, of how many, pictures (B, 3, H, W) in -1..1), and let the learner's rate rise and fall with them."""
    steps = max(1, images // recipe.batch)
    for step in range(steps):
        for group in learner.param_groups:
            group["lr"] = 1e-3 * min(1.0, (step + 1) / 100) * (1.01 - step / steps)
        yield step, steps, render(sampler.batch(recipe.batch), bank, recipe.size_px).rgb * 2 - 1


def _learn(learner: torch.optim.Optimizer, loss: Tensor) -> None:
    learner.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    learner.step()


def _picture_loss(found: Tensor, true: Tensor) -> Tensor:
    """Return the mean absolute error of pixels and of their differences to neighbours, which keeps edges sharp."""
    loss = F.l1_loss(found, true) + F.mse_loss(found, true)
    for axis in (-1, -2):
        loss = loss + F.l1_loss(found.diff(dim=axis), true.diff(dim=axis))
    return loss
