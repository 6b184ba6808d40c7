"""`python -m scumble_engine.training.generator`: teach a StyleGAN2 the family of creatures, by regression on its renderer.

Nothing adversarial: z is the creature's 26 numbers, and the generator learns the picture that the renderer gives for them.
Stops (SIGTERM saves) and resumes anywhere with the same command.
"""

from __future__ import annotations

import math
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click
import torch
from scumble_engine.gan.config import GeneratorConfig
from scumble_engine.gan.folder import load_generator, save_generator
from scumble_engine.gan.generator import Generator
from scumble_engine.training.checkpoint import load_state, moments, numbered, save_state, take_up, take_up_moments
from scumble_engine.training.creatures import NUMBERS, handles, render_creatures
from scumble_engine.training.networks import MovingAverage
from scumble_engine.training.sprites import cache_folder
from scumble_engine.training.widening import widened
from torch import Tensor
from torch.nn import functional as F

CONFIG = GeneratorConfig(len(NUMBERS), 256, (192, 192, 128, 80, 48, 24), 4, 0.3, normalize_z=False, noise=False)
RATE = 1.5e-3
SMALL_SHARE = 0.3  # of the time at half the side, where a step costs less than half as much
SPREAD = 0.65  # of z in training: at the full spread of the family so small a network blurs eyes and mouths away
POSE = ("head_x", "head_y", "head_size", "head_height", "yaw", "pitch", "tilt", "eye_distance")
# The pose's own spread grows over that part of the time: eyes that come where they hardly move are kept as they move more.
POSE_SPREAD, POSE_GROWS = (0.2, 0.35), (0.75, 0.95)
FALL_SHARE = 0.7  # of the time over which the rate falls
LOOKED_AT = ("left_eye", "right_eye", "mouth_bottom", "nose")
LOOK_WEIGHT, LOOK_SPREAD = (
    8.0,
    0.055,
)  # small parts that a mean over the picture would leave blurred; in sides of the picture


@dataclass(frozen=True)
class Course:
    """How long to train and on what: `minutes` of the wall clock over all runs together."""

    minutes: float
    batch: int = 4
    seed: int = 1
    config: GeneratorConfig = CONFIG

    def side(self, share: float) -> int:
        """Return the side to train at after that share of the time."""
        return self.config.resolution // (2 if share < SMALL_SHARE else 1)

    def rate(self, share: float, step: int) -> float:
        """Return the learning rate: up over the first steps, and down to a hundredth over the last part."""
        fall = min(1.0, max(0.01, (1 - share) / FALL_SHARE))
        return RATE * min(1.0, (step + 1) / 100) * fall


class Distillation:
    """A run that stops and resumes anywhere."""

    def __init__(self, course: Course, folder: Path, start: Path | None = None) -> None:
        torch.manual_seed(course.seed)
        self.course, self.folder = course, folder
        self.generator = Generator(course.config)
        if start is not None:
            self.generator = widened(load_generator(start), course.config)
        self.average = MovingAverage([self.generator], 0.997)
        self._optimizer = torch.optim.Adam(self.generator.parameters(), lr=RATE, betas=(0.0, 0.99))
        self.step, self.seen, self.spent_s, self.stopped = 0, 0, 0.0, False

    def run(self, save_every_s: float = 300.0) -> None:
        """Train until the time is spent or `stopped` is set, and save."""
        last = saved = logged = time.monotonic()
        total = 0.0
        while self.spent_s < 60 * self.course.minutes and not self.stopped:
            total += self.learn(self.spent_s / (60 * self.course.minutes))
            now = time.monotonic()
            self.spent_s, last = self.spent_s + now - last, now
            if self.step % 100 == 0:
                speed = 100 * self.course.batch / (now - logged)
                print(
                    f"{self.spent_s / 60:.1f} min, {self.seen} seen, loss {total / 100:.4f}, {speed:.1f}/s", flush=True
                )
                logged, total = now, 0.0
            if now - saved > save_every_s:
                self.save()
                saved = now
        self.save()

    def learn(self, share: float) -> float:
        """Take one step at that share of the time; returns the loss."""
        side = self.course.side(share)
        numbers = spreads(share) * torch.randn(self.course.batch, len(NUMBERS))
        with torch.no_grad():
            truth, weight = render_creatures(numbers, side) * 2 - 1, looked_at(numbers, side)
        ws = self.generator.plus(self.generator.w(numbers))
        loss = difference(self.generator.synthesis(ws, last=side).rgb, truth, weight)
        for group in self._optimizer.param_groups:
            group["lr"] = self.course.rate(share, self.step)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self.average.update(self.step)
        self.step, self.seen = self.step + 1, self.seen + len(numbers)
        return float(loss.detach())

    def save(self) -> None:
        """Write the weights, their average and the optimiser's state."""
        tensors = {f"net.{name}": value for name, value in self.generator.state_dict().items()}
        tensors |= numbered(self.average.values) | moments(self._optimizer)
        save_state(self.folder, tensors, {"seen": self.seen, "step": self.step, "spent_s": self.spent_s})

    def resume(self) -> bool:
        """Take up the saved state, if there is one; returns whether it did."""
        found = load_state(self.folder)
        if found is None:
            return False
        tensors, facts = found
        self.generator.load_state_dict({key[4:]: value for key, value in tensors.items() if key.startswith("net.")})
        take_up(numbered(self.average.values), tensors)
        take_up_moments(self._optimizer, tensors)
        self.step, self.seen, self.spent_s = int(facts["step"]), int(facts["seen"]), float(facts["spent_s"])
        torch.manual_seed(self.course.seed + self.seen)
        return True

    def averaged(self) -> Generator:
        """Put the average into the generator, with the mean w for truncation, and return it."""
        self.average.swap()
        with torch.no_grad():
            numbers = spreads() * torch.randn(
                10_000, len(NUMBERS), generator=torch.Generator().manual_seed(self.course.seed)
            )
            self.generator.mapping.w_avg.copy_(self.generator.mapping(numbers).mean(0))
        return self.generator.eval()


