"""What a language task asks for, and what the judge finds in an answer. The judge knows neither the prompts nor the truth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ..imaging.arrays import Bools, Bytes
from ..training.judge import Judge
from ..training.scenes import Add, ChangeBackground, Recolor, Remove, Replace, Restyle
from ..training.scorer import NOTHING
from .tasks import Task

FILLED = 0.72
"""How much of a cut its thing fills: as much as the judge is used to."""


@dataclass(frozen=True)
class Wanted:
    """What the judge must find; None is not asked. `cut`: look at the changed thing alone, else at the whole picture."""

    concept: str
    color: str | None = None
    style: str | None = None
    ground: str | None = None
    ground_color: str | None = None
    cut: bool = False


@dataclass(frozen=True)
class Verdict:
    """Right or not: the thing (for a removal: that it is gone), the colour (of thing or ground), the manner (style or ground); None is
    not asked. `right`: all that was asked."""

    right: bool
    concept: bool
    color: bool | None
    manner: bool | None


def wanted_of(task: Task) -> Wanted:
    """Say what the judge must find after the change; what is not changed must be there still."""
    change, item = task.pair.change, task.pair.scene.objects[0]
    match change:
        case Recolor(_, color):
            return Wanted(item.concept, color)
        case Replace(_, concept, color):
            return Wanted(concept, color)
        case Remove():
            return Wanted(NOTHING, cut=True)
        case Add(added):
            return Wanted(added.concept, added.color, cut=True)
        case Restyle(style):
            return Wanted(item.concept, style=style)
        case ChangeBackground(ground) if ground.kind == task.pair.scene.background.kind:
            return Wanted(item.concept, ground_color=ground.color)
        case ChangeBackground(ground):
            return Wanted(item.concept, ground=ground.kind)
    raise AssertionError(f"nothing is said by {change}")


def verdict(judge: Judge, wanted: Wanted, picture: Bytes, where: Bools) -> Verdict:
    """Let the judge look at a picture; `where` (h, w) is the thing that was changed, cut out where the task says so."""
    seen = judge.read(to_tensor(cut_around(picture, where) if wanted.cut else picture))[0]
    concept = seen.concept == wanted.concept
    asked = {"color": wanted.color, "ground_color": wanted.ground_color}
    color = [getattr(seen, name) == name_wanted for name, name_wanted in asked.items() if name_wanted is not None]
    asked = {"style": wanted.style, "ground": wanted.ground}
    manner = [getattr(seen, name) == name_wanted for name, name_wanted in asked.items() if name_wanted is not None]
    return Verdict(all([concept, *color, *manner]), concept, _only(color), _only(manner))


def _only(answers: list[bool]) -> bool | None:
    return answers[0] if answers else None


def cut_around(picture: Bytes, where: Bools) -> Bytes:
    """Cut a square about a region, with room around it; beyond the border the picture's edge goes on. Nowhere: the whole picture."""
    if not where.any():
        return picture
    rows, columns = np.nonzero(where.any(axis=1))[0], np.nonzero(where.any(axis=0))[0]
    side = round(max(np.ptp(rows) + 1, np.ptp(columns) + 1) / FILLED)
    side = min(side, max(picture.shape[:2]))
    top, left = (int(line[0] + line[-1] + 1) // 2 - side // 2 for line in (rows, columns))
    wide = cv2.copyMakeBorder(picture, side, side, side, side, cv2.BORDER_REPLICATE)
    cut: Bytes = wide[top + side : top + 2 * side, left + side : left + 2 * side]
    return cut


def to_tensor(picture: Bytes) -> Tensor:
    """Turn (h, w, 3) u8 into (1, 3, h, w), 0..1."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].float() / 255


def seen_apart(judge: Judge, one: Bytes, other: Bytes) -> float:
    """Return the judge's distance of two pictures."""
    return float(judge.distance(to_tensor(one), to_tensor(other))[0])
