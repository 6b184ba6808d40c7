"""The guesser scored on drawings made of sets that it never learnt from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..assist.guesser import Guesser
from ..models.memory import peak_bytes
from ..training.guesser import HELD_OUT, hand_drawn
from ..training.recipe import Recipe
from ..training.sprites import SpritePack, load_pack


@dataclass(frozen=True)
class GuessRow:
    """One drawing: whether its word came first, and within three; seconds for the guess; the process's highest memory so far."""

    style: str
    top1: bool
    top3: bool
    seconds: float
    peak_mib: float


def held_out_packs(recipe: Recipe) -> list[SpritePack]:
    """Return the sets that the guesser never learnt from, one pack each."""
    return [load_pack((style,), recipe.concepts, 128) for style in HELD_OUT]


def run_guess(packs: Sequence[SpritePack], guesser: Guesser, each: int, seed: int) -> list[GuessRow]:
    """Draw every sprite `each` times, as a hand might, and let the guesser name it."""
    return [row for pack in packs for row in _rows(pack, guesser, each, np.random.default_rng(seed))]


def _rows(pack: SpritePack, guesser: Guesser, each: int, draw: np.random.Generator) -> list[GuessRow]:
    rows = []
    for sprite, pixels in zip(pack.sprites, pack.pixels, strict=True):
        for _ in range(each):
            lines = hand_drawn(pixels.numpy(), draw)
            begun = time.perf_counter()
            words, _chances = guesser.guess(lines)
            seconds = time.perf_counter() - begun
            hits = words[:1] == (sprite.concept,), sprite.concept in words[:3]
            rows.append(GuessRow(sprite.style, *hits, seconds, peak_bytes() / 2**20))
    return rows
