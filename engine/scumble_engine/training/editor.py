"""Training the editor: the illustrator's denoiser learns to change a picture by words, strokes and pulls at once.

Runs until a time of day at a rate that falls towards it, saves its state every few minutes and when it is told to stop,
and goes on from there with the same command.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import torch
from safetensors.torch import load_file
from scumble_engine.diffusion.editor_net import settle, widen, with_weights
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.checkpoint import (
    load_state,
    moments,
    named,
    numbered,
    save_state,
    take_up,
    take_up_moments,
)
from scumble_engine.training.editor_batches import EditBatch, EditBatches
from scumble_engine.training.networks import MovingAverage, Parts, new_scheduler, save_network, save_text_encoder
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.sprites import cache_folder
from scumble_engine.training.teacher import add_noise
from torch import Tensor, nn
from torch.nn import functional as F

RATE = 3e-4
_TEXT_SHARE = 0.2
_GATE_WEIGHT = 0.05
_WEIGHT_STILL, _WEIGHT_CHANGED = 0.25, 1.5  # what stays is pasted from the source anyway


@dataclass(frozen=True)
class Finish:
    """When a run ends (seconds since the epoch), and over how long before that its rate falls to nearly nothing."""

    at_s: float
    cooldown_s: float

    def share(self, now_s: float) -> float:
        """Return the part of the full rate for this moment, 1 down to 0.02."""
        return max(0.02, min(1.0, (self.at_s - now_s) / max(1.0, self.cooldown_s)))


def clock(text: str, now: datetime | None = None) -> float:
    """Return the next moment, in seconds since the epoch, at which a clock shows HH:MM. Raises ValueError for other text."""
    now = now or datetime.now()
    told = datetime.strptime(text, "%H:%M")
    then = now.replace(hour=told.hour, minute=told.minute, second=0, microsecond=0)
    return (then if then > now else then + timedelta(days=1)).timestamp()


def editor_folder(recipe: Recipe) -> Path:
    """Return where the editor's state is kept: under SCUMBLE_TRAINING where that is set, else in the cache."""
    root = os.environ.get("SCUMBLE_TRAINING")
    return (Path(root) if root else cache_folder() / "training") / "editor" / recipe.name


def warm_start(parts: Parts, warm: Path | None) -> Parts:
    """Return parts with an editor's network: the illustrator's own weights, or those of an earlier editor, which may have fewer cues.

    `warm`: a folder that `export_editor` wrote, or one file with `unet.*` and `te.*`.
    """
    if warm is None:
        return replace(parts, unet=widen(parts.unet))
    unet, text = _weights_of(warm)
    parts.text_encoder.load_state_dict(text)
    return replace(parts, unet=widen(with_weights(parts.unet, unet)))


