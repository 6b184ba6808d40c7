"""Training the denoiser and its text encoder on endless scenes; stops and resumes anywhere."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.captions import Describer
from scumble_engine.training.checkpoint import (
    load_state,
    moments,
    named,
    numbered,
    save_state,
    take_up,
    take_up_moments,
)
from scumble_engine.training.networks import MovingAverage, Parts, new_scheduler
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.render import Rendered, render
from scumble_engine.training.scenes import Scene, SceneSampler, widened
from scumble_engine.training.text import tokenize
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Batch:
    """Clean latents (B, C, h, w), token ids (B, length) and what lies where (B, h, w): 0 ground, 1 + i concept i."""

    latents: Tensor
    ids: Tensor
    labels: Tensor


class Batches:
    """An endless stream of training batches, composed and encoded on the training device."""

    def __init__(self, recipe: Recipe, bank: SpriteBank, parts: Parts, seed: int, dropout: float | None = None) -> None:
        self._dropout = recipe.caption_dropout if dropout is None else dropout
        self._recipe, self._bank, self._parts = recipe, bank, parts
        self._sampler = SceneSampler(bank, seed)
        self._describer = Describer(recipe.concepts, bank)
        self._draw = random.Random(seed + 1)
        self._concepts = {concept.name: i + 1 for i, concept in enumerate(recipe.concepts)}

    def widen(self, seen: int) -> None:
        """Draw the next scenes as widely as the recipe wants it after so many pictures."""
        share = (seen - self._recipe.easy_images) / max(1, self._recipe.widening_images)
        self._sampler.mixture = widened(min(share, self._recipe.widest))

    @torch.no_grad()
    def next(self) -> Batch:
        """Compose one batch; some captions are dropped for classifier-free guidance."""
        scenes = self._sampler.batch(self._recipe.batch)
        painted = render(scenes, self._bank, self._recipe.size_px)
        latents = self._parts.vae.encode(painted.rgb * 2 - 1).latents * self._parts.vae.config.scaling_factor
        kept = [self._draw.random() >= self._dropout for _ in scenes]
        texts = [self._describer.vary(s, self._draw).text if keep else "" for s, keep in zip(scenes, kept, strict=True)]
        ids = tokenize(self._parts.tokenizer, texts).to(latents.device)
        return Batch(latents, ids, self._labels(scenes, painted))

    def _labels(self, scenes: list[Scene], painted: Rendered) -> Tensor:
        covered = F.avg_pool2d(painted.masks, 8)
        ground = 1 - covered.sum(dim=1, keepdim=True)
        top = torch.cat([ground, covered], dim=1).argmax(dim=1)  # (B, h, w), 0..N
        names = torch.zeros(len(scenes), covered.shape[1] + 1, dtype=torch.long)
        for row, scene in enumerate(scenes):
            for n, item in enumerate(scene.objects):
                names[row, n + 1] = self._concepts[item.concept]
        return names.to(top.device).gather(1, top.flatten(1)).view_as(top)


class _Labels(nn.Module):
    """A thrown-away head: names the concept at each place from the denoiser's decoder features.

    It asks the features, early and densely, for the binding of words to places that the noise loss teaches slowly.
    """

    def __init__(self, unet: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(channels, classes, 1)
        self._seen: Tensor | None = None
        unet.up_blocks[-2].register_forward_hook(self._keep)  # type: ignore[index, union-attr]

    def _keep(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        self._seen = output

    def loss(self, labels: Tensor) -> Tensor:
        """Return the cross entropy against labels (B, h, w) for the last forward."""
        seen, self._seen = self._seen, None
        assert seen is not None
        return F.cross_entropy(self.head(seen), labels)


def add_noise(latents: Tensor, noise: Tensor, alphas: Tensor) -> tuple[Tensor, Tensor]:
    """Return (noisy latents, v target) for the cumulative alphas (B,) of the drawn steps."""
    signal, sigma = alphas.sqrt().view(-1, 1, 1, 1), (1 - alphas).sqrt().view(-1, 1, 1, 1)
    return signal * latents + sigma * noise, signal * noise - sigma * latents


class Teacher:
    """One training run: networks, optimiser, average, and how far it has come."""

    def __init__(self, recipe: Recipe, parts: Parts, bank: SpriteBank, folder: Path) -> None:
        self.recipe, self.parts, self.folder = recipe, parts, folder
        self.seen, self.step = 0, 0
        self._bank = bank
        self._alphas = new_scheduler().alphas_cumprod.to(bank.full.device)
        self._labels = _Labels(parts.unet, recipe.channels[1], len(recipe.concepts) + 1).to(bank.full.device)
        self.average = MovingAverage([parts.unet, parts.text_encoder], recipe.ema)
        groups = [
            {"params": [*parts.unet.parameters(), *self._labels.parameters()], "share": 1.0},
            {"params": list(parts.text_encoder.parameters()), "share": 0.3},
        ]
        self._optimizer = torch.optim.AdamW(
            groups, lr=recipe.learning_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )

    def run(self, until_images: int, cooldown_images: int, save_every_s: float = 300.0) -> None:
        """Train until so many pictures have been seen, the last `cooldown_images` of them at a falling rate."""
        batches = Batches(self.recipe, self._bank, self.parts, self.recipe.seed + 1000 + self.seen)
        saved, logged, losses = time.monotonic(), time.monotonic(), [0.0, 0.0, 0.0]
        self.parts.unet.train()
        while self.seen < until_images:
            rate = self._rate(until_images, cooldown_images)
            batches.widen(self.seen)
            loss, naming = self._learn(batches.next(), rate)
            losses = [losses[0] + loss, losses[1] + naming, losses[2] + 1]
            if self.step % 25 == 0:
                speed = 25 * self.recipe.batch / (time.monotonic() - logged)
                mean, named = losses[0] / losses[2], losses[1] / losses[2]
                print(
                    f"images {self.seen} loss {mean:.4f} naming {named:.3f} rate {rate:.1e} {speed:.1f}/s", flush=True
                )
                logged, losses = time.monotonic(), [0.0, 0.0, 0.0]
            if time.monotonic() - saved > save_every_s:
                self.save()
                saved = time.monotonic()
        self.save()

    def _rate(self, until: int, cooldown: int) -> float:
        left = max(0.0, (until - self.seen) / max(1, cooldown))
        warm = min(1.0, (self.step + 1) / self.recipe.warmup_steps)
        return self.recipe.learning_rate * warm * max(0.03, min(1.0, left))

    def _learn(self, batch: Batch, rate: float) -> tuple[float, float]:
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        count, device = len(batch.latents), batch.latents.device
        spread = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
        steps = (spread**self.recipe.noisier * len(self._alphas)).long().clamp_max(len(self._alphas) - 1)
        noisy, target = add_noise(batch.latents, torch.randn_like(batch.latents), self._alphas[steps])
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            text = self.parts.text_encoder(batch.ids).last_hidden_state
            velocity = self.parts.unet(noisy, steps, text).sample
            naming = self._labels.loss(batch.labels)
        loss = F.mse_loss(velocity.float(), target)
        self._optimizer.zero_grad()
        (loss + self.recipe.labels_weight * naming).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([p for group in self._optimizer.param_groups for p in group["params"]], 1.0)
        self._optimizer.step()
        self.average.update(self.step)
        self.step, self.seen = self.step + 1, self.seen + count
        return float(loss.detach()), float(naming.detach())

    def _nets(self) -> dict[str, nn.Module]:
        return {"unet": self.parts.unet, "text": self.parts.text_encoder, "labels": self._labels}

    def save(self) -> None:
        """Write everything a later run needs to go on as if it had not stopped."""
        tensors = named(self._nets()) | numbered(self.average.values) | moments(self._optimizer)
        save_state(self.folder, tensors, {"seen": self.seen, "step": self.step})

    def resume(self) -> bool:
        """Take up the saved state, if there is one that fits; returns whether it did."""
        found = load_state(self.folder)
        if found is None:
            return False
        tensors, facts = found
        take_up(named(self._nets()) | numbered(self.average.values), tensors)
        take_up_moments(self._optimizer, tensors)
        self.seen, self.step = int(facts["seen"]), int(facts["step"])
        return True
