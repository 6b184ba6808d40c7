"""T2 of a drag: noisy latents are moved by gradients until the handles' features are found at their targets.

Frozen weights, forwards that stop at the features' block, F0 targets (what was at the start, not what has drifted there),
fp32 latents and optimiser, a mask term in the latents, and a way back to the best latents when it stops getting better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from .capabilities import Shows
from .features import FeaturePoint
from .points import patches, pull, track
from .words import Conditioning


@dataclass(frozen=True)
class RefinePlan:
    """Distances in cells of the feature map. `patience`: iterations without getting nearer before it stops."""

    iterations: int = 40
    learning_rate: float = 0.02
    stride: float = 1.0
    patch_radius: int = 1
    reach: int = 2
    mask_weight: float = 0.1
    arrived: float = 0.5
    patience: int = 12
    point: FeaturePoint = field(default_factory=FeaturePoint)


@dataclass(frozen=True)
class Refined:
    """`distance`: mean cells from the handles to their targets at the best latents; `misfit`: how unlike the starts' features the
    targets' still are; `iterations` done; `arrived`: all handles are there."""

    latents: Tensor
    distance: float
    misfit: float
    iterations: int
    arrived: bool

    def nearer_than(self, other: Refined) -> bool:
        """Whether the handles are nearer, or as near and better matched."""
        if abs(self.distance - other.distance) > 1e-3:
            return self.distance < other.distance
        return self.misfit < 0.999 * other.misfit


def refine(
    model: Shows,
    original: Tensor,
    start: Tensor,
    timestep: int,
    words: Conditioning,
    points: tuple[Tensor, Tensor],
    may: Tensor,
    plan: RefinePlan,
) -> Iterator[Refined]:
    """Yield the state after each iteration, the best latents so far in it; stop on arrival or when it gets no nearer.

    `original`, `start`: noisy latents of the picture and of where to begin, at `timestep`. `points`: starts and targets (n, 2) in
    cells of the feature map. `may` (1, 1, h, w): where latents may change.
    """
    starts, targets = points
    with torch.no_grad():
        wanted = patches(model.features(original, timestep, [words], plan.point), starts, plan.patch_radius)
    z = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([z], lr=plan.learning_rate)
    best = Refined(start.clone(), float("inf"), float("inf"), 0, False)
    since, places = 0, None
    for iteration in range(plan.iterations + 1):
        features = model.features(z, timestep, [words], plan.point)
        with torch.no_grad():
            around = targets if places is None else places
            reach = max(plan.reach, _far(starts, targets)) if places is None else plan.reach
            places, _ = track(features, wanted, around, reach)
            distances = (places - targets).norm(dim=1)
            misfit = float(pull(features, wanted, targets, targets, plan.stride))
        now = Refined(
            z.detach().clone(), float(distances.mean()), misfit, iteration, bool((distances <= plan.arrived).all())
        )
        since = 0 if now.nearer_than(best) else since + 1
        best = now if since == 0 else replace(best, iterations=iteration)
        yield best
        if now.arrived or since > plan.patience or iteration == plan.iterations:
            return
        loss = pull(features, wanted, places, targets, plan.stride)
        loss = loss + plan.mask_weight * ((z - start) * (1 - may)).abs().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _far(starts: Tensor, targets: Tensor) -> int:
    """Return how far the handles have to go, in whole cells: at first what they hold may be anywhere on the way."""
    return int((targets - starts).norm(dim=1).max().ceil())
