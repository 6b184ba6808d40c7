"""Distilling a few-step consistency student from the trained denoiser.

Luo et al., Latent Consistency Models (2023), algorithm 1, with fixed guidance folded in and v-prediction. The student is
a second UNet of the same make; its boundary condition is LCMScheduler's (practically f = predicted x0 but for the last step).
"""

from __future__ import annotations

import copy
import time
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.checkpoint import load_state, named, numbered, save_state, take_up
from scumble_engine.training.networks import MovingAverage, Parts, new_scheduler
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.sampling import new_student_scheduler
from scumble_engine.training.teacher import Batches, add_noise
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 100  # steps of noise between a picture and its target: few hops carry what is known at the clean end to the noisy one
GUIDANCE = 3.0


class Student:
    """A distillation run that stops and resumes anywhere."""

    def __init__(self, recipe: Recipe, parts: Parts, bank: SpriteBank, folder: Path) -> None:
        self.recipe, self.parts, self.folder, self._bank = recipe, parts, folder, bank
        self.seen, self.step = 0, 0
        self.unet = copy.deepcopy(parts.unet).requires_grad_(True)
        self._target: UNet2DConditionModel = copy.deepcopy(parts.unet).requires_grad_(False)
        parts.unet.requires_grad_(False)
        parts.text_encoder.requires_grad_(False)
        self.average = MovingAverage([self.unet], 0.95)
        self._optimizer = torch.optim.AdamW(
            self.unet.parameters(), lr=2e-4, betas=(0.9, 0.99), weight_decay=0.0, fused=True
        )
        self._alphas = new_scheduler().alphas_cumprod.to(bank.full.device)

    def run(self, until_images: int, save_every_s: float = 300.0) -> UNet2DConditionModel:
        """Distil until so many pictures have been seen; returns the averaged student."""
        batches = Batches(self.recipe, self._bank, self.parts, self.recipe.seed + 500_000 + self.seen, dropout=0.0)
        saved, logged, total = time.monotonic(), time.monotonic(), 0.0
        while self.seen < until_images:
            batch = batches.next()
            total += self._learn(batch.latents, batch.ids, min(1.0, 4 * (1 - self.seen / until_images)))
            if self.step % 25 == 0:
                speed = 25 * len(batch.latents) / (time.monotonic() - logged)
                print(f"student images {self.seen} loss {total / 25:.4f} {speed:.1f}/s", flush=True)
                logged, total = time.monotonic(), 0.0
            if time.monotonic() - saved > save_every_s:
                self.save()
                saved = time.monotonic()
        self.save()
        self.average.swap()
        return self.unet.eval()

    def _learn(self, latents: Tensor, ids: Tensor, fall: float) -> float:
        count, device = len(latents), latents.device
        spread = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
        later = (spread * len(self._alphas)).long().clamp_max(len(self._alphas) - 1)
        earlier = (later - STRIDE).clamp_min(-1)  # -1 stands for the clean picture
        noisy, _ = add_noise(latents, torch.randn_like(latents), self._alphas[later])
        text = self.parts.text_encoder(ids).last_hidden_state
        with torch.no_grad():
            target = self._target_of(noisy, later, earlier, text)
        found = self._consistent(self.unet, noisy, later, text)
        loss = F.huber_loss(found, target, delta=0.5)
        for group in self._optimizer.param_groups:
            group["lr"] = 2e-4 * fall * min(1.0, (self.step + 1) / 50)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self._optimizer.step()
        self.average.update(self.step)
        self.step, self.seen = self.step + 1, self.seen + count
        return float(loss.detach())

    def _target_of(self, noisy: Tensor, later: Tensor, earlier: Tensor, text: Tensor) -> Tensor:
        """Return what the averaged student says one guided DDIM step of the teacher earlier."""
        empty = self._empty_text(text)
        both = self.parts.unet(torch.cat([noisy, noisy]), later.repeat(2), torch.cat([empty, text])).sample
        plain, guided = both.chunk(2)
        velocity = plain + GUIDANCE * (guided - plain)
        signal, sigma = self._levels(later)
        clean, noise = signal * noisy - sigma * velocity, sigma * noisy + signal * velocity
        signal, sigma = self._levels(earlier)
        stepped = signal * clean + sigma * noise
        for parameter, value in zip(self._target.parameters(), self.average.values, strict=True):
            parameter.copy_(value)
        consistent = self._consistent(self._target, stepped, earlier.clamp_min(0), text)
        return torch.where((earlier < 0).view(-1, 1, 1, 1), clean, consistent)

    def _consistent(self, unet: UNet2DConditionModel, noisy: Tensor, steps: Tensor, text: Tensor) -> Tensor:
        """Return f(z_t, t), the student's clean latents, with LCMScheduler's boundary scalings."""
        signal, sigma = self._levels(steps)
        clean = signal * noisy - sigma * unet(noisy, steps, text).sample
        scaled = steps.view(-1, 1, 1, 1) * new_student_scheduler().config.timestep_scaling
        keep = 0.25 / (scaled**2 + 0.25)
        found: Tensor = keep * noisy + scaled / (scaled**2 + 0.25).sqrt() * clean
        return found

    def _levels(self, steps: Tensor) -> tuple[Tensor, Tensor]:
        alphas = torch.where(steps < 0, torch.ones_like(self._alphas[0]), self._alphas[steps.clamp_min(0)])
        return alphas.sqrt().view(-1, 1, 1, 1), (1 - alphas).sqrt().view(-1, 1, 1, 1)

    def _empty_text(self, like: Tensor) -> Tensor:
        found = self.parts.tokenizer([""], padding="max_length", truncation=True, return_tensors="pt")
        hidden = self.parts.text_encoder(found["input_ids"].to(like.device)).last_hidden_state
        return torch.as_tensor(hidden).expand_as(like)

    def save(self) -> None:
        """Write the student and its average (its optimiser starts anew: the runs are short)."""
        tensors = named({"unet": self.unet}) | numbered(self.average.values)
        save_state(self.folder, tensors, {"seen": self.seen, "step": self.step})

    def resume(self) -> bool:
        """Take up the saved student, if there is one; returns whether it did."""
        found = load_state(self.folder)
        if found is None:
            return False
        tensors, facts = found
        take_up(named({"unet": self.unet}) | numbered(self.average.values), tensors)
        self.seen, self.step = int(facts["seen"]), int(facts["step"])
        return True
