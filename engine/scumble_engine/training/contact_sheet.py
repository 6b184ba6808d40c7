"""A sheet of samples not chosen by hand: 8 × 8 captions drawn by a seed, each painted once, the caption beneath."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.captions import Describer
from scumble_engine.training.networks import Parts
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.sampling import paint
from scumble_engine.training.scenes import SceneSampler
from torch import Tensor


def sheet_captions(recipe: Recipe, bank: SpriteBank, seed: int, count: int = 64) -> list[str]:
    """Return the captions of random scenes, as varied as in training."""
    sampler, describer, draw = SceneSampler(bank, seed), Describer(recipe.concepts, bank), random.Random(seed)
    return [describer.vary(scene, draw).text for scene in sampler.batch(count)]


def draw_sheet(pictures: Tensor, captions: Sequence[str], columns: int = 8) -> Image.Image:
    """Lay pictures (B, 3, H, W), sRGB in 0..1, out in rows with their captions in small letters beneath."""
    side = pictures.shape[-1]
    cell_w, cell_h = side + 8, side + 40
    rows = -(-len(captions) // columns)
    sheet = Image.new("RGB", (columns * cell_w, rows * cell_h), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=9)
    for i, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x, y = i % columns * cell_w + 4, i // columns * cell_h + 4
        pixels = (picture.permute(1, 2, 0).cpu().numpy() * 255).round().astype("uint8")
        sheet.paste(Image.fromarray(pixels), (x, y))
        for line, text in enumerate(textwrap.wrap(caption, max(10, side // 5))[:3]):
            pen.text((x, y + side + 1 + 11 * line), text, fill="black", font=font)
    return sheet


def save_sheet(recipe: Recipe, parts: Parts, bank: SpriteBank, path: Path, seed: int = 3, count: int = 64) -> None:
    """Paint the sheet with the teacher (30 steps, guidance 3) and save it as a picture."""
    captions = sheet_captions(recipe, bank, seed, count)
    batches = [captions[i : i + 16] for i in range(0, count, 16)]
    painted = [picture for i, part in enumerate(batches) for picture in paint(parts, part, seed + i).unbind()]
    draw_sheet(torch.stack(painted), captions).save(path, quality=90)
