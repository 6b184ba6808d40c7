"""A studio of four drawings made here and a judge that knows its tasks, so that the benchmarks are tried without registry or training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from scumble_engine.bench.hands import Hand, Run
from scumble_engine.bench.sheet import Keep
from scumble_engine.bench.tasks import Studio, Task
from scumble_engine.bench.verdict import cut_around, to_tensor, wanted_of
from scumble_engine.imaging.arrays import Bytes
from scumble_engine.training.bank import build_bank
from scumble_engine.training.captions import Describer
from scumble_engine.training.concepts import SMALL
from scumble_engine.training.judge import Judge, Reading
from scumble_engine.training.recipe import SMALL_RECIPE
from scumble_engine.training.scenes import Scene, edited
from scumble_engine.training.scorer import NOTHING
from scumble_engine.training.sprites import Sprite, SpritePack
from scumble_protocol.messages import Cue, Settings
from torch import Tensor
from torch.nn import functional as F

COLORS = {"apple": (210, 40, 40), "star": (250, 205, 40), "cloud": (150, 90, 200), "tree": (60, 160, 60)}
SIDE = 64


def drawing(concept: str, style: str) -> Tensor:
    """Return (4, 64, 64): a shape of its own for each concept, with a dark bar whose side tells the style."""
    y, x = torch.meshgrid(torch.arange(SIDE) - 31.5, torch.arange(SIDE) - 31.5, indexing="ij")
    shapes = {
        "apple": x**2 + y**2 < 29**2,
        "star": x.abs() + y.abs() < 30,
        "cloud": (y.abs() < 14) & (x.abs() < 30),
        "tree": (x.abs() < (y + 32) / 2) & (y < 28),
    }
    rgba = torch.zeros(4, SIDE, SIDE, dtype=torch.uint8)
    rgba[:3] = torch.tensor(COLORS[concept], dtype=torch.uint8).view(3, 1, 1)
    bar = (y - (6 if style == "flat" else -2)).abs() < 3
    rgba[:3, bar] = 20
    rgba[3] = shapes[concept] * 255
    return rgba


@pytest.fixture(scope="session")
def pack() -> SpritePack:
    lines = [
        Sprite(name, style, name, "drawn-here", "1", "MIT", "0" * 64) for name in COLORS for style in ("flat", "3d")
    ]
    return SpritePack(tuple(lines), torch.stack([drawing(line.concept, line.style) for line in lines]))


@pytest.fixture(scope="session")
def studio(pack: SpritePack) -> Studio:
    concepts = tuple(concept for concept in SMALL if concept.name in COLORS)
    bank = build_bank(pack)
    recipe = replace(SMALL_RECIPE, concepts=concepts, styles=("flat", "3d"), size_px=SIDE)
    return Studio(recipe, bank, Describer(concepts, bank))


class KnowingJudge(Judge):
    """Knows what each task's pictures show, before and after, and takes any other picture for the nearest of these."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._known: list[tuple[Tensor, Reading]] = []
        for task in tasks:
            after = edited(task.pair.scene, task.pair.change)
            for picture, scene in ((task.before, task.pair.scene), (task.truth, after)):
                self._learn(task, picture, scene, picture is task.truth)

    def _learn(self, task: Task, picture: Bytes, scene: Scene, is_truth: bool) -> None:
        main = scene.objects[-1] if scene.objects else None
        if task.kind == "add" and not is_truth:
            main = None
        reading = Reading(
            main.concept if main else NOTHING,
            main.style if main else "",
            (main.color or "") if main else "",
            scene.background.kind,
            scene.background.color or "",
        )
        shown = cut_around(picture, task.thing) if wanted_of(task).cut else picture
        self._known.append((_small(to_tensor(shown)), reading))

    def read(self, pictures: Tensor) -> list[Reading]:
        told = []
        for picture in pictures:
            apart = [float((_small(picture[None]) - known).square().mean()) for known, _ in self._known]
            told.append(self._known[int(np.argmin(apart))][1])
        return told

    def distance(self, one: Tensor, other: Tensor) -> Tensor:
        return (one - other).square().mean(dim=(1, 2, 3))


def _small(picture: Tensor) -> Tensor:
    return F.interpolate(picture, size=(24, 24), mode="area")


def idle(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
    """A hand that does nothing."""
    return Run(picture)


def gifted(tasks: Sequence[Task]) -> Hand:
    """Return a hand that paints the truth of whichever task it is shown."""

    def perform(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        return Run(next(task.truth for task in tasks if np.array_equal(task.before, picture)), forwards=7, steps=8)

    return perform


def careless(hand: Hand) -> Hand:
    """Return a hand that does what another does, and spills a little into the upper left corner."""

    def perform(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        spilt = hand(picture, cues, settings).picture.copy()
        spilt[:4, :4] ^= 64
        return Run(spilt)

    return perform


@pytest.fixture
def kept() -> tuple[list[tuple[str, list[Bytes]]], Keep]:
    """A list, and what puts strips into it."""
    strips: list[tuple[str, list[Bytes]]] = []
    keep: Callable[[str, list[Bytes]], None] = lambda said, pictures: strips.append((said, pictures))  # noqa: E731
    return strips, keep
