"""Before/after pictures with known truth: one scene, one change, both renders, both captions, masks and flow."""

from __future__ import annotations

import random
from dataclasses import dataclass

from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.captions import GROUND_WORDS, Describer
from scumble_engine.training.palette import COLORS
from scumble_engine.training.render import flow, render
from scumble_engine.training.scenes import (
    Add,
    Background,
    Change,
    ChangeBackground,
    Move,
    Recolor,
    Remove,
    Replace,
    Restyle,
    Scene,
    SceneObject,
    SceneSampler,
    edited,
)
from torch import Tensor

KINDS = ("move", "recolor", "replace", "restyle", "add", "remove", "background")


@dataclass(frozen=True)
class Pair:
    """An edit whose true answer is known.

    before, after: (3, H, W) sRGB in 0..1, equal to the bit outside `changed`. changed (H, W) bool: where they differ.
    object_before, object_after (H, W) in 0..1: how much of each pixel shows the object the change is about (empty where
    it has none: before an addition, after a removal, for backgrounds). uncovered (H, W) bool: it was the object, and is
    not any more. flow (2, H, W): pixels (x, y) that each pixel of `before` moves; zero but for moves.
    """

    scene: Scene
    change: Change
    before: Tensor
    after: Tensor
    source: str
    target: str
    changed: Tensor
    object_before: Tensor
    object_after: Tensor
    uncovered: Tensor
    flow: Tensor


def make_pair(scene: Scene, change: Change, bank: SpriteBank, describer: Describer, size_px: int) -> Pair:
    """Render and describe a scene before and after one change."""
    after_scene = edited(scene, change)
    before, after = (render([s], bank, size_px) for s in (scene, after_scene))
    old, new = _object_index(scene, change)
    empty = before.masks[0, 0] * 0
    object_before = empty if old is None else before.masks[0, old]
    object_after = empty if new is None else after.masks[0, new]
    moved = flow(scene, after_scene, size_px, before) if isinstance(change, Move) else empty.expand(2, -1, -1)
    return Pair(
        scene=scene,
        change=change,
        before=before.rgb[0],
        after=after.rgb[0],
        source=describer.plain(scene).text,
        target=describer.plain(after_scene).text,
        changed=(before.rgb[0] != after.rgb[0]).any(dim=0),
        object_before=object_before,
        object_after=object_after,
        uncovered=(object_before > 0.5) & (object_after <= 0.5),
        flow=moved,
    )


def _object_index(scene: Scene, change: Change) -> tuple[int | None, int | None]:
    match change:
        case Move(index) | Recolor(index) | Replace(index):
            return index, index
        case Add():
            return None, len(scene.objects)
        case Remove(index):
            return index, None
        case Restyle() | ChangeBackground():
            return None, None


def sample_change(kind: str, scene: Scene, sampler: SceneSampler, bank: SpriteBank, draw: random.Random) -> Change:
    """Draw one change of this kind (of KINDS) that fits the scene: always visible, inside the canvas, of known parts."""
    index = draw.randrange(len(scene.objects))
    item = scene.objects[index]
    other = sampler.sample().objects[0]
    match kind:
        case "move":
            shift = draw.choice((-1, 1)) * draw.uniform(0.12, 0.3), draw.uniform(-0.15, 0.15)
            center = [_inside(c + s, c - s, item.size) for c, s in zip(item.center, shift, strict=True)]
            return Move(index, (center[0], center[1]))
        case "recolor":
            return Recolor(index, draw.choice([name for name in COLORS if name != item.color]))
        case "replace":
            concepts = sorted({s.concept for s in bank.sprites if s.style == item.style} - {item.concept})
            return Replace(index, draw.choice(concepts))
        case "restyle":
            own = {s.style for s in bank.sprites if s.concept == item.concept}
            return Restyle(draw.choice(sorted(own - {item.style})))
        case "add":
            return Add(_beside(other.concept, other.color, item.style, scene, draw))
        case "remove":
            return Remove(index)
        case "background":
            ground = sampler.sample_background()
            while _told(ground) == _told(scene.background):
                ground = sampler.sample_background()
            return ChangeBackground(ground)
    raise ValueError(f"There is no kind of change called {kind!r}; there are {', '.join(KINDS)}.")


def _told(ground: Background) -> tuple[str, str | None]:
    """Return what a plain caption says of a ground: some kinds' colour goes unsaid."""
    return ground.kind, ground.color if "{color}" in GROUND_WORDS[ground.kind][0] else None


def _inside(wanted: float, otherwise: float, size: float) -> float:
    """Return the first of two places at which an object of this size is mostly on the canvas, else the nearest such."""
    low, high = size * 0.4, 1 - size * 0.4
    for place in (wanted, otherwise):
        if low <= place <= high:
            return place
    return min(max(wanted, low), high)


def _beside(concept: str, color: str | None, style: str, scene: Scene, draw: random.Random) -> SceneObject:
    """Return a small new object in the corner that is farthest from what is there."""
    corners = [(x, y) for x in (0.22, 0.78) for y in (0.22, 0.78)]
    draw.shuffle(corners)
    taken = [item.center for item in scene.objects]
    free = max(corners, key=lambda c: min([abs(c[0] - x) + abs(c[1] - y) for x, y in taken] + [2.0]))
    return SceneObject(concept, style, color, free, draw.uniform(0.28, 0.36))