def _weights_of(warm: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    if warm.is_dir():
        unet, text = (next((warm / part).glob("*.safetensors")) for part in ("unet", "text_encoder"))
        return load_file(unet), load_file(text)
    found = load_file(warm)
    return tuple(
        {name.removeprefix(key): v for name, v in found.items() if name.startswith(key)} for key in ("unet.", "te.")
    )  # type: ignore[return-value]


class EditorTeacher:
    """One training run of the editor: networks, optimiser, average, and how far it has come."""

    def __init__(self, recipe: Recipe, parts: Parts, bank: SpriteBank, folder: Path) -> None:
        self.recipe, self.parts, self.folder = recipe, parts, folder
        self.seen, self.step = 0, 0
        self._bank = bank
        self._alphas = new_scheduler().alphas_cumprod.to(bank.full.device)
        self.average = MovingAverage([parts.unet, parts.text_encoder], 0.998)
        groups = [
            {"params": list(parts.unet.parameters()), "share": 1.0},
            {"params": list(parts.text_encoder.parameters()), "share": _TEXT_SHARE},
        ]
        self._optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
        self._stop = False

    def run(self, finish: Finish, most_images: int | None = None, save_every_s: float = 300.0) -> None:
        """Train until the finish, or until so many pictures were seen in all, or until a SIGTERM; the state is saved."""
        batches = EditBatches(self.recipe, self._bank, self.parts, self.recipe.seed + 2000 + self.seen)
        saved = logged = time.monotonic()
        losses = torch.zeros(3)
        self.parts.unet.train()
        with self._stopping():
            while time.time() < finish.at_s and not self._stop and self.seen < (most_images or 10**12):
                rate = RATE * finish.share(time.time()) * min(1.0, (self.step + 1) / self.recipe.warmup_steps)
                losses += torch.tensor([*self._learn(batches.next(), rate), 1.0])
                if self.step % 25 == 0:
                    self._log(losses, rate, time.monotonic() - logged)
                    logged, losses = time.monotonic(), torch.zeros(3)
                if time.monotonic() - saved > save_every_s:
                    self.save()
                    saved = time.monotonic()
        self.save()

    def _log(self, losses: Tensor, rate: float, spent_s: float) -> None:
        speed = float(losses[2]) * self.recipe.batch / spent_s
        mean, gate = (float(value / losses[2]) for value in losses[:2])
        print(f"images {self.seen} loss {mean:.4f} gate {gate:.3f} rate {rate:.1e} {speed:.1f}/s", flush=True)

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Let a SIGTERM end the run after the step at hand."""

        def stop(_signal: int, _frame: object) -> None:
            self._stop = True

        before = signal.signal(signal.SIGTERM, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _learn(self, batch: EditBatch, rate: float) -> tuple[float, float]:
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        loss, gate = self.losses(batch)
        self._optimizer.zero_grad()
        (loss + _GATE_WEIGHT * gate).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([p for group in self._optimizer.param_groups for p in group["params"]], 1.0)
        self._optimizer.step()
        self.average.update(self.step)
        self.step, self.seen = self.step + 1, self.seen + len(batch.latents)
        return float(loss.detach()), float(gate.detach())

    def losses(self, batch: EditBatch) -> tuple[Tensor, Tensor]:
        """Return the velocity's squared error, weighed towards what changes, and the gate's cross entropy."""
        count, device = len(batch.latents), batch.latents.device
        spread = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
        steps = (spread**self.recipe.noisier * len(self._alphas)).long().clamp_max(len(self._alphas) - 1)
        alphas = self._alphas[steps]
        noisy, target = add_noise(batch.latents, torch.randn_like(batch.latents), alphas)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            text = self.parts.text_encoder(batch.ids).last_hidden_state
            output = self.parts.unet(torch.cat([noisy, batch.conditions], dim=1), steps, text).sample
        velocity, logits = settle(output.float(), noisy, batch.conditions, alphas)
        near = F.max_pool2d(batch.changed, 3, 1, 1)
        weight = _WEIGHT_STILL + _WEIGHT_CHANGED * near
        present = batch.conditions[:, -1:]
        gate = F.binary_cross_entropy_with_logits(logits, 1 - batch.changed, weight=present)
        return ((velocity - target).square() * weight).mean(), gate

    def _nets(self) -> dict[str, nn.Module]:
        return {"unet": self.parts.unet, "te": self.parts.text_encoder}

    def save(self) -> None:
        """Write everything a later run needs to go on as if it had not stopped."""
        tensors = named(self._nets()) | numbered(self.average.values) | moments(self._optimizer)
        save_state(self.folder, tensors, {"seen": self.seen, "step": self.step})

    def resume(self) -> bool:
        """Take up the saved state, if there is one; returns whether it did."""
        found = load_state(self.folder)
        if found is None:
            return False
        tensors, facts = found
        take_up(named(self._nets()) | numbered(self.average.values), tensors)
        take_up_moments(self._optimizer, tensors)
        self.seen, self.step = int(facts["seen"]), int(facts["step"])
        return True


def export_editor(teacher: EditorTeacher, folder: Path) -> Path:
    """Write the averaged weights in fp16 as `unet` and `text_encoder`, and what they have seen; return the folder."""
    teacher.average.swap()
    save_network(teacher.parts.unet, folder / "unet")
    save_text_encoder(teacher.parts.text_encoder, folder / "text_encoder")
    teacher.average.swap()
    facts = {"images": teacher.seen, "steps": teacher.step}
    (folder / "editor.json").write_text(json.dumps(facts, indent=1) + "\n")
    return folder
