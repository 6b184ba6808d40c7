"""`scumble bench edits`: drags and erases on photographs with a known truth, against three controls, and how long they take."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scumble_protocol.errors import EngineError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Cue, Edit, Grab, Mask, SubtractStrokes
from scumble_protocol.pixels import Picture, Plane

from ..edits import choose
from ..edits.work import Layer, Work
from ..imaging.arrays import Array, Bools, Bytes, array_of, plane_of
from ..imaging.mask import grow
from ..imaging.warp import motion_of, warp
from ..models.photo_fill import ClassicalFill
from ..models.shelf import Shelf
from .collection import collection
from .scenes import Scene
from .score import Score, likeness, score, sharpness
from .speed import Timing, measure_speed

STROKE_MARGIN_PX = 2.0


@dataclass(frozen=True)
class DragRow:
    """One method on one scene. `progress` is 1 - err / err(no-op) of the handle error: 1 is arrival, 0 is nothing done."""

    scene: str
    stratum: str
    method: str
    score: Score
    progress: float


@dataclass(frozen=True)
class EraseRow:
    scene: str
    method: str
    psnr: float
    ssim: float
    sharpness: float
    outside: int


def run(json_path: Path | None = None, out: Path | None = None) -> None:
    """Run the whole benchmark and print its tables; `json_path` gets every figure, `out` a contact sheet (PNG)."""
    console = Console()
    shelf = Shelf()
    timings = measure_speed(shelf)
    console.print(_speed_table(timings))
    scenes = collection()
    drags: list[DragRow] = []
    erases: list[EraseRow] = []
    strips: list[Bytes] = []
    for scene in track(scenes, "scenes", console=console, transient=True):
        results = drag_results(scene, shelf)
        drags += score_drags(scene, results)
        erased = erase_results(scene, shelf)
        erases += score_erases(scene, erased)
        strips.append(strip(scene, results["engine"], erased["engine"]))
    console.print(_drag_table(drags), _erase_table(erases))
    console.print(f"fill: {shelf.fill.name}; {len(scenes)} scenes; {platform.machine()}, {platform.system()}")
    if json_path is not None:
        json_path.write_text(json.dumps(_as_json(shelf, drags, erases, timings), indent=1))
    if out is not None and not cv2.imwrite(str(out), contact_sheet(strips)[..., ::-1]):
        raise EngineError(f"The contact sheet could not be written to {out}.")


def finished(work: Work) -> Layer:
    """Walk an edit to its end."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            layer: Layer = end.value
            return layer


def perform(picture: Bytes, cues: Iterable[Cue], shelf: Shelf) -> Bytes:
    """Do an edit and lay its layer over the picture, as a host would."""
    edit = Edit(Picture(plane_of(picture, "u8")), tuple(cues))
    return laid_over(picture, finished(choose.perform(edit, shelf, "final")))


def laid_over(picture: Bytes, layer: Layer) -> Bytes:
    """Return the opaque u8 picture with a layer over it; where its alpha is 0 the picture is untouched."""
    result: Bytes = picture.copy()
    bounds = layer.bounds
    here = result[bounds.y : bounds.bottom, bounds.x : bounds.right]
    over = array_of(layer.plane).astype(np.float32)
    alpha = over[..., 3:] / 255.0
    here[...] = np.where(alpha > 0, np.rint(over[..., :3] * alpha + here * (1 - alpha)), here).astype(np.uint8)
    return result


def channel(mask: Bools) -> Plane:
    return plane_of(mask.astype(np.uint8)[..., None] * 255, "u8")


def drag_results(scene: Scene, shelf: Shelf) -> dict[str, Bytes]:
    """Return the engine's result, with the thing to be found and with it selected, and the three controls."""
    cues: list[Cue] = [*scene.handles, *([Mask(channel(scene.mask))] if scene.mask is not None else [])]
    return {
        "engine": perform(scene.start, cues, shelf),
        "engine, selected": perform(scene.start, [*cues, Grab(channel(scene.grab))], shelf),
        "no-op": scene.start,
        "warp with holes": warp_with_holes(scene),
        "truth": scene.truth,
    }


def warp_with_holes(scene: Scene) -> Bytes:
    """Move the true shape's pixels by the handles, all together, and leave black what is uncovered."""
    alpha = scene.grab.astype(np.float32)[..., None]
    lifted = np.concatenate([scene.start.astype(np.float32) / 255.0 * alpha, alpha], axis=-1)
    holed = scene.start.astype(np.float32) / 255.0 * (1 - alpha)
    motion = motion_of([(handle.start, handle.end) for handle in scene.handles])
    whole = Bounds(0, 0, scene.start.shape[1], scene.start.shape[0])
    moved = warp(lifted, whole, motion, whole)
    warped: Bytes = np.clip(np.rint((moved[..., :3] + holed * (1 - moved[..., 3:])) * 255), 0, 255).astype(np.uint8)
    return warped


def score_drags(scene: Scene, results: dict[str, Bytes]) -> list[DragRow]:
    """Score every method on a scene."""
    scores = {name: score(scene, result) for name, result in results.items()}
    still = max(scores["no-op"].handle_px, 1e-6)
    return [DragRow(scene.name, scene.stratum, name, each, 1 - each.handle_px / still) for name, each in scores.items()]


