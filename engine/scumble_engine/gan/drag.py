"""Dragging points on a generator's pictures: w is moved until what lay under each handle lies under its target.

After DragGAN (Pan et al. 2023, equations 1 to 3), from the paper: motion supervision pulls a patch of features a pixel towards
its target, point tracking finds where the patch has gone. What differs is said at `DragPlan`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from ..diffusion.points import clamped
from .generator import Generator, Synthesis
from .spread import Spread

Ending = Literal["", "arrived", "stuck", "lost", "out of steps"]
EASE_EVERY = 5  # steps without getting nearer
PAPER_PX = 512  # the side that the paper's radii and distances are given for


@dataclass(frozen=True)
class DragPlan:
    """How to drag. Distances are shares of the picture's side; `layers`: how many of the first w move (0 = as many as the
    compared features hang on); they move by one and the same step along the axes, or each by its own on w itself.

    `through`: z moves, so that every w stays one of the mapped ones: for generators whose z is a few numbers that mean
    something; else w moves.
    `along`: steps are taken along the main axes of the mapped w, in their standard deviations, so that one rate suits any
    generator and a face stays a face; otherwise on w itself, as published. `keep` is the mask's term where
    anything may move: what no handle asks for stays. `hold` draws back towards the w it began with, and
    `bound` towards the mapped w where w gets stranger than they are. `ease`: where the handles get no nearer, `keep` and `hold`
    are taken so much less seriously, again and again (1 = never): first all else stays, then only what can.
    `patience`: steps without getting nearer until it gives
    up; `lost`: how unlike its start a tracked patch may get, in the features' own spread.
    """

    side: int = 0
    layers: int = 0
    through: bool = False
    along: bool = True
    rate: float = 0.02
    steps: int = 120
    motion: float = 3 / PAPER_PX
    reach: float = 12 / PAPER_PX
    arrived: float = 0.008
    mask_weight: float = 20.0
    keep: float = 2.0
    hold: float = 0.02
    bound: float = 0.1
    ease: float = 1.0
    patience: int = 25
    lost: float = 1.2


PUBLISHED = DragPlan(
    layers=6,
    along=False,
    keep=0.0,
    rate=1e-3,
    steps=300,
    arrived=2 / PAPER_PX,
    hold=0.0,
    bound=0.0,
    patience=10**6,
    lost=float("inf"),
)
"""The constants of the paper and its user interface; the interface has no limit of steps, a benchmark needs one."""


@dataclass(frozen=True)
class Dragged:
    """The best so far: `ws` (1, styles, w); `points` (n, 2) where the handles are, in pixels; `distance` the mean way left in
    pixels; `ending`: why it is over, "" while it isn't."""

    ws: Tensor
    points: Tensor
    distance: float
    steps: int
    ending: Ending = ""


