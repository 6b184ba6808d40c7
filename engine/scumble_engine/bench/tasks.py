"""Edits of illustrations with a known truth: the composer renders one scene before and after one change. No scoring here."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scumble_protocol.messages import PromptPair

from ..assist.prompts import read_instruction
from ..assist.vocabulary import Vocabulary, vocabulary_from
from ..imaging.arrays import Bools, Bytes, Floats
from ..imaging.mask import grow
from ..training.bank import SpriteBank
from ..training.captions import GROUND_WORDS, Describer
from ..training.kept_bank import keep_bank
from ..training.pairs import Pair, make_pair, sample_change
from ..training.palette import COLORS
from ..training.recipe import Recipe
from ..training.scenes import (
    Add,
    Change,
    ChangeBackground,
    Mixture,
    Move,
    Recolor,
    Remove,
    Replace,
    Restyle,
    Scene,
    SceneSampler,
    held_out,
)
from ..training.vocabulary import vocabulary

LANGUAGE_KINDS = ("recolor", "replace", "swap", "add", "remove", "restyle", "background", "repaint")
"""`swap` puts another thing in another colour; `repaint` gives the ground another colour; the others are the composer's.

A move is a drag's task, and the composer knows no materials."""
VISIBLE = 0.06
"""How far before and truth must lie apart where they differ (mean of 0..1), for a change to be one."""


@dataclass(frozen=True)
class Task:
    """One edit. Pictures are (h, w, 3) u8; `may`: where a painter would allow it; `said`: in words; `pair`: how that was read."""

    kind: str
    pair: Pair
    before: Bytes
    truth: Bytes
    may: Bools
    said: str
    reading: PromptPair | None

    @property
    def changed(self) -> Bools:
        """Where before and truth differ at all, shadows too."""
        return np.asarray((self.before != self.truth).any(axis=2), dtype=bool)

    @property
    def thing(self) -> Bools:
        """Where the thing that the change is about stands, before or after it; nowhere for grounds and styles."""
        covered = self.pair.object_before.maximum(self.pair.object_after) > 0.5
        return np.asarray(covered.numpy(), dtype=bool)


@dataclass(frozen=True)
class Studio:
    """The composer and the words of one recipe."""

    recipe: Recipe
    bank: SpriteBank
    describer: Describer

    @property
    def words(self) -> Vocabulary:
        return vocabulary_from(vocabulary(self.recipe))


def open_studio(recipe: Recipe) -> Studio:
    """Load the sprites in all colours: fetched from their packages and coloured on first use, then kept."""
    bank = keep_bank(recipe)
    return Studio(recipe, bank, Describer(recipe.concepts, bank))


def make_tasks(studio: Studio, kind: str, count: int, seed: int) -> list[Task]:
    """Draw `count` tasks of a kind, of scenes with one object, as wide as the composer makes them; each change can be seen.

    Pairs of concept and colour that training holds out are left out; the evaluation asks for those.
    """
    own = zlib.crc32(f"{kind}/{seed}".encode())  # other scenes for each kind
    sampler, draw = SceneSampler(studio.bank, own, Mixture(counts=(1.0,))), random.Random(own)
    tasks: list[Task] = []
    while len(tasks) < count:
        scene = sampler.sample()
        change = _change(studio, kind, scene, sampler, draw)
        if change is None:
            continue
        pair = make_pair(scene, change, studio.bank, studio.describer, studio.recipe.size_px)
        if _is_visible(pair):
            tasks.append(_task(studio, kind, pair))
    return tasks


def _change(studio: Studio, kind: str, scene: Scene, sampler: SceneSampler, draw: random.Random) -> Change | None:
    """Draw one change of this kind, or None where the scene or the draw does not suit."""
    if kind == "repaint":
        ground = scene.background
        other = draw.choice([name for name in COLORS if name != ground.color])
        return ChangeBackground(replace(ground, color=other)) if ground.kind == "plain" else None
    drawn = sample_change("replace" if kind == "swap" else kind, scene, sampler, studio.bank, draw)
    if kind == "swap":
        assert isinstance(drawn, Replace)
        drawn = replace(drawn, color=draw.choice(COLORS))
    match drawn:
        case Recolor(index, color):
            item = scene.objects[index]
            usual = color == studio.bank.natural_of(item.concept, item.style)
            return None if usual or held_out(item.concept, color) else drawn
        case Replace(_, concept, str(color)):
            return None if held_out(concept, color) else drawn
    return drawn


def _is_visible(pair: Pair) -> bool:
    if not bool(pair.changed.any()):
        return False
    return float((pair.after - pair.before).abs().mean(dim=0)[pair.changed].mean()) >= VISIBLE


def _task(studio: Studio, kind: str, pair: Pair) -> Task:
    said = sentence(pair)
    before, truth = to_bytes(pair.before.numpy()), to_bytes(pair.after.numpy())
    may = allowed(pair, np.asarray((before != truth).any(axis=2), dtype=bool))
    reading = read_instruction(said, studio.words, pair.source) if said else None
    return Task(kind, pair, before, truth, may, said, reading)


def allowed(pair: Pair, changed: Bools) -> Bools:
    """Say where a painter would allow a change, (h, w): about what differs, and of what is moved all of it, there and back.

    A thing of one colour that overlaps itself differs only at its rim, but nobody selects a rim.
    """
    if not isinstance(pair.change, Move):
        return grow(changed, 3.0)
    covered = np.asarray(pair.object_before.maximum(pair.object_after).numpy() > 0, dtype=bool)
    return np.asarray(ndimage.binary_fill_holes(grow(changed | covered, 3.0)), dtype=bool)


def sentence(pair: Pair) -> str:
    """Say the change as a painter would; a move is not said."""
    change, objects = pair.change, pair.scene.objects
    match change:
        case Recolor(index, color):
            return f"make the {objects[index].concept} {color}"
        case Replace(index, concept, color):
            return f"replace the {objects[index].concept} with {_a(color, concept)}"
        case Remove(index):
            return f"remove the {objects[index].concept}"
        case Add(added):
            return f"add {_a(added.color, added.concept)}"
        case Restyle(style):
            return f"make it {style}"
        case ChangeBackground(ground):
            if ground.kind == pair.scene.background.kind:
                return f"make the background {ground.color}"
            return f"put it {GROUND_WORDS[ground.kind][0].format(color=ground.color)}"
    return ""


def _a(color: str | None, concept: str) -> str:
    words = f"{color} {concept}" if color else concept
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def to_bytes(picture: Floats) -> Bytes:
    """Turn (3, h, w) in 0..1 into (h, w, 3) u8."""
    rounded: Bytes = np.clip(np.rint(picture.transpose(1, 2, 0) * 255), 0, 255).astype(np.uint8)
    return rounded
