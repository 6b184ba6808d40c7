"""A contact sheet: each edit a row of before, the request drawn over it, and after. Pictures in, one picture out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scumble_protocol.client.request import Words
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Handle, Instruction

from .headless.cues import CueFiles, CuePlanes, read_cues
from .headless.raster import Samples

CELL_PX, GAP_PX, TITLE_PX = 480, 12, 34
PAPER, INK = (245, 243, 238), (40, 40, 44)
DIMMED = 0.55
TINTS = {"add": (60, 200, 90), "subtract": (235, 60, 60), "mask": (255, 255, 255), "grab": (70, 150, 255)}
ARROW = (255, 214, 10)


@dataclass(frozen=True)
class Row:
    """One edit: pictures (H×W×4, u8 or u16) before and after it, and its cues."""

    title: str
    before: Samples
    after: Samples
    cues: CueFiles
    words: Words | None = None


def draw_sheet(rows: Sequence[Row]) -> Image.Image:
    """Draw the sheet."""
    cells = [(row.title, _cells(row)) for row in rows]
    heights = [pictures[0].height for _, pictures in cells]
    width = 3 * CELL_PX + 4 * GAP_PX
    sheet = Image.new("RGB", (width, sum(heights) + len(rows) * (TITLE_PX + GAP_PX) + GAP_PX), PAPER)
    top = GAP_PX
    for title, pictures in cells:
        ImageDraw.Draw(sheet).text((GAP_PX, top + 4), title, INK, ImageFont.load_default(20))
        for column, picture in enumerate(pictures):
            sheet.paste(picture, (GAP_PX + column * (CELL_PX + GAP_PX), top + TITLE_PX))
        top += TITLE_PX + pictures[0].height + GAP_PX
    return sheet


def _cells(row: Row) -> tuple[Image.Image, Image.Image, Image.Image]:
    return _fitted(row.before), _with_request(row), _fitted(row.after)


def _fitted(samples: Samples) -> Image.Image:
    """Scale a picture to a cell's width, over paper where it is transparent."""
    eight = samples if samples.dtype == np.uint8 else (samples >> 8).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(eight), "RGBA")
    over = Image.new("RGBA", image.size, PAPER)
    over.alpha_composite(image)
    size = (CELL_PX, max(1, round(image.height * CELL_PX / image.width)))
    return over.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _with_request(row: Row) -> Image.Image:
    height, width = row.before.shape[:2]
    planes = read_cues(row.cues, Bounds(0, 0, width, height))
    shown = row.before.copy()
    shown[..., :3] = (shown[..., :3] * DIMMED).astype(shown.dtype)
    cell = _fitted(shown)
    for name, tint in TINTS.items():
        _tint(cell, getattr(planes, name), tint)
    _paste_colors(cell, planes)
    draw, scale = ImageDraw.Draw(cell), CELL_PX / width
    for handle in planes.handles:
        _draw_arrow(draw, handle, scale)
    if row.words is not None:
        _draw_words(draw, row.words, cell.height)
    return cell


def _tint(cell: Image.Image, plane: Samples | None, rgb: tuple[int, int, int]) -> None:
    if plane is not None:
        cell.paste(rgb, (0, 0), Image.fromarray(plane // 2).resize(cell.size))


def _paste_colors(cell: Image.Image, planes: CuePlanes) -> None:
    if planes.color is not None:
        strokes = Image.fromarray(planes.color, "RGBA").resize(cell.size)
        cell.paste(strokes, (0, 0), strokes)


def _draw_arrow(draw: ImageDraw.ImageDraw, handle: Handle, scale: float) -> None:
    start = (handle.start.x * scale, handle.start.y * scale)
    end = (handle.end.x * scale, handle.end.y * scale)
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    wings = [(end[0] - 14 * math.cos(angle + turn), end[1] - 14 * math.sin(angle + turn)) for turn in (0.45, -0.45)]
    draw.line((start, end), ARROW, 4)
    draw.polygon((end, *wings), ARROW)
    draw.ellipse((start[0] - 6, start[1] - 6, start[0] + 6, start[1] + 6), ARROW, INK)


def _draw_words(draw: ImageDraw.ImageDraw, words: Words, height: int) -> None:
    text = words.text if isinstance(words, Instruction) else f"{words.source} → {words.target}"
    font = ImageFont.load_default(18)
    left, top, right, bottom = draw.textbbox((14, height - 34), f"“{text}”", font)
    draw.rectangle((left - 6, top - 5, right + 6, bottom + 5), PAPER)
    draw.text((14, height - 34), f"“{text}”", INK, font)
