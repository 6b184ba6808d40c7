"""Training the network that sees thing, ground and style, on composed scenes in the illustrator's own latents."""

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
# Busy grounds as often as plain ones; a single thing mostly, or the largest of two.
SEEN = Mixture(counts=(0.85, 0.15), busy=2.5)
WEIGHTS = (1.0, 0.5, 0.5)
NEAREST, WORN, SCORED = 0.7, 0.3, 1024


@dataclass(frozen=True)
class Views:
    """Latents (n, c, h, w) and the numbers of what they show, (n,) for each question: things, grounds, styles."""

    latents: Tensor
    answers: tuple[Tensor, ...]


class Scenes:
    """An endless stream of scenes, some of them cut closer: a window on a picture rarely has the frame it was painted in."""

    def __init__(self, recipe: Recipe, parts: Parts, bank: SpriteBank, seed: int) -> None:
        self._recipe, self._vae, self._bank = recipe, parts.vae, bank
        self._sampler = SceneSampler(bank, seed, SEEN)
        self._things = things_of(recipe)
        self._draw = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def next(self, count: int = BATCH) -> Views:
        scenes = self._sampler.batch(count)
        pictures = self._nearer(render(scenes, self._bank, self._recipe.size_px).rgb)
        latents = self._vae.encode(pictures * 2 - 1).latents * self._vae.config.scaling_factor
        mains = [max(scene.objects, key=lambda item: item.size) for scene in scenes]
        things = torch.tensor([self._things.index(item.concept) for item in mains])
        grounds = torch.tensor([BACKGROUNDS.index(scene.background.kind) for scene in scenes])
        styles = torch.tensor([self._recipe.styles.index(item.style) for item in mains])
        return Views(latents.cpu(), (things, grounds, styles))

    def _nearer(self, pictures: Tensor) -> Tensor:
        size = pictures.shape[-1]
        side = round(size * (NEAREST + (1 - NEAREST) * float(torch.rand((), generator=self._draw))))
        top, left = (int(torch.randint(size - side + 1, (), generator=self._draw)) for _ in range(2))
        part = pictures[..., top : top + side, left : left + side]
        return F.interpolate(part, size=(size, size), mode="bilinear", antialias=True)


def things_of(recipe: Recipe) -> tuple[str, ...]:
    """Return the names of what a recipe's pictures show."""
    return tuple(concept.name for concept in recipe.concepts)


def train_scene_net(recipe: Recipe, parts: Parts, bank: SpriteBank) -> tuple[SceneReader, dict[str, float]]:
    """Return the network and its figures: the shares of fresh scenes whose thing, ground and style it names."""
    torch.manual_seed(recipe.seed)
    things, grounds = things_of(recipe), tuple(GROUND_WORDS[kind][0] for kind in BACKGROUNDS)
    net = SceneNet(recipe.latent_channels, (len(things), len(grounds), len(recipe.styles)), WIDTH)
    stream, steps = Scenes(recipe, parts, bank, recipe.seed + 700), max(2, recipe.seen_images // BATCH)
    learner = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(learner, 4e-3, total_steps=steps)
    net.train()
    for step in range(steps):
        views = stream.next()
        told = net(views.latents + WORN * torch.rand(BATCH, 1, 1, 1) * torch.randn_like(views.latents))
        losses = [F.cross_entropy(logits, right) for logits, right in zip(told, views.answers, strict=True)]
        loss = torch.stack([weight * one for weight, one in zip(WEIGHTS, losses, strict=True)]).sum()
        learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        learner.step()
        schedule.step()
        if step % 50 == 0:
            print(f"scene net {step * BATCH} losses {[round(float(one.detach()), 3) for one in losses]}", flush=True)
    net.eval()
    figures = score(net, Scenes(recipe, parts, bank, recipe.seed + 701).next(min(SCORED, recipe.seen_images)))
    return SceneReader(net, things, grounds, recipe.styles), figures


@torch.no_grad()
def score(net: SceneNet, views: Views) -> dict[str, float]:
    """Return the shares of scenes whose thing, ground and style are named right."""
    right = [
        (told.argmax(dim=1) == answer).float().mean()
        for told, answer in zip(net(views.latents), views.answers, strict=True)
    ]
    return dict(zip(("thing", "ground", "style"), map(float, right), strict=True)) | {"scored": len(views.latents)}
