"""A picture of a generator's own domain back to w: W first, then a w for each layer, then the generator itself, each only as far
as needed (Karras et al. 2020, section 5; Abdal et al. 2019; Roich et al. 2022, pivotal tuning).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from .generator import Generator, Synthesis
from .steering import Steered

Stage = Literal["w", "w+", "tuning"]
SAMPLES = 256
W_STEPS, PLUS_STEPS, TUNING_STEPS, STALL = 150, 150, 120, 30
W_RATE, PLUS_RATE, TUNING_RATE = 0.05, 0.02, 3e-4
GOOD_DB = 32.0  # nobody sees the rest at these sizes
FAR_DB, FAR_STEPS = 14.0, 40  # the nearest of what the generator paints is hardly like the picture at all
HOLD = 2e-3  # in units of the spread: pulls w+ towards one w, so that it stays pullable


@dataclass(frozen=True)
class Inverted:
    """The best so far: `ws` (1, styles, w), the generator that paints them (tuned, or as it was), how like the picture it is."""

    ws: Tensor
    generator: Generator
    psnr_db: float
    stage: Stage
    step: int
    far: bool = False

    @property
    def tuned(self) -> bool:
        return self.stage == "tuning"


def psnr(found: Tensor, wanted: Tensor) -> float:
    """Return the PSNR in dB of pictures (1, 3, S, S) in -1..1."""
    return float(-10 * ((found.clamp(-1, 1) - wanted).square().mean() / 4).clamp_min(1e-10).log10())


def invert(steered: Steered, picture: Tensor, good_db: float = GOOD_DB) -> Iterator[Inverted]:
    """Yield the best after each step for a picture (1, 3, S, S) in -1..1.

    Ends when it is good enough, after all three stages, or, with `far`, early: when nothing that the generator paints is near.
    """
    best = _nearest(steered, picture)
    yield best
    for stage in (_through_w, _through_plus, _tuned):
        if best.far or best.psnr_db >= good_db:
            return
        for found in stage(steered, picture, best, good_db):
            best = found
            yield best


def _difference(found: Tensor, wanted: Tensor) -> Tensor:
    """Return how far pictures are apart, coarse sizes too, so that what is off by a few pixels is drawn there."""
    off = found - wanted
    total = off.square().mean()
    for size in (4, 8, 16):
        if off.shape[-1] >= 2 * size:
            total = total + F.avg_pool2d(off, size).square().mean()
    return total


@torch.no_grad()
def _nearest(steered: Steered, picture: Tensor) -> Inverted:
    """Begin with the nearest of that many characters (seed 0) and the mean."""
    generator, config = steered.generator, steered.generator.config
    z = torch.randn(SAMPLES, config.z_size, generator=torch.Generator().manual_seed(0)).to(steered.device)
    w = torch.cat([steered.spread.mean[None], generator.w(z)])
    small = max(config.sides[1], min(64, config.resolution))
    wanted = F.interpolate(picture, (small, small), mode="area")
    painted = torch.cat([generator.synthesis(generator.plus(part), last=small).rgb for part in torch.split(w, 32)])
    best = w[int((painted - wanted).square().mean((1, 2, 3)).argmin())][None]
    ws = generator.plus(best).contiguous()
    return Inverted(ws, generator, psnr(generator.synthesis(ws).rgb, picture), "w", 0)


def _through_w(steered: Steered, picture: Tensor, best: Inverted, good_db: float) -> Iterator[Inverted]:
    generator, spread = steered.generator, steered.spread
    moved = torch.zeros(1, 1, best.ws.shape[-1], device=steered.device, requires_grad=True)
    begin = best.ws
    for found in _descent(
        picture, best, moved, lambda: begin + moved @ spread.axes, generator, "w", W_STEPS, W_RATE, good_db
    ):
        far = found.step >= FAR_STEPS and found.psnr_db < FAR_DB
        yield replace(found, far=far)
        if far:
            return


def _through_plus(steered: Steered, picture: Tensor, best: Inverted, good_db: float) -> Iterator[Inverted]:
    generator, spread, begin = steered.generator, steered.spread, best.ws
    moved = torch.zeros(1, begin.shape[1], begin.shape[2], device=steered.device, requires_grad=True)
    yield from _descent(
        picture, best, moved, lambda: begin + moved @ spread.axes, generator, "w+", PLUS_STEPS, PLUS_RATE, good_db, HOLD
    )


def _descent(
    picture: Tensor,
    best: Inverted,
    moved: Tensor,
    ws_now: Callable[[], Tensor],
    generator: Generator,
    stage: Stage,
    steps: int,
    rate: float,
    good_db: float,
    hold: float = 0.0,
) -> Iterator[Inverted]:
    """Move w until the picture is near enough or gets no nearer."""
    optimizer, since = torch.optim.Adam([moved], lr=rate), 0
    for number in range(1, steps + 1):
        ws = ws_now()
        found: Synthesis = generator.synthesis(ws)
        near = psnr(found.rgb.detach(), picture)
        since = 0 if near > best.psnr_db + 0.02 else since + 1
        if near > best.psnr_db:
            best = Inverted(ws.detach(), generator, near, stage, number)
        yield Inverted(best.ws, generator, best.psnr_db, stage, number)
        if best.psnr_db >= good_db or since > STALL:
            return
        loss = _difference(found.rgb, picture) + hold * moved.square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _tuned(steered: Steered, picture: Tensor, best: Inverted, good_db: float) -> Iterator[Inverted]:
    """Tune a copy of the generator on that one picture; what it paints for other w hardly moves in so few steps."""
    tuned = copy.deepcopy(best.generator)
    weights = [value.requires_grad_(True) for value in tuned.synthesis.parameters()]
    optimizer, since = torch.optim.Adam(weights, lr=TUNING_RATE), 0
    for number in range(1, TUNING_STEPS + 1):
        found: Synthesis = tuned.synthesis(best.ws)
        near = psnr(found.rgb.detach(), picture)
        since = 0 if near > best.psnr_db + 0.02 else since + 1
        best = Inverted(best.ws, tuned, max(near, best.psnr_db), "tuning", number)
        yield best
        if near >= good_db or since > STALL:
            break
        loss = _difference(found.rgb, picture)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    tuned.requires_grad_(False)
