"""Pulls on `creatures` scored against the renderer that taught it, which knows where each handle truly goes.

What a picture shows is read back by fitting the renderer's numbers to it, so that every row is judged alike, warps too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import torch
from rich.console import Console
from rich.table import Table
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Edit, Handle, Settings
from scumble_protocol.pixels import Picture
from torch import Tensor
from torch.nn import functional as F

from ..edits.character import plan_for
from ..edits.drag import drag as warp
from ..edits.model_window import to_array
from ..edits.scene import flattened
from ..gan.drag import PUBLISHED, DragPlan, drag
from ..gan.known import find_generator
from ..gan.steering import Steered, steered
from ..imaging.arrays import array_of, from_unit, plane_of
from ..models.shelf import Shelf
from ..training.creatures import NUMBERS, PLACE, handles, render_creatures

FAR, BEGIN = 2.5, 1.2  # standard deviations: how far the asked number goes, and how far on the other side it begins
READ_PX, READ_STEPS, READ_RATE = 64, 80, 0.05
MASK_SHARE = 0.16  # of the side, around each handle's path
ARRIVED = 0.03  # of the side


@dataclass(frozen=True)
class Kind:
    """One kind of pull: the numbers that go up (1) or down (-1), and the handles that are placed."""

    goes: dict[str, float]
    handles: tuple[str, ...]


KINDS = {
    "open mouth": Kind({"mouth_openness": 1}, ("mouth_bottom",)),
    "longer ears": Kind({"ear_length": 1}, ("left_ear", "right_ear")),
    "head left": Kind({"yaw": -1}, ("nose",)),
    "wider eyes": Kind({"eye_openness": 1}, ("left_lid", "right_lid")),
    "opposed": Kind({"ear_spread": 1}, ("left_ear", "right_ear")),
}


@dataclass(frozen=True)
class Pull:
    """A task: z (1, 26) before and after; starts and ends (n, 2) in pixels; `fixed` (1, 1, S, S) or None; which numbers are asked."""

    kind: str
    before: Tensor
    after: Tensor
    starts: Tensor
    ends: Tensor
    names: tuple[str, ...]
    fixed: Tensor | None


@dataclass(frozen=True)
class GanRow:
    """`handle_error`: share of the side; `psnr`: dB to the true picture; `unasked`: mean move of the other numbers, in standard
    deviations, from what is read in the picture at the beginning; `asked`: how much of the asked move is there; `seconds` of
    the wall clock."""

    method: str
    kind: str
    masked: bool
    handle_error: float
    arrived: bool
    psnr: float
    unasked: float
    asked: float
    steps: int
    seconds: float


def pulls(count: int, seed: int, spread: Tensor, side: int) -> list[Pull]:
    """Return that many tasks, kind after kind, every second round with a mask."""
    generator = torch.Generator().manual_seed(seed)
    return [_pull(number, torch.randn(1, len(NUMBERS), generator=generator), spread, side) for number in range(count)]


def _pull(number: int, z: Tensor, spread: Tensor, side: int) -> Pull:
    name = list(KINDS)[number % len(KINDS)]
    kind, after = KINDS[name], z.clone()
    for asked, sign in kind.goes.items():
        z[0, PLACE[asked]] = -sign * BEGIN
        after[0] = z[0]
        after[0, PLACE[asked]] = sign * (FAR - BEGIN)
    old, new = handles(z * spread, side), handles(after * spread, side)
    starts, ends = (torch.cat([found[one] for one in kind.handles]).clamp(0, side - 1) for found in (old, new))
    fixed = _around(starts, ends, side) if number // len(KINDS) % 2 else None
    return Pull(name, z, after, starts, ends, kind.handles, fixed)


def _around(starts: Tensor, ends: Tensor, side: int) -> Tensor:
    steps = torch.arange(side) + 0.5
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    grid = torch.stack([x, y], dim=-1)
    points = torch.cat([torch.lerp(starts, ends, share) for share in (0.0, 0.5, 1.0)])
    nearest: Tensor = (grid[:, :, None] - points).norm(dim=-1).amin(-1)
    return (nearest > MASK_SHARE * side).float()[None, None]


# ---- the ways -------------------------------------------------------------------------------------------------------

Way = Callable[[Steered, Pull, Tensor], tuple[Tensor, int]]
"""A generator, a task and its w to a picture (1, 3, S, S) in 0..1 and the steps taken."""


def _no_op(generator: Steered, pull: Pull, ws: Tensor) -> tuple[Tensor, int]:
    return generator.painted(ws), 0


def _truth(generator: Steered, pull: Pull, ws: Tensor) -> tuple[Tensor, int]:
    net = generator.generator
    with torch.no_grad():
        return generator.painted(net.plus(net.w(pull.after))), 0


def _warp(generator: Steered, pull: Pull, ws: Tensor) -> tuple[Tensor, int]:
    samples = from_unit(to_array(generator.painted(ws)), "u8")
    cues = tuple(
        Handle(Point(*map(float, start)), Point(*map(float, end)))
        for start, end in zip(pull.starts.tolist(), pull.ends.tolist(), strict=True)
    )
    work = warp(Edit(Picture(plane_of(samples, "u8")), cues, Settings("warp")), Shelf(device="cpu"), "final")
    try:
        while True:
            next(work)
    except StopIteration as end:
        after = flattened(samples, array_of(end.value.plane), end.value.bounds)
    except RequestError:
        return generator.painted(ws), 0
    return torch.from_numpy(after).permute(2, 0, 1)[None], 0


def _dragged(plan_of: Callable[[Steered], DragPlan]) -> Way:
    def way(generator: Steered, pull: Pull, ws: Tensor) -> tuple[Tensor, int]:
        plan = plan_of(generator)
        z = generator.z_near(ws) if plan.through else None
        ends, net = (pull.starts, pull.ends), generator.generator
        *_, last = drag(net, generator.spread, ws, ends, pull.fixed, plan, z)
        picture = generator.painted(last.ws)
        if pull.fixed is not None:
            picture = torch.lerp(picture, generator.painted(ws), pull.fixed)
        return picture, last.steps

    return way


WAYS: dict[str, Way] = {
    "no-op": _no_op,
    "plain warp": _warp,
    "published": _dragged(lambda _: PUBLISHED),
    "ours": _dragged(lambda generator: plan_for(generator, 0)),
    "truth": _truth,
}


# ---- judging --------------------------------------------------------------------------------------------------------


def read_numbers(pictures: Tensor, start: Tensor) -> Tensor:
    """Fit the renderer's numbers (B, 26) to pictures (B, 3, S, S), beginning at `start`."""
    wanted = F.interpolate(pictures, (READ_PX, READ_PX), mode="area")
    numbers = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([numbers], lr=READ_RATE)
    for _ in range(READ_STEPS):
        off = render_creatures(numbers, READ_PX) - wanted
        loss = off.abs().mean((1, 2, 3)).sum() + F.avg_pool2d(off, 4).abs().mean((1, 2, 3)).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return numbers.detach()


