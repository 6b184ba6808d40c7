"""Enlarging what was painted small, scored against scenes painted at four times the side: sharp edges, no halos, no grain."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..imaging.arrays import Bools, Bytes, Floats
from ..imaging.mask import grow
from ..models.crisp import TIMES, CrispNet, decode_crisply
from ..training.bank import build_bank
from ..training.concepts import SMALL
from ..training.render import render
from ..training.scenes import Mixture, SceneSampler
from ..training.sprites import load_pack
from .beside import Coder
from .measures import edges_of, psnr
from .sheet import Keep
from .tasks import to_bytes
from .verdict import to_tensor

Enlarger = Callable[[Bytes], Bytes]
SIDE_PX = 128
WAYS = ("bicubic", "crisp", "crisp, reduced first")
EDGE_PX, FAR_PX, NEAR_PX = 4.0, 12.0, 9
_CONCEPTS = 12


@dataclass(frozen=True)
class CrispRow:
    """One enlargement. `sharpness`: fine detail (mean size of the Laplacian) within EDGE_PX of the truth's edges, as a share of the
    truth's. `grain`: the same farther than FAR_PX from them, in levels of 255 more than the truth has. `halo`: how far pixels at
    edges go beyond what the truth has within NEAR_PX of them, mean levels. `edges`, `whole`: PSNR (dB) to the truth there and
    everywhere. `seconds`: of the processor.
    """

    source: str
    method: str
    sharpness: float
    grain: float
    halo: float
    edges: float
    whole: float
    seconds: float


def large_scenes(count: int, seed: int) -> list[Bytes]:
    """Return scenes (512, 512, 3) of drawings rendered at that size (some 140 MB of sprites while it runs)."""
    bank = build_bank(load_pack(("flat",), SMALL[:: len(SMALL) // _CONCEPTS][:_CONCEPTS], SIDE_PX * TIMES))
    scenes = SceneSampler(bank, seed, Mixture(busy=0.5)).batch(count)
    return [to_bytes(render([scene], bank, SIDE_PX * TIMES).rgb[0].numpy()) for scene in scenes]


def enlargers(net: CrispNet) -> dict[str, Enlarger]:
    """Return the ways to enlarge a picture four times."""

    def crisply(reduced: bool) -> Enlarger:
        return lambda small: to_bytes(decode_crisply(net, to_tensor(small), reduced)[0].numpy())

    return dict(zip(WAYS, (bicubic, crisply(False), crisply(True)), strict=True))


def bicubic(small: Bytes) -> Bytes:
    """Return the picture interpolated to four times its side."""
    large: Bytes = cv2.resize(small, None, fx=TIMES, fy=TIMES, interpolation=cv2.INTER_CUBIC)
    return large


def run_crisp(truths: Sequence[Bytes], ways: Mapping[str, Enlarger], coder: Coder | None, keep: Keep) -> list[CrispRow]:
    """Reduce each truth, enlarge it again in each way, from the reduced picture and from what an autoencoder makes of it.

    `keep` gets a strip for each source: the enlargements, truth.
    """
    rows: list[CrispRow] = []
    for truth in truths:
        side = truth.shape[0] // TIMES
        small = cv2.resize(truth, (side, side), interpolation=cv2.INTER_AREA)
        for source, picture in {"reduced": small, **({} if coder is None else {"coded": coder(small)})}.items():
            results = {}
            for method, enlarge in ways.items():
                started = time.process_time()
                results[method] = enlarge(picture)
                rows.append(row_of(source, method, results[method], truth, time.process_time() - started))
            keep(source, [*results.values(), truth])
    return rows


def row_of(source: str, method: str, result: Bytes, truth: Bytes, seconds: float = 0.0) -> CrispRow:
    """Score one enlargement."""
    rim = edges_of(truth)
    near, far = grow(rim, EDGE_PX), ~grow(rim, FAR_PX)
    detail = [_detail(picture) for picture in (result, truth)]
    return CrispRow(
        source=source,
        method=method,
        sharpness=_mean(detail[0], near) / max(_mean(detail[1], near), 1e-6),
        grain=_mean(detail[0], far) - _mean(detail[1], far),
        halo=_halo(result, truth, near),
        edges=psnr(result, truth, near),
        whole=psnr(result, truth, np.ones_like(near)),
        seconds=seconds,
    )


def _detail(picture: Bytes) -> Floats:
    found: Floats = np.abs(cv2.Laplacian(picture.astype(np.float32), cv2.CV_32F)).mean(axis=2)
    return found


def _mean(values: Floats, where: Bools) -> float:
    return float(values[where].mean()) if where.any() else 0.0


def _halo(result: Bytes, truth: Bytes, near: Bools) -> float:
    window = np.ones((2 * NEAR_PX + 1,) * 2, np.uint8)
    most, least = cv2.dilate(truth, window).astype(np.float32), cv2.erode(truth, window).astype(np.float32)
    beyond = np.maximum(result - most, 0) + np.maximum(least - result, 0)
    return _mean(beyond.mean(axis=2), near)