def erase_results(scene: Scene, shelf: Shelf) -> dict[str, Bytes]:
    """Erase the things at their first place: the truth is the clean background. The control is the classical fill."""
    strokes = SubtractStrokes(channel(grow(scene.grab, STROKE_MARGIN_PX)))
    classical = Shelf()
    classical.__dict__["fill"] = ClassicalFill()
    return {
        "engine": perform(scene.start, [strokes], shelf),
        "classical fill": perform(scene.start, [strokes], classical),
        "no-op": scene.start,
    }


def score_erases(scene: Scene, results: dict[str, Bytes]) -> list[EraseRow]:
    """Score every erase where the thing was; nothing farther than 24 pixels from the strokes may change."""
    far = ~grow(scene.grab, 24.0)
    rows = []
    for name, result in results.items():
        psnr, ssim = likeness(result, scene.background, grow(scene.grab, 6.0))
        detail = sharpness(result, scene.background, scene.grab)
        outside = int(((result != scene.start).any(axis=2) & far).sum())
        rows.append(EraseRow(scene.name, name, psnr, ssim, detail, outside))
    return rows


def strip(scene: Scene, dragged: Bytes, erased: Bytes) -> Bytes:
    """Return one row of the contact sheet: the request, the drag, its truth, the erase, the clean background."""
    asked = scene.start.copy()
    for handle in scene.handles:
        ends = [(round(point.x), round(point.y)) for point in (handle.start, handle.end)]
        cv2.arrowedLine(asked, ends[0], ends[1], (0, 0, 0), 4, cv2.LINE_AA, tipLength=0.15)
        cv2.arrowedLine(asked, ends[0], ends[1], (255, 230, 0), 2, cv2.LINE_AA, tipLength=0.15)
    tiles = [_tile(picture) for picture in (asked, dragged, scene.truth, erased, scene.background)]
    return np.hstack(tiles)


def _tile(picture: Bytes, width: int = 300, height: int = 220) -> Bytes:
    scale = min((width - 6) / picture.shape[1], (height - 6) / picture.shape[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile = np.full((height, width, 3), 24, np.uint8)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    tile[y : y + small.shape[0], x : x + small.shape[1]] = small
    return tile


def contact_sheet(strips: list[Bytes]) -> Array:
    return np.vstack(strips)


def _drag_table(rows: list[DragRow]) -> Table:
    table = Table(title="Drags, by stratum (means)")
    for name in (
        "stratum",
        "method",
        "handle px",
        "NCC",
        "progress",
        "IoU",
        "centroid px",
        "PSNR dB",
        "SSIM",
        "outside",
    ):
        table.add_column(name, justify="left" if name in ("stratum", "method") else "right")
    for stratum in [*dict.fromkeys(row.stratum for row in rows), "all"]:
        for method in dict.fromkeys(row.method for row in rows):
            some = [row for row in rows if row.method == method and stratum in (row.stratum, "all")]
            table.add_row(stratum, method, *_drag_means(some))
        table.add_section()
    return table


def _drag_means(rows: list[DragRow]) -> list[str]:
    def mean(name: str) -> float:
        return float(np.mean([getattr(row.score, name) for row in rows]))

    progress = float(np.mean([row.progress for row in rows]))
    return [
        f"{mean('handle_px'):.2f}",
        f"{mean('confidence'):.2f}",
        f"{progress:.2f}",
        f"{mean('iou'):.3f}",
        f"{mean('centroid_px'):.2f}",
        f"{mean('psnr'):.1f}",
        f"{mean('ssim'):.3f}",
        str(sum(row.score.outside for row in rows)),
    ]


def _erase_table(rows: list[EraseRow]) -> Table:
    table = Table(title="Erases (means)")
    for name in ("method", "PSNR dB", "SSIM", "detail", "changed far away"):
        table.add_column(name, justify="left" if name == "method" else "right")
    for method in dict.fromkeys(row.method for row in rows):
        some = [row for row in rows if row.method == method]
        means = [float(np.mean([getattr(row, name) for row in some])) for name in ("psnr", "ssim", "sharpness")]
        table.add_row(
            method, f"{means[0]:.1f}", f"{means[1]:.3f}", f"{means[2]:.2f}", str(sum(row.outside for row in some))
        )
    return table


def _speed_table(timings: list[Timing]) -> Table:
    table = Table(title="Speed")
    for name in ("what", "first preview s", "result s", "CPU s", "peak memory MiB"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for timing in timings:
        table.add_row(
            timing.what,
            f"{timing.first_s:.3f}",
            f"{timing.total_s:.3f}",
            f"{timing.cpu_s:.3f}",
            f"{timing.peak_mib:.0f}",
        )
    return table


def _as_json(shelf: Shelf, drags: list[DragRow], erases: list[EraseRow], timings: list[Timing]) -> dict[str, object]:
    return {
        "fill": shelf.fill.name,
        "weights_sha256": shelf.fill.weights_sha256,
        "drags": [asdict(row) for row in drags],
        "erases": [asdict(row) for row in erases],
        "speed": [asdict(timing) for timing in timings],
    }
