"""Training the guesser: drawings made of sprites' outlines and inner edges, as a hand might draw them; other sets held out.

`python -m scumble_engine.training.guesser` makes models/weights/guesser again; the same seed gives the same weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scumble_engine.assist.guesser import WEIGHTS
from scumble_engine.assist.sketch_net import SketchNet, framed
from scumble_engine.assist.small_net import save_net
from scumble_engine.training.concepts_base import base_concepts
from scumble_engine.training.recipe import SMALL_RECIPE, Recipe
from scumble_engine.training.sprites import BLACK, PACKS, SpritePack, load_pack
from torch import Tensor, nn
from torch.nn import functional as F

COLORED = ("flat", "3d", "cartoon", "glossy", "simple", "round", "soft")
LEARNT = (*COLORED, *BLACK)
HELD_OUT = ("classic", "outlined")
DRAWN_PX = 96
WIDTH = 16
BATCH = 64
# A thing is learnt when so many of the coloured sets draw it.
AT_LEAST = 4


@dataclass(frozen=True)
class Drawings:
    """Drawings as the network reads them, (n, 1, 64, 64), and the number of each one's word."""

    pictures: Tensor
    labels: Tensor


def hand_drawn(rgba: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.bool_]:
    """Draw a sprite, (4, h, w) premultiplied, as a hand might: outline, some inner edges, wobble, turn, gaps, a thicker pen."""
    alpha, luma = rgba[3].astype(np.float32) / 255, rgba[:3].astype(np.float32).mean(0) / 255
    matrix = _wobble(draw, alpha.shape[0])
    size = (DRAWN_PX, DRAWN_PX)
    alpha = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR)
    luma = cv2.warpAffine(luma, matrix, size, flags=cv2.INTER_LINEAR)
    alpha, luma = _bent(draw, alpha), luma
    solid = (alpha > 0.5).astype(np.uint8)
    lines = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    if draw.random() < 0.8:
        inner = (
            cv2.Canny(
                (cv2.GaussianBlur(luma, (0, 0), draw.uniform(0.8, 2.0)) * 255).astype(np.uint8),
                30,
                draw.uniform(50, 180),
            )
            > 0
        )
        lines |= inner & (cv2.erode(solid, np.ones((3, 3), np.uint8)) > 0)
    for _ in range(draw.integers(0, 4)):
        x, y, r = (int(one) for one in draw.integers((0, 0, 3), (DRAWN_PX, DRAWN_PX, 10)))
        lines[max(0, y - r) : y + r, max(0, x - r) : x + r] = False
    pen = int(draw.integers(1, 5))
    drawn: NDArray[np.bool_] = cv2.dilate(lines.astype(np.uint8), np.ones((pen, pen), np.uint8)).astype(bool)
    return drawn


