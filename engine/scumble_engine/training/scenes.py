"""Scenes as plain values: what is painted where, drawn at random from a seed, and changed one thing at a time.

The public door of the composer. `render.render` paints scenes; `captions.describe` says them in English. A benchmark's
truth is `edited(scene, change)` rendered and described by the same functions.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.palette import COLORS

BACKGROUNDS = ("plain", "gradient", "grass", "sea", "beach", "snow", "night", "room", "stripes", "dots", "checks")
COLORED_BACKGROUNDS = ("plain", "gradient", "room", "stripes", "dots", "checks")


@dataclass(frozen=True)
class SceneObject:
    """One sprite on the canvas.

    center is (x, y) as a fraction of the canvas from the top left; size the sprite's side as a fraction of the
    canvas; angle_deg turns clockwise; color None keeps the drawing's own colours.
    """

    concept: str
    style: str
    color: str | None
    center: tuple[float, float]
    size: float
    angle_deg: float = 0.0
    flipped: bool = False


@dataclass(frozen=True)
class Background:
    """A painted ground: its kind, its palette colour (kinds in COLORED_BACKGROUNDS only), six free numbers in 0..1."""

    kind: str
    color: str | None
    variation: tuple[float, ...]


@dataclass(frozen=True)
class Scene:
    """Objects from back to front before a background. Objects of one scene share a style."""

    objects: tuple[SceneObject, ...]
    background: Background
    shadow: bool = True


@dataclass(frozen=True)
class Move:
    """Put object `index` elsewhere; None keeps what it was."""

    index: int
    center: tuple[float, float] | None = None
    size: float | None = None
    angle_deg: float | None = None


@dataclass(frozen=True)
class Recolor:
    """Paint object `index` in a palette colour."""

    index: int
    color: str


@dataclass(frozen=True)
class Replace:
    """Put another concept (in its own colours, unless one is given) in the place of object `index`."""

    index: int
    concept: str
    color: str | None = None


@dataclass(frozen=True)
class Restyle:
    """Draw all objects in another style."""

    style: str


@dataclass(frozen=True)
class Add:
    """Put one more object in front."""

    added: SceneObject


@dataclass(frozen=True)
class Remove:
    """Take object `index` away."""

    index: int


@dataclass(frozen=True)
class ChangeBackground:
    """Put the scene before another background."""

    background: Background


Change = Move | Recolor | Replace | Restyle | Add | Remove | ChangeBackground


def edited(scene: Scene, change: Change) -> Scene:
    """Return the scene after one change; everything else is equal, so that the two renders differ by it alone.

    Raises IndexError when the change names an object that is not there.
    """
    match change:
        case Add(added):
            return replace(scene, objects=(*scene.objects, added))
        case Remove(index):
            _object(scene, index)
            return replace(scene, objects=scene.objects[:index] + scene.objects[index + 1 :])
        case ChangeBackground(background):
            return replace(scene, background=background)
        case Restyle(style):
            return replace(scene, objects=tuple(replace(item, style=style) for item in scene.objects))
        case Recolor(index, color):
            return _with(scene, index, replace(_object(scene, index), color=color))
        case Replace(index, concept, color):
            return _with(scene, index, replace(_object(scene, index), concept=concept, color=color))
        case Move(index, center, size, angle_deg):
            old = _object(scene, index)
            moved = replace(
                old,
                center=old.center if center is None else center,
                size=old.size if size is None else size,
                angle_deg=old.angle_deg if angle_deg is None else angle_deg,
            )
            return _with(scene, index, moved)


def _object(scene: Scene, index: int) -> SceneObject:
    if not 0 <= index < len(scene.objects):
        raise IndexError(f"The scene has {len(scene.objects)} objects; there is no object {index}.")
    return scene.objects[index]


def _with(scene: Scene, index: int, item: SceneObject) -> Scene:
    return replace(scene, objects=(*scene.objects[:index], item, *scene.objects[index + 1 :]))


def held_out(concept: str, color: str) -> bool:
    """Tell whether this concept is never recoloured so in training (one pair in twelve, the same on every machine)."""
    return zlib.crc32(f"{concept}/{color}".encode()) % 12 == 0


@dataclass(frozen=True)
class Mixture:
    """How often what is drawn: share of scenes by number of objects, of recoloured objects, of groups alike, of shadows.

    wander in 0..1: how far single objects stray from the middle in place, size, angle and side. busy in 0..1: how often
    grounds are other than plain or graded, compared with the widest mixture.
    """

    counts: tuple[float, ...] = (0.76, 0.17, 0.04, 0.03)
    recolored: float = 0.55
    group: float = 0.3
    shadow: float = 0.5
    wander: float = 1.0
    busy: float = 1.0


EASY = Mixture(counts=(0.96, 0.04, 0.0, 0.0), wander=0.0, busy=0.35)
"""What a training begins with: one object in the middle, mostly before a plain ground. Words bind to shapes here first."""


def widened(share: float) -> Mixture:
    """Return the mixture on the way from EASY (share 0) to the widest (share 1)."""
    wide, share = Mixture(), max(0.0, min(1.0, share))

    def between(start: float, end: float) -> float:
        return start + (end - start) * share

    return replace(
        wide,
        counts=tuple(between(a, b) for a, b in zip(EASY.counts, wide.counts, strict=True)),
        wander=share,
        busy=between(EASY.busy, wide.busy),
    )


class SceneSampler:
    """An endless, seeded stream of scenes over the concepts and styles of a bank."""

    def __init__(self, bank: SpriteBank, seed: int, mixture: Mixture | None = None) -> None:
        self._random = random.Random(seed)
        self.mixture = mixture or Mixture()
        self._bank = bank
        self._concepts = sorted({sprite.concept for sprite in bank.sprites})
        self._styles = sorted({sprite.style for sprite in bank.sprites})

    def sample(self) -> Scene:
        """Draw one scene."""
        draw, mixture = self._random, self.mixture
        count = draw.choices(range(1, len(mixture.counts) + 1), mixture.counts)[0]
        style = draw.choice(self._styles)
        places = _places(draw, count, mixture.wander)
        alike = count > 1 and draw.random() < mixture.group
        first = self._look(style)
        looks = [first] * count if alike else [first] + [self._look(style) for _ in range(count - 1)]
        objects = tuple(self._placed(look, style, place) for look, place in zip(looks, places, strict=True))
        return Scene(objects, self.sample_background(), draw.random() < mixture.shadow)

    def batch(self, count: int) -> list[Scene]:
        """Draw several scenes."""
        return [self.sample() for _ in range(count)]

    def sample_background(self) -> Background:
        """Draw one background; half of them plain or graded in the widest mixture."""
        draw, busy = self._random, self.mixture.busy
        kind = draw.choices(BACKGROUNDS, (8, 2, *(busy * share for share in (3, 2, 2, 2, 3, 2, 0.5, 0.5, 0.5))))[0]
        color = draw.choice(COLORS) if kind in COLORED_BACKGROUNDS else None
        if kind == "plain" and draw.random() < 0.4:
            color = "white"
        return Background(kind, color, tuple(draw.random() for _ in range(6)))

    def _look(self, style: str) -> tuple[str, str | None]:
        draw = self._random
        concept = draw.choice(self._concepts)
        while (concept, style) not in self._bank.index:
            concept = draw.choice(self._concepts)
        if draw.random() >= self.mixture.recolored:
            return concept, None
        allowed = [name for name in COLORS if not held_out(concept, name)]
        color = draw.choice(allowed)
        return concept, None if color == self._bank.natural_of(concept, style) else color

    def _placed(self, look: tuple[str, str | None], style: str, place: tuple[float, float, float]) -> SceneObject:
        draw = self._random
        x, y, size = place
        angle = max(-15.0, min(15.0, draw.gauss(0, 5))) * self.mixture.wander
        return SceneObject(look[0], style, look[1], (x, y), size, angle, draw.random() < 0.5 * self.mixture.wander)


def _places(draw: random.Random, count: int, wander: float) -> list[tuple[float, float, float]]:
    """Return (x, y, size) for each object: one large, two beside or over one another, more on a loose grid."""
    if count == 1:
        size = 0.72 + draw.uniform(-0.2, 0.14) * wander
        slack = (1 - size) / 2 * wander
        return [(0.5 + draw.uniform(-slack, slack), 0.5 + draw.uniform(-slack, slack), size)]
    if count == 2:
        gap = draw.uniform(0.2, 0.29)
        sizes = [draw.uniform(0.36, 0.52) for _ in range(2)]
        wobble = [draw.uniform(-0.1, 0.1) for _ in range(2)]
        ends = [
            (0.5 + side * gap, 0.5 + off) for side, off in zip(draw.choice([(-1, 1), (1, -1)]), wobble, strict=True)
        ]
        upright = draw.random() < 0.3
        return [((y, x, size) if upright else (x, y, size)) for (x, y), size in zip(ends, sizes, strict=True)]
    cells = draw.sample([(x, y) for x in (0.27, 0.73) for y in (0.27, 0.73)], count)
    return [(x + draw.uniform(-0.06, 0.06), y + draw.uniform(-0.06, 0.06), draw.uniform(0.3, 0.42)) for x, y in cells]


def natural_colors(bank: SpriteBank, concept: str) -> Sequence[str]:
    """Return the colour names that the concept's own drawings have."""
    rows = zip(bank.sprites, bank.natural, strict=True)
    return sorted({name for sprite, name in rows if sprite.concept == concept and name is not None})
