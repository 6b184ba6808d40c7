"""Training the network that sees ground and style, on composed scenes in the illustrator's own latents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scumble_engine.assist.scene_net import SceneNet, SceneReader
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.captions import GROUND_WORDS
from scumble_engine.training.networks import Parts
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.render import render
from scumble_engine.training.scenes import BACKGROUNDS, Mixture, SceneSampler
from torch import Tensor
from torch.nn import functional as F

WIDTH, BATCH = 32, 64
# Busy grounds as often as plain ones.
SEEN = Mixture(busy=2.5)
NEAREST, WORN, SCORED = 0.7, 0.3, 1024


@dataclass(frozen=True)
class Views:
    """Latents (n, c, h, w) and the numbers of their grounds and styles."""

    latents: Tensor
    grounds: Tensor
    styles: Tensor


class Scenes:
    """An endless stream of scenes, some of them cut closer: a window on a picture rarely has the frame it was painted in."""

    def __init__(self, recipe: Recipe, parts: Parts, bank: SpriteBank, seed: int) -> None:
        self._recipe, self._vae, self._bank = recipe, parts.vae, bank
        self._sampler = SceneSampler(bank, seed, SEEN)
        self._draw = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def next(self, count: int = BATCH) -> Views:
        scenes = self._sampler.batch(count)
        pictures = self._nearer(render(scenes, self._bank, self._recipe.size_px).rgb)
        latents = self._vae.encode(pictures * 2 - 1).latents * self._vae.config.scaling_factor
        return Views(
            latents.cpu(),
            torch.tensor([BACKGROUNDS.index(scene.background.kind) for scene in scenes]),
            torch.tensor([self._recipe.styles.index(scene.objects[0].style) for scene in scenes]),
        )

    def _nearer(self, pictures: Tensor) -> Tensor:
        size = pictures.shape[-1]
        side = round(size * (NEAREST + (1 - NEAREST) * float(torch.rand((), generator=self._draw))))
        top, left = (int(torch.randint(size - side + 1, (), generator=self._draw)) for _ in range(2))
        part = pictures[..., top : top + side, left : left + side]
        return F.interpolate(part, size=(size, size), mode="bilinear", antialias=True)


def train_scene_net(recipe: Recipe, parts: Parts, bank: SpriteBank) -> tuple[SceneReader, dict[str, float]]:
    """Return the network and its figures: the shares of fresh scenes whose ground and style it names."""
    torch.manual_seed(recipe.seed)
    net = SceneNet(recipe.latent_channels, len(BACKGROUNDS), len(recipe.styles), WIDTH)
    stream, steps = Scenes(recipe, parts, bank, recipe.seed + 700), max(2, recipe.seen_images // BATCH)
    learner = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(learner, 4e-3, total_steps=steps)
    net.train()
    for step in range(steps):
        views = stream.next()
        ground, style = net(views.latents + WORN * torch.rand(BATCH, 1, 1, 1) * torch.randn_like(views.latents))
        loss = F.cross_entropy(ground, views.grounds) + F.cross_entropy(style, views.styles)
        learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        learner.step()
        schedule.step()
        if step % 50 == 0:
            print(f"scene net {step * BATCH} loss {float(loss.detach()):.3f}", flush=True)
    net.eval()
    figures = score(net, Scenes(recipe, parts, bank, recipe.seed + 701).next(min(SCORED, recipe.seen_images)))
    grounds = tuple(GROUND_WORDS[kind][0] for kind in BACKGROUNDS)
    return SceneReader(net, grounds, recipe.styles), figures


@torch.no_grad()
def score(net: SceneNet, views: Views) -> dict[str, float]:
    """Return the shares of scenes whose ground and style are named right."""
    ground, style = net(views.latents)
    named = {"ground": ground.argmax(dim=1) == views.grounds, "style": style.argmax(dim=1) == views.styles}
    return {name: float(right.float().mean()) for name, right in named.items()} | {"scored": len(views.grounds)}
