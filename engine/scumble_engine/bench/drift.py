"""Ten edits in a row on one place, there and back: what creeps in, and whether anything outside ever changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scumble_protocol.messages import ColorStrokes, Cue, Handle, Mask, PromptPair, Settings

from ..imaging.arrays import Bools, Bytes, plane_of
from ..imaging.mask import grow
from .edits import channel
from .hands import Hand
from .latent import handle_of
from .measures import changed_outside, psnr
from .tasks import Task

EDITS = 10


@dataclass(frozen=True)
class DriftRow:
    """PSNR (dB) to the first picture where the edits were, after one round and after the last; `outside`: changed pixels elsewhere."""

    kind: str
    edits: int
    inside_first: float
    inside_last: float
    outside: int


@dataclass(frozen=True)
class _Round:
    """An edit and the one that undoes it."""

    there: tuple[Cue, ...]
    back: tuple[Cue, ...]


def run_drift(recolorings: list[Task], moves: list[Task], hand: Hand, edits: int = EDITS) -> list[DriftRow]:
    """Recolour by words, recolour by colour strokes, and drag, each there and back, `edits` edits in all for each task."""
    rows = [_drift("language", task, _by_words(task), hand, edits) for task in recolorings]
    rows += [_drift("brush", task, _by_strokes(task), hand, edits) for task in recolorings]
    return rows + [_drift("drag", task, _by_handle(task), hand, edits) for task in moves]


def _drift(kind: str, task: Task, turn: _Round, hand: Hand, edits: int) -> DriftRow:
    picture, inside = task.before, []
    for number in range(edits):
        cues = (*(turn.back if number % 2 else turn.there), Mask(channel(task.may)))
        picture = hand(picture, cues, Settings(seed=number)).picture
        if number % 2:
            inside.append(psnr(picture, task.before, task.changed))
    return DriftRow(kind, edits, inside[0], inside[-1], changed_outside(picture, task.before, task.may))


def _by_words(task: Task) -> _Round:
    said = task.reading
    assert said is not None
    return _Round((said,), (PromptPair(said.target, said.source, said.blend, said.keep, said.kind),))


def _by_strokes(task: Task) -> _Round:
    where = ~grow(~(np.asarray(task.pair.object_before.numpy()) > 0.5), 3.0)
    return _Round((_wash(task.truth, where),), (_wash(task.before, where),))


def _wash(picture: Bytes, where: Bools) -> ColorStrokes:
    mean = np.median(picture[where], axis=0).astype(np.uint8)
    return ColorStrokes(plane_of(np.dstack([np.broadcast_to(mean, picture.shape), where.astype(np.uint8) * 255]), "u8"))


def _by_handle(task: Task) -> _Round:
    there = handle_of(task)
    return _Round((there,), (Handle(there.end, there.start),))
