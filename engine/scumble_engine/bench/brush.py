"""The magic brush scored against the truth: a thing is added whose outline and colours are drawn, with no-op and truth as controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scumble_protocol.messages import AddStrokes, ColorStrokes, Cue, Instruction, Settings

from ..imaging.arrays import Bools, Bytes, plane_of
from ..imaging.mask import grow
from ..training.judge import Judge
from ..training.scenes import Add
from .beside import ALONE, Beside
from .edits import channel
from .hands import Hand, Run
from .measures import changed_outside, color_error, edge_f1, edges_of, psnr
from .sheet import Keep
from .tasks import Task
from .verdict import verdict, wanted_of

CUES = ("edge", "color", "edge+color")
FAR_PX = 24.0
"""An edit grows its strokes; beyond this nothing may change (a fifth of the small pictures' side)."""


@dataclass(frozen=True)
class BrushRow:
    """`edge_f1` of the drawn lines within 3 px; `delta_e` (2000) under the colour strokes; PSNR (dB) to the truth inside the thing;
    `thing`: whether the judge gives it its name; `outside`: changed pixels farther than FAR_PX from the strokes."""

    cues: str
    method: str
    edge_f1: float
    delta_e: float
    inside: float
    thing: bool
    outside: int
    seconds: float
    first_preview_s: float
    forwards: int
    gflop: float | None
    peak_mib: float


@dataclass(frozen=True)
class Drawn:
    """What a painter draws for a task: lines, and a colour wash with its place."""

    lines: Bools
    wash: Bytes
    painted: Bools


def drawn(task: Task) -> Drawn:
    """Draw the truth: the thing's outline and strong inner edges; its colours as a flat wash of a few patches, well inside."""
    solid = np.asarray(task.pair.object_after.numpy()) > 0.5
    outline = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    core = ~grow(~solid, 3.0)
    inner = edges_of(task.truth) & core
    wash = cv2.medianBlur(task.truth, 9)
    return Drawn(outline | inner, wash, core & ~grow(outline | inner, 1.5))


def cues_of(strokes: Drawn, names: str, words: str) -> tuple[Cue, ...]:
    """Make the cues named in `names` ("edge", "color", or both)."""
    cues: list[Cue] = [Instruction(words)]
    if "edge" in names:
        cues.append(AddStrokes(channel(strokes.lines)))
    if "color" in names:
        rgba = np.concatenate([strokes.wash, strokes.painted.astype(np.uint8)[..., None] * 255], axis=-1)
        cues.append(ColorStrokes(plane_of(rgba, "u8")))
    return tuple(cues)


def run_brush(tasks: Sequence[Task], hand: Hand, judge: Judge, keep: Keep, beside: Beside = ALONE) -> list[BrushRow]:
    """Do each addition by edge, by colour, and by both strokes, with the thing's name; score these, what stands beside (told in
    full what the picture is to show) and controls.

    `keep` gets a strip: what is asked, the three answers, those beside with both strokes, truth.
    Things too small for a stroke inside are passed over.
    """
    rows: list[BrushRow] = []
    for task in tasks:
        strokes, change = drawn(task), task.pair.change
        assert isinstance(change, Add), "only additions can be drawn"
        if not strokes.painted.any():
            continue
        words = f"{change.added.color or ''} {change.added.concept}".strip()
        runs = {names: hand(task.before, cues_of(strokes, names, words), Settings()) for names in CUES}
        others = {
            (names, name): other(task.before, (*_in_full(task), *cues_of(strokes, names, words)[1:]), Settings())
            for names in CUES
            for name, other in beside.hands.items()
        }
        shown = [*runs.values(), *(others[CUES[-1], name] for name in beside.hands)]
        keep(words, [_asked(task, strokes), *(one.picture for one in shown), task.truth])
        every = {(names, "engine"): one for names, one in runs.items()} | others
        every |= {("-", name): one for name, one in beside.controls(task).items()}
        rows += [_row(task, strokes, names, name, one, judge) for (names, name), one in every.items()]
    return rows


def _in_full(task: Task) -> tuple[Cue, ...]:
    assert task.reading is not None, "an addition is said"
    return (task.reading,)


def _row(task: Task, strokes: Drawn, cues: str, method: str, run: Run, judge: Judge) -> BrushRow:
    solid = np.asarray(task.pair.object_after.numpy()) > 0.5
    return BrushRow(
        cues=cues,
        method=method,
        edge_f1=edge_f1(run.picture, strokes.lines, grow(solid, 6.0)),
        delta_e=color_error(run.picture, strokes.wash, strokes.painted),
        inside=psnr(run.picture, task.truth, solid),
        thing=verdict(judge, wanted_of(task), run.picture, task.thing).concept,
        outside=changed_outside(run.picture, task.before, grow(strokes.lines | solid, FAR_PX)),
        seconds=run.seconds,
        first_preview_s=run.first_preview_s,
        forwards=run.forwards,
        gflop=run.gflop,
        peak_mib=run.peak_mib,
    )


def _asked(task: Task, strokes: Drawn) -> Bytes:
    shown: Bytes = np.where(strokes.painted[..., None], strokes.wash, task.before)
    return np.where(strokes.lines[..., None], np.uint8(0), shown)