def score(
    method: str, tasks: Sequence[Pull], made: Sequence[tuple[Tensor, int, float]], spread: Tensor, begun: Tensor
) -> list[GanRow]:
    """Score one way's pictures; `begun` (B, 26): the numbers read in the pictures at the beginning."""
    pictures = torch.cat([picture for picture, _, _ in made])
    side = pictures.shape[-1]
    read = read_numbers(pictures, torch.cat([task.before for task in tasks]) * spread)
    truths = render_creatures(torch.cat([task.after for task in tasks]) * spread, side)
    rows: list[GanRow] = []
    for number, (task, (_, steps, seconds)) in enumerate(zip(tasks, made, strict=True)):
        there = handles(read[number : number + 1], side)
        found = torch.cat([there[name] for name in task.names])
        error = float((found - task.ends).norm(dim=1).mean()) / side
        asked = (task.after - task.before)[0] != 0
        moved = (read[number] - begun[number]) / spread
        off = (pictures[number] - truths[number]).square().mean()
        rows.append(
            GanRow(
                method,
                task.kind,
                task.fixed is not None,
                error,
                error <= ARRIVED,
                float(-10 * off.log10()),
                float(moved[~asked].abs().mean()),
                float((moved[asked] / (task.after - task.before)[0][asked]).mean()),
                steps,
                seconds,
            )
        )
    return rows


def run_gan(generator: Steered, spread: Tensor, count: int, seed: int, ways: dict[str, Way]) -> list[GanRow]:
    """Pull in every way and score."""
    tasks = pulls(count, seed, spread, generator.generator.config.resolution)
    rows: list[GanRow] = []
    begun = _read_at_beginning(generator, tasks, spread)
    for method, way in ways.items():
        made: list[tuple[Tensor, int, float]] = []
        for task in tasks:
            with torch.no_grad():
                ws = generator.generator.plus(generator.generator.w(task.before)).contiguous()
            started = time.perf_counter()
            picture, steps = way(generator, task, ws)
            made.append((picture, steps, time.perf_counter() - started))
        rows += score(method, tasks, made, spread, begun)
    return rows


def _read_at_beginning(generator: Steered, tasks: Sequence[Pull], spread: Tensor) -> Tensor:
    before, net = torch.cat([task.before for task in tasks]), generator.generator
    with torch.no_grad():
        pictures = torch.cat([generator.painted(net.plus(net.w(z[None]))) for z in before])
    return read_numbers(pictures, before * spread)


def run(name: str, count: int, seed: int, json_path: Path | None) -> None:
    """Score every way on a generator of creatures, say the means and write all rows. Raises RequestError for another family."""
    known = find_generator(name)
    if known.numbers != tuple(number.name for number in NUMBERS):
        raise RequestError(f"The generator “{name}” doesn't paint the renderer's creatures, so nobody knows the truth.")
    generator, spread = steered(known, "cpu"), torch.tensor(known.spread or (1.0,) * len(NUMBERS))
    rows = run_gan(generator, spread, count, seed, WAYS)
    Console().print(_table(rows))
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


def _table(rows: Sequence[GanRow]) -> Table:
    table = Table("way", "handle error", "arrived", "PSNR", "unasked σ", "asked", "steps", "s")
    for method in dict.fromkeys(row.method for row in rows):
        mine = [row for row in rows if row.method == method]
        table.add_row(
            method,
            f"{fmean(row.handle_error for row in mine):.1%}",
            f"{fmean(row.arrived for row in mine):.0%}",
            f"{fmean(row.psnr for row in mine):.2f}",
            f"{fmean(row.unasked for row in mine):.2f}",
            f"{fmean(row.asked for row in mine):.2f}",
            f"{fmean(row.steps for row in mine):.0f}",
            f"{fmean(row.seconds for row in mine):.2f}",
        )
    return table