def _wobble(draw: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Return a random turn, stretch, shear and flip about the middle, from a sprite's canvas to the drawing's."""
    angle, scale = np.radians(draw.normal(0, 9)), DRAWN_PX / side * draw.uniform(0.7, 0.92)
    stretch, shear, flip = draw.uniform(0.85, 1.18), draw.normal(0, 0.1), draw.choice([-1.0, 1.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[flip * scale * stretch, shear * scale], [0, scale / stretch]])
    offset = np.full(2, DRAWN_PX / 2) - linear @ np.full(2, side / 2)
    return np.concatenate([linear, offset[:, None]], axis=1).astype(np.float32)


def _bent(draw: np.random.Generator, alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bend a shape smoothly by a pixel or two, as an unsteady hand does."""
    coarse = draw.normal(0, 1.2, (2, 6, 6)).astype(np.float32)
    dx, dy = (cv2.resize(one, (DRAWN_PX, DRAWN_PX), interpolation=cv2.INTER_CUBIC) for one in coarse)
    columns, rows = np.meshgrid(np.arange(DRAWN_PX, dtype=np.float32), np.arange(DRAWN_PX, dtype=np.float32))
    bent: NDArray[np.float32] = cv2.remap(alpha, columns + dx, rows + dy, cv2.INTER_LINEAR)
    return bent


class DrawingClass:
    """An endless drawing lesson: sprites of a pack, drawn anew each time. Half of every batch shows one of the first `own` words."""

    def __init__(self, pack: SpritePack, words: Sequence[str], own: int, seed: int) -> None:
        self._pixels = pack.pixels.numpy()
        self._labels = np.array([words.index(sprite.concept) for sprite in pack.sprites])
        self._own = np.flatnonzero(self._labels < own)
        self._draw = np.random.default_rng(seed)

    def batch(self, count: int) -> Drawings:
        """Return `count` new drawings."""
        own = self._draw.choice(self._own, count // 2)
        chosen = np.concatenate([own, self._draw.integers(len(self._labels), size=count - len(own))])
        return self.drawn(chosen)

    def each(self, times: int) -> Drawings:
        """Return every sprite drawn so many times."""
        return self.drawn(np.repeat(np.arange(len(self._labels)), times))

    def drawn(self, chosen: NDArray[np.int64]) -> Drawings:
        """Draw the sprites with these numbers."""
        pictures = np.stack([framed(hand_drawn(self._pixels[index], self._draw)) for index in chosen])
        return Drawings(torch.from_numpy(pictures)[:, None], torch.from_numpy(self._labels[chosen]))


def fit(net: SketchNet, lessons: DrawingClass, drawings: int, seed: int) -> None:
    """Train with AdamW and a one-cycle rate, labels a little smoothed: sketches are ambiguous."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    steps = max(2, drawings // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    net.train()
    smooth = float("nan")
    for step in range(steps):
        lesson = lessons.batch(BATCH)
        shift = torch.randint(-3, 4, (2,), generator=generator).tolist()
        loss = F.cross_entropy(net(lesson.pictures.roll(shift, (2, 3))), lesson.labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        smooth = loss.item() if step == 0 else 0.99 * smooth + 0.01 * loss.item()
        if step % 200 == 0:
            print(f"{step * BATCH} drawings, loss {smooth:.3f}", flush=True)


@torch.no_grad()
def score(net: SketchNet, drawings: Drawings) -> tuple[float, float]:
    """Return the shares of drawings named right by the first word and within the first three."""
    net.eval()
    ranked = torch.cat([net(part) for part in torch.split(drawings.pictures, 256)]).topk(3).indices
    hits = ranked == drawings.labels[:, None]
    return float(hits[:, 0].float().mean()), float(hits.any(1).float().mean())


def train_guesser(recipe: Recipe, drawings: int, seed: int, folder: Path) -> tuple[float, float]:
    """Train, score on sets that were not learnt from, and write the weights (fp16 safetensors). Returns top-1 and top-3.

    What lines mean is learnt from everything that the sets draw, some 800 things; only the recipe's words are kept.
    """
    own = len(recipe.concepts)
    concepts = base_concepts(tuple(PACKS[style] for style in COLORED), AT_LEAST)
    words = [concept.name for concept in concepts]
    lessons = DrawingClass(load_pack(LEARNT, concepts, 128), words, own, seed)
    held_out = DrawingClass(load_pack(HELD_OUT, recipe.concepts, 128), words, own, seed + 1).each(8)
    torch.manual_seed(seed)
    net = SketchNet(len(words), WIDTH)
    fit(net, lessons, drawings, seed)
    narrow(net, own)
    first, three = score(net, held_out)
    figures = {"top1": first, "top3": three, "scored": len(held_out.labels), "drawings": drawings, "seed": seed}
    facts = {"words": words[:own], "width": WIDTH, "learnt": LEARNT, "held_out": HELD_OUT, "figures": figures}
    save_net(net, folder, facts)
    return first, three


def narrow(net: SketchNet, words: int) -> None:
    """Forget all but the first words."""
    last = net.head[-1]
    assert isinstance(last, nn.Linear)
    kept = nn.Linear(last.in_features, words)
    kept.load_state_dict({name: value[:words] for name, value in last.state_dict().items()})
    net.head[-1] = kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=int, default=320_000, help="how many drawings to learn from")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    first, three = train_guesser(SMALL_RECIPE, arguments.drawings, arguments.seed, arguments.out)
    print(f"held-out sets: top-1 {first:.3f}, top-3 {three:.3f}")


if __name__ == "__main__":
    main()