def spreads(share: float = 1.0) -> Tensor:
    """Return (26,): how far each number is spread after that share of the time."""
    grown = min(1.0, max(0.0, (share - POSE_GROWS[0]) / (POSE_GROWS[1] - POSE_GROWS[0])))
    pose = POSE_SPREAD[0] + grown * (POSE_SPREAD[1] - POSE_SPREAD[0])
    return torch.tensor([pose if number.name in POSE else SPREAD for number in NUMBERS])


def with_unit_z(generator: Generator) -> Generator:
    """Fold the spread into the mapping, in place: z ~ N(0, 1) then stands for numbers spread as they were taught."""
    with torch.no_grad():
        first = generator.mapping.get_submodule("fc0")
        assert isinstance(first.weight, Tensor)
        first.weight *= spreads()
    return generator


def looked_at(numbers: Tensor, side: int) -> Tensor:
    """Return (B, 1, side, side): how much each pixel counts, 1 and more around eyes, nose and mouth."""
    steps = torch.arange(side) + 0.5
    places = handles(numbers, side)
    weight = torch.zeros(len(numbers), side, side)
    for name in LOOKED_AT:
        x, y = (places[name][:, axis].view(-1, 1, 1) for axis in (0, 1))
        distance = (steps[None, None, :] - x) ** 2 + (steps[None, :, None] - y) ** 2
        weight = torch.maximum(weight, torch.exp(-distance / (2 * (LOOK_SPREAD * side) ** 2)))
    return (1 + LOOK_WEIGHT * weight)[:, None]


def difference(found: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Return how far pictures (B, 3, H, W) are apart: pixels, four coarser sizes and edges in L1, and pixels squared.

    L1 alone learns nothing of what is small and seldom at one place (its best guess there is the ground, and eyes vanish);
    the square keeps pulling.
    """
    off = (found - truth) * weight
    loss = off.abs().mean() + 2 * ((found - truth).square() * weight).mean()
    for size in (2, 4, 8):
        loss = loss + F.avg_pool2d(off, size).abs().mean()
    apart = found - truth
    across, down = apart.diff(dim=-1) * weight[..., 1:], apart.diff(dim=-2) * weight[..., 1:, :]
    return loss + 2 * (across.abs().mean() + down.abs().mean())


def psnr(generator: Generator, count: int = 64, seed: int = 9) -> float:
    """Return the mean PSNR in dB to the renderer over that many creatures."""
    numbers = spreads() * torch.randn(count, len(NUMBERS), generator=torch.Generator().manual_seed(seed))
    errors: list[float] = []
    with torch.no_grad():
        for part in torch.split(numbers, 8):
            found = (generator(part) / 2 + 0.5).clamp(0, 1)
            off = (found - render_creatures(part, generator.config.resolution)).square().mean((1, 2, 3))
            errors += (-10 * off.log10()).tolist()
    return math.fsum(errors) / len(errors)


@click.command()
@click.option("--minutes", type=float, default=105.0, show_default=True, help="Of the wall clock, all runs together.")
@click.option(
    "--start", type=click.Path(path_type=Path, exists=True), help="A smaller generator's folder to grow from."
)
@click.option("--threads", type=int, default=1, show_default=True)
@click.option("--publish", type=click.Path(path_type=Path), help="Write the averaged generator there (fp16).")
@click.option("--export-only", is_flag=True, help="Write what there is now; train nothing.")
def main(minutes: float, start: Path | None, threads: int, publish: Path | None, export_only: bool) -> None:
    """Teach the generator `creatures`, or go on teaching it, and write it."""
    torch.set_num_threads(threads)
    folder = cache_folder() / "training" / "creatures"
    run = Distillation(Course(minutes), folder / "state", start)
    if run.resume():
        print(f"resumed after {run.spent_s / 60:.1f} min, {run.seen} seen", flush=True)
    elif export_only:
        raise click.ClickException(f"There is no trained state in {folder}; run the training first.")
    _stop_softly(run)
    if not export_only:
        run.run()
    generator = run.averaged()
    facts: dict[str, Any] = {
        "z": [number.name for number in NUMBERS],
        "spread": [round(float(value), 3) for value in spreads()],
        "seen": run.seen,
        "psnr_db": round(psnr(generator), 2),
    }
    save_generator(publish or folder / "creatures", with_unit_z(generator), facts)
    print(facts, flush=True)


def _stop_softly(run: Distillation) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        run.stopped = True

    signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    main()
