"""Drags of illustrations scored against the truth: the warp and the latent methods, with no-op and truth as controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle, Mask, Settings

from ..imaging.arrays import Bytes, Floats
from .beside import ALONE, Beside
from .edits import channel
from .hands import Hand, Run
from .measures import changed_outside, differs, psnr
from .score import PATCH_PX, find_patch, likeness
from .sheet import Keep
from .tasks import Task

FAST: dict[str, Settings] = {"warp": Settings(method="warp"), "latent": Settings(method="latent")}
FITTED: dict[str, Settings] = {
    "latent": Settings(method="latent"),
    "latent, LoRA": Settings(method="latent", fidelity="lora"),
}
"""With the model fitted to the picture first, as DragDiffusion does, and without."""


@dataclass(frozen=True)
class LatentRow:
    """`handle_px`: how far what should lie at the handle's end is from there, found with correlation `confidence`; `progress`
    1 - err / err(no-op), None where the patch is found within a pixel though nothing was done.
    `whole` (PSNR, dB) and `whole_ssim` are to the truth over the whole picture: a patch may arrive where
    the rest of its thing is torn. `iou`: of what was changed with what should. `inside` (PSNR, dB) and `ssim` are to the truth where it
    changed, `uncovered` (PSNR) where the thing was and is no more. `outside`: changed pixels outside the selection.
    """

    method: str
    handle_px: float
    confidence: float
    progress: float | None
    whole: float
    whole_ssim: float
    iou: float
    inside: float
    uncovered: float
    ssim: float
    outside: int
    seconds: float
    first_preview_s: float
    forwards: int
    gflop: float | None
    peak_mib: float


def handle_of(task: Task) -> Handle:
    """Put one handle on the thing where it is most detailed, so that its patch is found again, and point it where the truth moves it."""
    solid = np.asarray(task.pair.object_before.numpy()) > 0.9
    rows, columns = np.nonzero(solid)
    flow = task.pair.flow.numpy()
    ends_x, ends_y = columns + flow[0, rows, columns], rows + flow[1, rows, columns]
    height, width = solid.shape
    detail = cv2.remap(
        _detail(task.truth), ends_x.astype(np.float32)[None], ends_y.astype(np.float32)[None], cv2.INTER_LINEAR
    )[0]
    inside = (ends_x >= 0) & (ends_x < width) & (ends_y >= 0) & (ends_y < height)
    best = int(np.where(inside, detail, -1).argmax())
    start = Point(columns[best] + 0.5, rows[best] + 0.5)
    return Handle(start, Point(float(ends_x[best]) + 0.5, float(ends_y[best]) + 0.5))


def _detail(picture: Bytes) -> Floats:
    """Return how much each pixel's surroundings vary, (h, w)."""
    side = 2 * PATCH_PX + 1
    floats = picture.astype(np.float32)
    spread = cv2.blur(floats**2, (side, side)) - cv2.blur(floats, (side, side)) ** 2
    detail: Floats = spread.sum(axis=2)
    return detail


def run_latent(
    tasks: Sequence[Task],
    hand: Hand,
    keep: Keep,
    methods: dict[str, Settings],
    beside: Beside = ALONE,
) -> list[LatentRow]:
    """Do each move by each method; score these, what stands beside, and controls. `keep` gets a strip: before, the answers, truth."""
    rows: list[LatentRow] = []
    for task in tasks:
        handle = handle_of(task)
        cues = (handle, Mask(channel(task.may)))
        results = {name: hand(task.before, cues, settings) for name, settings in methods.items()}
        results |= {name: other(task.before, cues, Settings()) for name, other in beside.hands.items()}
        keep(
            f"drag by {handle.end.x - handle.start.x:+.0f}, {handle.end.y - handle.start.y:+.0f}",
            [task.before, *(one.picture for one in results.values()), task.truth],
        )
        controls = beside.controls(task)
        rows += [_row(task, handle, name, one) for name, one in (results | controls).items()]
    return rows


def _row(task: Task, handle: Handle, method: str, run: Run) -> LatentRow:
    missed, confidence = find_patch(task.truth, run.picture, handle.end, handle.start)
    still = find_patch(task.truth, task.before, handle.end, handle.start)[0]
    have, should = (differs(one, task.before) & task.may for one in (run.picture, task.truth))
    whole, whole_ssim = likeness(run.picture, task.truth, np.ones_like(task.may))
    return LatentRow(
        method=method,
        handle_px=missed,
        confidence=confidence,
        progress=1 - missed / still if still >= 1 else None,
        whole=whole,
        whole_ssim=whole_ssim,
        iou=float((have & should).sum() / max(1, (have | should).sum())),
        inside=psnr(run.picture, task.truth, task.changed),
        uncovered=psnr(run.picture, task.truth, np.asarray(task.pair.uncovered.numpy(), dtype=bool)),
        ssim=likeness(run.picture, task.truth, task.changed)[1],
        outside=changed_outside(run.picture, task.before, task.may),
        seconds=run.seconds,
        first_preview_s=run.first_preview_s,
        forwards=run.forwards,
        gflop=run.gflop,
        peak_mib=run.peak_mib,
    )
