"""Stories for the editor: a scene of the composer, one or two changes to it, and the cues that ask for them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scumble_engine.imaging.arrays import Bools, Floats
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.editor_strokes import dabs, outline, scribble
from scumble_engine.training.pairs import sample_change
from scumble_engine.training.palette import COLORS
from scumble_engine.training.render import Rendered, flow
from scumble_engine.training.scenes import (
    Add,
    Change,
    ChangeBackground,
    Move,
    Recolor,
    Remove,
    Replace,
    Scene,
    SceneObject,
    SceneSampler,
    edited,
    held_out,
    widened,
)
from torch import Tensor

MOST_PULLS = 6
_MIXED = 0.2
_MIXES = {
    "recolor": ("add", "move", "background"),
    "add": ("recolor", "background"),
    "move": ("recolor", "background"),
    "repaint": ("add", "move", "recolor"),
}
"""A first change -> what may follow it in one sample. Nothing is moved that the source does not have."""
_WIDTHS = (0.3, 0.6, 1.0)


@dataclass(frozen=True)
class Story:
    """A scene before and after its changes."""

    before: Scene
    changes: tuple[Change, ...]
    after: Scene


@dataclass
class Drawn:
    """The cues of one sample as they are being drawn: planes (h, w) and (h, w, 4) of 0..1, pulls as pixels (x, y, x, y)."""

    size_px: int
    add: Floats = field(init=False)
    subtract: Floats = field(init=False)
    color: Floats = field(init=False)
    pulls: list[tuple[float, float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        side = self.size_px
        self.add, self.subtract = np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
        self.color = np.zeros((side, side, 4), np.float32)

    @property
    def shown(self) -> bool:
        """Whether anything but words asks for a change."""
        return bool(self.pulls) or max(self.add.max(), self.subtract.max(), self.color.max()) > 0


def tell(kind: str, sampler: SceneSampler, bank: SpriteBank, draw: random.Random) -> Story | None:
    """Draw a scene and a change of this kind, sometimes a second one; None where the draw does not suit."""
    sampler.mixture = widened(draw.choice(_WIDTHS))
    before = after = sampler.sample()
    kinds = [kind]
    if kind in _MIXES and draw.random() < _MIXED:
        kinds.append(draw.choice(_MIXES[kind]))
    changes = []
    for each in kinds:
        change = _change(each, after, sampler, bank, draw)
        if change is None:
            return None
        after = edited(after, change)
        changes.append(change)
    return Story(before, tuple(changes), after)


def _change(kind: str, scene: Scene, sampler: SceneSampler, bank: SpriteBank, draw: random.Random) -> Change | None:
    """Draw one change, or None; pairs of concept and colour that training holds out are never made."""
    if kind == "repaint":
        ground = scene.background
        others = [name for name in COLORS if name != ground.color]
        return ChangeBackground(replace(ground, color=draw.choice(others))) if ground.kind == "plain" else None
    change = sample_change("replace" if kind == "swap" else kind, scene, sampler, bank, draw)
    match change:
        case Recolor(index, color) if held_out(scene.objects[index].concept, color):
            return None
        case Replace(_, concept) if kind == "swap":
            color = draw.choice(COLORS)
            return None if held_out(concept, color) else replace(change, color=color)
        case Add(added):
            return None if added.color and held_out(added.concept, added.color) else _anywhere(added, draw)
        case Move(index, center):
            return _moved(scene.objects[index], index, center, draw)
    return change


def _anywhere(added: SceneObject, draw: random.Random) -> Add:
    """Put the new thing anywhere in any size, half of the time; else beside what is there."""
    if draw.random() < 0.5:
        return Add(replace(added, size=draw.uniform(0.26, 0.5)))
    size = draw.uniform(0.2, 0.65)
    low, high = size * 0.42, 1 - size * 0.42
    return Add(replace(added, size=size, center=(draw.uniform(low, high), draw.uniform(low, high))))


def _moved(item: SceneObject, index: int, center: tuple[float, float] | None, draw: random.Random) -> Move:
    """Move a thing, or scale and turn it too, or only that."""
    way = draw.random()
    size = min(max(item.size * draw.choice((0.6, 0.75, 1.25, 1.5)), 0.2), 0.9) if way > 0.5 else None
    angle = item.angle_deg + draw.choice((-1, 1)) * draw.uniform(12, 45) if way > 0.75 else None
    return Move(index, center if way < 0.7 else None, size, angle)


def ask(story: Story, first: Rendered, last: Rendered, row: int, draw: random.Random) -> Drawn:
    """Draw what a painter might do to ask for a story's changes; line `row` of the renders is its scene before and after.

    One change in two is left to words alone.
    """
    made = Drawn(first.rgb.shape[-1])
    rgb = last.rgb[row].permute(1, 2, 0).numpy()
    for change in story.changes:
        match change:
            case Move(index):
                _pull(made, story, first, row, index, draw)
            case _ if draw.random() < 0.45:
                pass
            case Remove(index):
                _scribble_away(made, _thing(first, row, index), draw)
            case Recolor(index):
                made.color = dabs(_thing(last, row, index), rgb, draw, clean=draw.random() < 0.6)
            case Replace(index):
                _draw_thing(made, _thing(last, row, index), rgb, draw)
                if draw.random() < 0.3:
                    _scribble_away(made, _thing(first, row, index), draw)
            case Add():
                _draw_thing(made, _thing(last, row, len(story.before.objects)), rgb, draw)
    return made


def _thing(painted: Rendered, row: int, index: int) -> Bools:
    return np.asarray(painted.masks[row, index].numpy() > 0.5, dtype=bool)


def _draw_thing(made: Drawn, thing: Bools, rgb: Floats, draw: random.Random) -> None:
    what = draw.random()
    if what < 0.75:
        made.add = np.maximum(made.add, outline(thing, rgb, draw))
    if what > 0.4:
        made.color = dabs(thing, rgb, draw, clean=draw.random() < 0.6)


def _scribble_away(made: Drawn, thing: Bools, draw: random.Random) -> None:
    for _ in range(draw.choice((1, 1, 2))):
        stroke = scribble(thing, draw, draw.uniform(0.3, 1.0), draw.uniform(3, 16))
        made.subtract = np.maximum(made.subtract, stroke)


def _pull(made: Drawn, story: Story, first: Rendered, row: int, index: int, draw: random.Random) -> None:
    alone = Rendered(*(part[row : row + 1] for part in (first.rgb, first.masks, first.alphas)))
    moved = flow(story.before, story.after, made.size_px, alone).numpy()
    rows, columns = np.nonzero(_thing(first, row, index))
    for _ in range(draw.choice((1, 2, 2, 3, 4)) if len(rows) else 0):
        n = draw.randrange(len(rows))
        x, y = int(columns[n]), int(rows[n])
        made.pulls.append((x + 0.5, y + 0.5, x + 0.5 + float(moved[0, y, x]), y + 0.5 + float(moved[1, y, x])))


def as_pulls(drawn: list[Drawn]) -> tuple[Tensor, Tensor]:
    """Return (B, MOST_PULLS, 4) pulls in pixels, and (B, MOST_PULLS) 1 for a pull, 0 for an empty line."""
    pulls, held = torch.zeros(len(drawn), MOST_PULLS, 4), torch.zeros(len(drawn), MOST_PULLS)
    for i, each in enumerate(drawn):
        for k, pull in enumerate(each.pulls[:MOST_PULLS]):
            pulls[i, k], held[i, k] = torch.tensor(pull), 1.0
    return pulls, held
