"""Who does an edit in a benchmark: the engine, or nobody. What came of it, and what it cost. No scoring here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scumble_protocol.messages import Cue, Edit, Settings
from scumble_protocol.pixels import Picture
from torch.utils.flop_counter import FlopCounterMode

from ..diffusion.model import DiffusionModel
from ..edits import choose
from ..edits.work import Layer, Sketch, Work
from ..imaging.arrays import Bytes, plane_of
from ..models.shelf import Shelf
from .edits import laid_over


@dataclass(frozen=True)
class Run:
    """One edit as it went: the flattened picture and its costs.

    Truncated forwards count as whole ones. `gflop` is None where other networks than the diffusion model's ran, or none.
    """

    picture: Bytes
    seconds: float = 0.0
    first_preview_s: float = 0.0
    forwards: int = 0
    steps: int = 0
    gflop: float | None = None
    peak_mib: float = 0.0


Hand = Callable[[Bytes, tuple[Cue, ...], Settings], Run]
"""Does an edit on a picture (h, w, 3) u8, as its cues and settings say."""


def engine_hand(shelf: Shelf) -> Hand:
    """Return the hand of the engine: the edit that its cues choose, laid over the picture. What it needs is loaded at once."""
    model, _ = shelf.diffusion, shelf.fill
    each = forward_gflop(model)

    def perform(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        started = time.perf_counter()
        edit = Edit(Picture(plane_of(picture, "u8")), cues, settings)
        layer, first = walked(choose.perform(edit, shelf, "final"), started)
        made, seconds = layer.provenance, time.perf_counter() - started
        gflop = each * made.forwards if made.model == model.name else None
        return Run(laid_over(picture, layer), seconds, first, made.forwards, made.steps, gflop, made.peak_bytes / 2**20)

    return perform


def walked(work: Work, started: float) -> tuple[Layer, float]:
    """Walk an edit to its end; return its layer and when the first preview came (seconds; the whole time without one)."""
    first: float | None = None
    while True:
        try:
            if isinstance(next(work), Sketch) and first is None:
                first = time.perf_counter() - started
        except StopIteration as end:
            layer: Layer = end.value
            return layer, first if first is not None else time.perf_counter() - started


@torch.no_grad()
def forward_gflop(model: DiffusionModel) -> float:
    """Count the floating-point operations of one forward of the network that edits run, in billions (a multiply-add is two)."""
    quick = model.few_step
    side = quick.native_side // quick.stride
    z = torch.zeros(1, int(quick.unet.config.in_channels), side, side)
    with FlopCounterMode(display=False) as counter:
        quick.predict(z, 500, [quick.words("")])
    return float(counter.get_total_flops()) / 1e9
