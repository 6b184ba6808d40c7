"""Contact sheets: a line of pictures for each task, what was asked above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scumble_protocol.errors import EngineError

from ..imaging.arrays import Bytes

TILE_PX, TITLE_PX = 128, 14

Keep = Callable[[str, list[Bytes]], None]
"""Takes what was asked and the pictures that belong to it, for a sheet."""


@dataclass(frozen=True)
class Strip:
    """What was asked, and pictures (h, w, 3) u8."""

    said: str
    pictures: list[Bytes]


def keeper(strips: list[Strip], most: int) -> Keep:
    """Return what keeps the first `most` strips it is given."""
    given = 0

    def keep(said: str, pictures: list[Bytes]) -> None:
        nonlocal given
        given += 1
        if given <= most:
            strips.append(Strip(said, pictures))

    return keep


def write_sheet(strips: Sequence[Strip], columns: Sequence[str], path: Path, across: int = 2) -> None:
    """Write strips as one PNG, `across` beside each other, `columns` named above. Raises EngineError; writes nothing for no strips."""
    if not strips:
        return
    blocks = [_titled(strip, columns if number < across else ()) for number, strip in enumerate(strips)]
    rows = [blocks[start : start + across] for start in range(0, len(blocks), across)]
    width = max(sum(block.width for block in row) for row in rows)
    sheet = Image.new("RGB", (width, sum(row[0].height for row in rows)), "white")
    top = 0
    for row in rows:
        for number, block in enumerate(row):
            sheet.paste(block, (number * row[0].width, top))
        top += row[0].height
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)
    except OSError as exc:
        raise EngineError(f"The contact sheet could not be written to {path}.") from exc


def _titled(strip: Strip, columns: Sequence[str]) -> Image.Image:
    tiles = [cv2.resize(one, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA) for one in strip.pictures]
    head = TITLE_PX * (2 if columns else 1)
    block = Image.new("RGB", (TILE_PX * len(tiles) + 8, TILE_PX + head + 2), "white")
    pen, font = ImageDraw.Draw(block), ImageFont.load_default(size=10)
    for number, name in enumerate(columns):
        pen.text((number * TILE_PX + 2, 1), name, fill="gray", font=font)
    pen.text((2, head - TITLE_PX + 1), strip.said, fill="black", font=font)
    block.paste(Image.fromarray(np.hstack(tiles)), (0, head))
    return block
