"""Language edits scored by the judge and against the truth: eight kinds of change, with no-op and truth as controls.

"Right" is the judge's word on what was asked (see `verdict`); the other numbers compare pixels. What should not have changed is
measured as PIE-Bench does (Ju et al. 2023): PSNR, SSIM and MSE, and in place of LPIPS, whose weights are not to be had, a
distance in the judge's own features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy import ndimage
from scumble_protocol.messages import Cue, Instruction, Mask, Settings

from ..imaging.arrays import Bools, Bytes
from ..training.judge import Judge
from .beside import ALONE, Beside
from .edits import channel
from .hands import Hand, Run
from .measures import changed_outside, psnr
from .score import likeness
from .sheet import Keep
from .tasks import Task
from .verdict import Verdict, seen_apart, verdict, wanted_of

_SELECTED = "selected"
SELECTED = f"said, {_SELECTED}"
PIECE_PX, PIECE_LEVEL, PIECE_SHARE = 7, 32, 0.25
"""How blurred, and from which of 255 levels on, what differs makes a piece. Of 72 additions (seeds 1234, 4321, 77) the judge finds
67 in the truth so, 70 when told where, and 65 in the truth through the autoencoder; by every pixel that differs, 67 and 1."""
REFERENCE_FORWARDS = 6
"""Of the reference implementation, for each step: source, target and layout, each with its unconditional branch."""


@dataclass(frozen=True)
class LanguageRow:
    """One edit. `right`, `thing`, `color`, `manner`: the judge's word (see Verdict). `inside`: PSNR (dB) to the truth where it
    changed, `apart` the judge's distance to the truth. `kept_…`: PSNR (dB), SSIM, MSE (10⁻⁴ of full scale) and the judge's
    distance to the picture before, where nothing should have changed. `outside`: changed pixels outside the selection, if there was one.
    `reference`: forwards of the reference implementation for as many steps.
    """

    kind: str
    method: str
    right: bool
    thing: bool
    color: bool | None
    manner: bool | None
    inside: float | None
    apart: float | None
    kept_psnr: float | None
    kept_ssim: float | None
    kept_mse: float | None
    kept_apart: float | None
    outside: int | None
    seconds: float
    first_preview_s: float
    forwards: int
    reference: int
    gflop: float | None
    peak_mib: float


def run_language(
    tasks: Sequence[Task],
    hand: Hand,
    judge: Judge,
    keep: Keep,
    settings: Settings | None = None,
    beside: Beside = ALONE,
) -> list[LanguageRow]:
    """Do each task as it is said, without and with a selection, and once told in full what the picture shows; score these, what
    stands beside (told in full, without and with a selection) and controls.

    `keep` gets a strip for the contact sheet: before, the three answers, those beside without a selection, truth.
    """
    rows: list[LanguageRow] = []
    for task in tasks:
        results = {name: hand(task.before, cues, settings or Settings()) for name, cues in ways_to_say(task).items()}
        others = {name: other(task.before, _in_full(task), Settings()) for name, other in beside.hands.items()}
        shown = [one.picture for one in (*results.values(), *others.values())]
        keep(task.said, [task.before, *shown, task.truth])
        bounded = (*_in_full(task), Mask(channel(task.may)))
        others |= {
            f"{name}, {_SELECTED}": other(task.before, bounded, Settings()) for name, other in beside.hands.items()
        }
        rows += [scored(task, name, one, judge) for name, one in (results | others | beside.controls(task)).items()]
    return rows


def _in_full(task: Task) -> tuple[Cue, ...]:
    assert task.reading is not None, "a move is not said"
    return (task.reading,)


def ways_to_say(task: Task) -> dict[str, tuple[Cue, ...]]:
    """Return the ways in which a painter might ask: the sentence alone, with a selection, or both prompts spelled out."""
    sentence = Instruction(task.said)
    return {"said": (sentence,), SELECTED: (sentence, Mask(channel(task.may))), "spelled out": _in_full(task)}


def scored(task: Task, method: str, run: Run, judge: Judge) -> LanguageRow:
    """Score one answer."""
    changed, selected = task.changed, method.endswith(_SELECTED)
    said = verdict(judge, wanted_of(task), run.picture, where_to_look(task, run.picture, selected))
    elsewhere = np.where(
        changed[..., None], task.before, run.picture
    )  # so that SSIM's windows see nothing of the change
    kept_psnr, kept_ssim = likeness(elsewhere, task.before, ~changed)
    return replace(
        judged(task, method, run, said),
        inside=psnr(run.picture, task.truth, changed),
        apart=seen_apart(judge, run.picture, task.truth),
        kept_psnr=kept_psnr,
        kept_ssim=kept_ssim,
        kept_mse=_mse(elsewhere, task.before, ~changed),
        kept_apart=seen_apart(judge, elsewhere, task.before),
        outside=changed_outside(run.picture, task.before, task.may) if selected else None,
    )


def where_to_look(task: Task, picture: Bytes, selected: bool) -> Bools:
    """Return where the changed thing is, (h, w): "add a hat" does not say where, so there it is where the answer differs most."""
    found = largest_pieces(picture, task.before) if task.kind == "add" and not selected else task.thing
    return found if found.any() else task.thing


def largest_pieces(picture: Bytes, before: Bytes) -> Bools:
    """Return the largest pieces of what differs, (h, w), by how much they differ in all; nowhere where nothing does.

    A little noise all over, as an autoencoder makes along edges, is no piece.
    """
    apart = np.abs(picture.astype(np.float32) - before).max(axis=-1)
    pieces, count = ndimage.label(cv2.blur(apart, (PIECE_PX, PIECE_PX)) > PIECE_LEVEL)
    if not count:
        return np.zeros(apart.shape, bool)
    amounts = ndimage.sum(apart, pieces, np.arange(1, count + 1))
    return np.isin(pieces, 1 + np.flatnonzero(amounts >= PIECE_SHARE * amounts.max()))


def judged(task: Task, method: str, run: Run, said: Verdict) -> LanguageRow:
    """Return what is known of an answer without a truth to compare it with: the judge's word and the costs."""
    return LanguageRow(
        kind=task.kind,
        method=method,
        right=said.right,
        thing=said.concept,
        color=said.color,
        manner=said.manner,
        inside=None,
        apart=None,
        kept_psnr=None,
        kept_ssim=None,
        kept_mse=None,
        kept_apart=None,
        outside=None,
        seconds=run.seconds,
        first_preview_s=run.first_preview_s,
        forwards=run.forwards,
        reference=REFERENCE_FORWARDS * run.steps,
        gflop=run.gflop,
        peak_mib=run.peak_mib,
    )


def _mse(result: Bytes, before: Bytes, where: np.ndarray) -> float:
    if not where.any():
        return 0.0
    return float(((result.astype(np.float64) - before)[where] ** 2).mean() / 255**2 * 1e4)