def feature_side(generator: Generator) -> int:
    """Return the block whose features are compared: a quarter of the picture's side, as the paper's sixth block of 512 px is."""
    return max(generator.config.sides[1], generator.config.resolution // 4)


class PointDrag:
    """One drag: where it began, where it is, and how to take a step. Points stay on the device."""

    def __init__(
        self,
        generator: Generator,
        spread: Spread,
        ws: Tensor,
        starts: Tensor,
        ends: Tensor,
        fixed: Tensor | None,
        plan: DragPlan,
        z: Tensor | None = None,
    ) -> None:
        """`z` (1, z): the one near ws, where z moves.

        `ws` (1, styles, w); `starts`, `ends` (n, 2) in pixels; `fixed` (1, 1, S, S): 1 where nothing should move."""
        self._generator, self._spread, self._plan, self._begin = generator, spread, plan, ws
        self._px = generator.config.resolution
        self._side = plan.side or feature_side(generator)
        self.points, self._ends = starts.clone(), ends
        self._layers = plan.layers or 2 * generator.config.sides.index(self._side) + 1
        assert plan.through == (z is not None)
        rows = 1 if plan.along or plan.through else self._layers
        self._z = z
        size = ws.shape[-1] if z is None else z.shape[-1]
        self._moved = torch.zeros(1, rows, size, device=ws.device, requires_grad=True)
        self._optimizer = torch.optim.Adam([self._moved], lr=plan.rate)
        with torch.no_grad():
            self._first = self._features(ws)
        self._wanted = self._sampled(self._first, starts)  # (n, C)
        self._unit = float(self._first.std())
        still = torch.zeros(1, 1, 1, 1, device=ws.device) if fixed is None else fixed
        still = F.interpolate(still, (self._side, self._side), mode="area")
        self._has_mask = fixed is not None
        self._still, self._eased = still, 1.0
        self._disc = _disc(max(1.0, plan.motion * self._px), 1.0, ws.device)
        self._window = _square(plan.reach * self._px, ws.device)

    @property
    def ws(self) -> Tensor:
        """The w as they are now, (1, styles, w)."""
        if self._z is not None:
            mapped: Tensor = self._generator.mapping(torch.cat([self._z + self._moved[:, 0], self._z]))
            moved: Tensor = self._begin + (mapped[:1] - mapped[1:])[:, None]
            return moved
        step = self._moved @ self._spread.axes if self._plan.along else self._moved
        count = self._layers
        return torch.cat([self._begin[:, :count] + step, self._begin[:, count:]], dim=1)

    def _features(self, ws: Tensor) -> Tensor:
        found: Synthesis = self._generator.synthesis(ws, side=self._side, paint=False)
        assert found.features is not None
        return found.features

    def _sampled(self, features: Tensor, points: Tensor) -> Tensor:
        """Read features (1, C, s, s) at points (…, 2) in pixels of the picture: (…, C), bilinear, clamped at the border."""
        grid = points.reshape(1, -1, 1, 2) / self._px * 2 - 1
        read = F.grid_sample(features, grid, mode="bilinear", padding_mode="border", align_corners=False)
        rows: Tensor = read[0, :, :, 0].T.reshape(*points.shape[:-1], -1)
        return rows

    def look(self) -> tuple[Tensor, Tensor]:
        """Paint as far as the features and track on them; return them, and (3,): mean way left, worst misfit, longest way."""
        features = self._features(self.ws)
        return features, self._track(features.detach())

    def step(self, features: Tensor) -> None:
        """Pull once: equation 1 (motion supervision and the mask's term), and what holds w."""
        loss = self._pull(features)
        if bool(self._plan.keep) or self._has_mask:
            keep = self._eased * self._plan.keep
            keeps = keep + (self._plan.mask_weight - keep) * self._still
            loss = loss + ((features - self._first) * keeps).abs().mean()
        if self._plan.along or self._plan.through:
            loss = loss + self._unit * self._restraint()
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def ease(self) -> None:
        """Hold less to what was there: the handles get no nearer."""
        self._eased *= self._plan.ease

    def _pull(self, features: Tensor) -> Tensor:
        way = self._ends - self.points
        length = way.norm(dim=1, keepdim=True)
        going = (length > self._plan.arrived * self._px).float()
        around = self.points[:, None] + self._disc
        ahead = around + (way / length.clamp_min(1e-6) * length.clamp_max(1.0))[:, None]
        off = (self._sampled(features, ahead) - self._sampled(features, around).detach()).abs().mean(dim=(1, 2))
        pulled: Tensor = (off * going[:, 0]).sum()
        return pulled

    def _restraint(self) -> Tensor:
        """Return what draws back: towards the beginning, and from where no mapped w lies."""
        if self._z is not None:
            far = ((self._z + self._moved[:, 0]).square().mean() - 1).clamp_min(0)
            return self._eased * self._plan.hold * self._moved.abs().mean() + self._plan.bound * far
        strange = self._spread.coordinates(self.ws).norm(dim=-1).max() / self._spread.usual
        drawn: Tensor = (
            self._eased * self._plan.hold * self._moved.square().mean()
            + self._plan.bound * (strange - 1).clamp_min(0) ** 2
        )
        return drawn

    def _track(self, features: Tensor) -> Tensor:
        """Find each handle again near where it was (equation 3)."""
        candidates = clamped(
            (self.points[:, None] + self._window).reshape(-1, 2), features.new_empty(1, 1, self._px, self._px)
        )
        candidates = candidates.reshape(len(self.points), -1, 2)
        off = (self._sampled(features, candidates) - self._wanted[:, None]).abs().mean(dim=2)
        best = off.argmin(dim=1, keepdim=True)
        self.points = candidates.gather(1, best[..., None].expand(-1, -1, 2))[:, 0]
        way = (self._ends - self.points).norm(dim=1)
        return torch.stack([way.mean(), off.gather(1, best).max() / self._unit, way.max()])


def drag(
    generator: Generator,
    spread: Spread,
    ws: Tensor,
    handles: tuple[Tensor, Tensor],
    fixed: Tensor | None = None,
    plan: DragPlan | None = None,
    z: Tensor | None = None,
) -> Iterator[Dragged]:
    """Yield the best state after each step; stop on arrival, when it gets no nearer, or when a handle is lost.

    `handles`: starts and ends (n, 2) in pixels; `z`: the one near ws, for a plan that moves z.

    Close the iterator to stop at once: what was yielded last is whole.
    """
    plan = plan or DragPlan()
    work = PointDrag(generator, spread, ws, *handles, fixed, plan, z)
    best = Dragged(ws, handles[0], float((handles[1] - handles[0]).norm(dim=1).mean()), 0)
    since = 0
    for number in range(plan.steps + 1):
        features, found = work.look()
        distance, misfit, farthest = found.tolist()
        lost = misfit > plan.lost
        nearer = not lost and distance < best.distance - 1e-3
        since = 0 if nearer else since + 1
        if nearer:
            best = Dragged(work.ws.detach(), work.points, distance, number)
        ending: Ending = "out of steps" if number == plan.steps else ""
        if lost or since > plan.patience:
            ending = "lost" if lost else "stuck"
        if not lost and farthest <= plan.arrived * generator.config.resolution:
            ending = "arrived"
        if since and since % EASE_EVERY == 0:
            work.ease()
        yield Dragged(best.ws, best.points, best.distance, number, ending)
        if ending:
            return
        work.step(features)


def _square(radius: float, device: torch.device) -> Tensor:
    """Return (k, 2) offsets of a square window, half a pixel apart."""
    line = torch.arange(-round(2 * radius), round(2 * radius) + 1, device=device) / 2
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(-1, 2)


def _disc(radius: float, spacing: float, device: torch.device) -> Tensor:
    """Return (k, 2) offsets of a disc."""
    steps = int(radius / spacing)
    line = torch.arange(-steps, steps + 1, device=device) * spacing
    y, x = torch.meshgrid(line, line, indexing="ij")
    offsets = torch.stack([x, y], dim=-1).reshape(-1, 2)
    return offsets[offsets.norm(dim=1) <= radius + 1e-6]
