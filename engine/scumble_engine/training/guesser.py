"""Training the guesser: drawings made of sprites' outlines and inner edges, as a hand might draw them; other sets held out.

`python -m scumble_engine.training.guesser` makes models/weights/guesser again; the same seed gives the same weights.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scumble_engine.assist.guesser import WEIGHTS
from scumble_engine.assist.sketch_net import SketchNet, framed
from scumble_engine.training.recipe import SMALL_RECIPE, Recipe
from scumble_engine.training.sprites import SpritePack, load_pack
from torch import Tensor
from torch.nn import functional as F

LEARNT = ("flat", "3d", "cartoon", "glossy", "simple", "round", "soft")
HELD_OUT = ("classic", "outlined")
DRAWN_PX = 96
WIDTH = 16


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


def make_drawings(pack: SpritePack, words: list[str], each: int, seed: int) -> Drawings:
    """Draw every sprite of a pack `each` times."""
    draw = np.random.default_rng(seed)
    pictures, labels = [], []
    for sprite, pixels in zip(pack.sprites, pack.pixels, strict=True):
        rgba = pixels.numpy()
        for _ in range(each):
            pictures.append(framed(hand_drawn(rgba, draw)))
            labels.append(words.index(sprite.concept))
    return Drawings(torch.from_numpy(np.stack(pictures))[:, None], torch.tensor(labels))


def fit(net: SketchNet, drawings: Drawings, epochs: int, seed: int) -> None:
    """Train with AdamW and a one-cycle rate, labels a little smoothed: sketches are ambiguous."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    batches = len(drawings.labels) // 64
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=max(1, epochs * batches))
    net.train()
    for epoch in range(epochs):
        total, started = 0.0, time.monotonic()
        for rows in torch.randperm(len(drawings.labels), generator=generator)[: batches * 64].view(-1, 64):
            pictures = drawings.pictures[rows]
            shift = torch.randint(-3, 4, (2,), generator=generator).tolist()
            loss = F.cross_entropy(net(pictures.roll(shift, (2, 3))), drawings.labels[rows], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total / max(1, batches):.3f} {time.monotonic() - started:.0f} s", flush=True)


@torch.no_grad()
def score(net: SketchNet, drawings: Drawings) -> tuple[float, float]:
    """Return the shares of drawings named right by the first word and within the first three."""
    net.eval()
    ranked = torch.cat([net(part) for part in torch.split(drawings.pictures, 256)]).topk(3).indices
    hits = ranked == drawings.labels[:, None]
    return float(hits[:, 0].float().mean()), float(hits.any(1).float().mean())


def train_guesser(recipe: Recipe, each: int, epochs: int, seed: int, folder: Path) -> tuple[float, float]:
    """Train, score on sets that were not learnt from, and write the weights (fp16 safetensors). Returns top-1 and top-3."""
    words = [concept.name for concept in recipe.concepts]
    learnt = make_drawings(load_pack(LEARNT, recipe.concepts, 128), words, each, seed)
    held_out = make_drawings(load_pack(HELD_OUT, recipe.concepts, 128), words, 8, seed + 1)
    torch.manual_seed(seed)
    net = SketchNet(len(words), WIDTH)
    fit(net, learnt, epochs, seed)
    first, three = score(net, held_out)
    save(net, words, folder, {"top1": first, "top3": three, "drawings": len(held_out.labels), "seed": seed})
    return first, three


def save(net: SketchNet, words: list[str], folder: Path, figures: dict[str, float]) -> None:
    """Write the network for `assist.guesser` to read."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    halves = {
        name: weight.half() if weight.is_floating_point() else weight for name, weight in net.state_dict().items()
    }
    save_file(halves, folder / "model.safetensors")
    facts = {"words": words, "width": WIDTH, "learnt": LEARNT, "held_out": HELD_OUT, "figures": figures}
    (folder / "config.json").write_text(json.dumps(facts, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=24, help="drawings of each sprite")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    first, three = train_guesser(SMALL_RECIPE, arguments.each, arguments.epochs, arguments.seed, arguments.out)
    print(f"held-out sets: top-1 {first:.3f}, top-3 {three:.3f}")


if __name__ == "__main__":
    main()
