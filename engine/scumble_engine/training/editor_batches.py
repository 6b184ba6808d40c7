"""Batches for the editor: what to paint, everything that was given for it, and where it differs from the source."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from scumble_engine.diffusion.editor_cues import PATCH_PX, Cues, conditions, encode
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.captions import Describer
from scumble_engine.training.creatures import render_creatures
from scumble_engine.training.editor_creatures import CreaturePair, creature_pair
from scumble_engine.training.editor_samples import Drawn, Story, as_pulls, ask, tell
from scumble_engine.training.networks import Parts
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.render import render
from scumble_engine.training.scenes import SceneSampler
from scumble_engine.training.text import tokenize
from torch import Tensor
from torch.nn import functional as F

KINDS = {
    "recolor": 2.0, "replace": 2.0, "swap": 1.5, "add": 4.0, "remove": 2.0, "restyle": 1.5, "background": 2.0,
    "repaint": 1.5, "move": 2.0, "creature": 2.0, "alone": 1.0,
}  # fmt: skip
"""Kind of sample -> how often. `alone` has no source: a picture from words. `creature`s are animals in 26 numbers."""
_SELECTED = 0.5
_QUIET = {
    True: 0.25,
    False: 0.08,
}  # how often nothing is said: where something is shown, and where words are all there is


@dataclass(frozen=True)
class EditBatch:
    """latents (B, C, h, w) of what is to be painted, conditions, token ids, and changed (B, 1, h, w): 1 where it differs."""

    latents: Tensor
    conditions: Tensor
    ids: Tensor
    changed: Tensor


@dataclass
class _Sheet:
    """One batch being put together, line by line."""

    before: Tensor
    after: Tensor
    drawn: list[Drawn]
    words: list[str]
    alone: list[bool]


class EditBatches:
    """An endless, seeded stream of training batches."""

    def __init__(self, recipe: Recipe, bank: SpriteBank, parts: Parts, seed: int) -> None:
        self._recipe, self._bank, self._parts = recipe, bank, parts
        self._draw = random.Random(seed)
        self._sampler = SceneSampler(bank, seed + 1)
        self._describer = Describer(recipe.concepts, bank)

    @torch.no_grad()
    def next(self) -> EditBatch:
        """Compose, draw and encode one batch."""
        sheet = self.compose()
        cues, changed = self._cues(sheet)
        device = self._bank.full.device
        ids = tokenize(self._parts.tokenizer, sheet.words).to(device)
        latents = encode(self._parts.vae, sheet.after)
        return EditBatch(latents, conditions(self._parts.vae, cues.to(device)), ids, F.max_pool2d(changed, PATCH_PX))

    def compose(self) -> _Sheet:
        """Draw the kinds of a batch, and paint and describe every sample."""
        kinds = self._draw.choices(list(KINDS), list(KINDS.values()), k=self._recipe.batch)
        animals = [creature_pair(self._draw, self._recipe.size_px) for kind in kinds if kind == "creature"]
        told = [kind for kind in kinds if kind != "creature"]
        stories = [self._story("replace" if kind == "alone" else kind) for kind in told]
        sheet = self._paint_stories(stories, [kind == "alone" for kind in told])
        return self._paint_animals(sheet, animals) if animals else sheet

    def _story(self, kind: str) -> Story:
        while True:
            story = tell(kind, self._sampler, self._bank, self._draw)
            if story is not None:
                return story

    def _paint_stories(self, stories: list[Story], alone: list[bool]) -> _Sheet:
        first = render([story.before for story in stories], self._bank, self._recipe.size_px)
        last = render([story.after for story in stories], self._bank, self._recipe.size_px)
        drawn, words = [], []
        for row, story in enumerate(stories):
            cues = Drawn(self._recipe.size_px) if alone[row] else ask(story, first, last, row, self._draw)
            quiet = self._draw.random() < _QUIET[cues.shown]
            drawn.append(cues)
            words.append("" if quiet else self._describer.vary(story.after, self._draw).text)
        return _Sheet(first.rgb, last.rgb, drawn, words, alone)

    def _paint_animals(self, sheet: _Sheet, animals: list[CreaturePair]) -> _Sheet:
        numbers = torch.stack([pair.before for pair in animals] + [pair.after for pair in animals])
        painted = render_creatures(numbers.to(sheet.before.device), self._recipe.size_px)
        count = len(animals)
        return _Sheet(
            torch.cat([sheet.before, painted[:count]]),
            torch.cat([sheet.after, painted[count:]]),
            [*sheet.drawn, *(pair.drawn for pair in animals)],
            [*sheet.words, *(pair.words for pair in animals)],
            [*sheet.alone, *(False for _ in animals)],
        )

    def _cues(self, sheet: _Sheet) -> tuple[Cues, Tensor]:
        """Return all cues, and (B, 1, H, W) where the pictures differ: everywhere where there is no source."""
        device = sheet.before.device
        changed = ((sheet.before - sheet.after).abs().amax(1, keepdim=True) > 0.01).float()
        alone = torch.tensor(sheet.alone, device=device)
        changed[alone] = 1.0
        pulls, held = as_pulls(sheet.drawn)
        cues = Cues(
            picture=sheet.before,
            present=1 - alone.float(),
            mask=self._masks(changed),
            add=torch.stack([torch.from_numpy(cue.add) for cue in sheet.drawn])[:, None].to(device),
            subtract=torch.stack([torch.from_numpy(cue.subtract) for cue in sheet.drawn])[:, None].to(device),
            color=torch.stack([torch.from_numpy(cue.color) for cue in sheet.drawn]).permute(0, 3, 1, 2).to(device),
            pulls=pulls.to(device),
            held=held.to(device),
        )
        return cues, changed

    def _masks(self, changed: Tensor) -> Tensor:
        """Return selections (B, 1, H, W): a painter's, about what changes, or everything."""
        masks = torch.ones_like(changed)
        for row in range(len(changed)):
            if self._draw.random() < _SELECTED:
                grow = self._draw.choice((5, 9, 17, 25))
                masks[row] = F.max_pool2d(changed[row : row + 1], grow, 1, grow // 2)[0]
        return masks
