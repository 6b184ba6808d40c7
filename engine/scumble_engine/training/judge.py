"""The judge of the evaluation and the benchmarks, and how good it is itself. What it learnt from stands in `scorer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.kept_bank import kept
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.render import render
from scumble_engine.training.scenes import Scene, SceneSampler
from scumble_engine.training.scorer import HELD_OUT, NOTHING, SINGLE, Names, Scorer, train_scorer
from scumble_engine.training.sprites import cache_folder, load_pack
from scumble_engine.training.wear import blots, worn_hard
from torch import Tensor
from torch.nn import functional as F

IMAGES, SEED = 62_000, 11


@dataclass(frozen=True)
class Reading:
    """What the judge sees in one picture, in words."""

    concept: str
    style: str
    color: str
    ground: str
    ground_color: str


@dataclass(frozen=True)
class Judged:
    """What the judge was asked and said, one entry a picture: right or not (bool), for concept and colour."""

    concept: Tensor
    color: Tensor


class Judge:
    """A trained scorer with the names it answers in."""

    def __init__(self, net: Scorer, names: Names) -> None:
        self._net = net.eval()
        self.names = names

    @torch.no_grad()
    def read(self, pictures: Tensor) -> list[Reading]:
        """Say what pictures (B, 3, H, W), sRGB in 0..1, show: the main object and the ground."""
        views = [self._net(view) for view in _views(pictures)]
        votes = {
            name: torch.stack([view[name].softmax(dim=1) for view in views]).sum(dim=0) for name in vars(self.names)
        }
        told = {name: shares.argmax(dim=1).tolist() for name, shares in votes.items()}
        answers = {name: [getattr(self.names, name)[i] for i in rows] for name, rows in told.items()}
        return [Reading(**{name: rows[i] for name, rows in answers.items()}) for i in range(len(pictures))]

    def judge(self, pictures: Tensor, concepts: Sequence[str], colors: Sequence[str | None]) -> Judged:
        """Compare pictures with what they should show; where no colour is asked for, colour counts as right."""
        read = self.read(pictures)
        named = [one.concept == wanted for one, wanted in zip(read, concepts, strict=True)]
        toned = [wanted is None or one.color == wanted for one, wanted in zip(read, colors, strict=True)]
        return Judged(torch.tensor(named), torch.tensor(toned))

    @torch.no_grad()
    def distance(self, one: Tensor, other: Tensor) -> Tensor:
        """Return how differently the judge sees two batches of pictures, one number a pair: 0 for equals.

        The form of LPIPS (Zhang et al. 2018, eq. 1) with unit weights over this network's own features; not comparable with LPIPS.
        """
        pairs = zip(self._net.features(one), self._net.features(other), strict=True)
        apart = [(F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(dim=1).mean(dim=(1, 2)) for a, b in pairs]
        return torch.stack(apart).mean(dim=0)


def _views(pictures: Tensor) -> list[Tensor]:
    """Return pictures as they are and mirrored, whole and a little nearer: the judge's answer is what all agree on most."""
    edge = round(pictures.shape[-1] * 0.06)
    nearer = pictures[..., edge : pictures.shape[-2] - edge, edge : pictures.shape[-1] - edge]
    return [view for one in (pictures, nearer) for view in (one, one.flip(-1))]


def scorer_bank(recipe: Recipe) -> SpriteBank:
    """Return the drawings that neither the illustrator nor the judge has seen."""
    assert not set(HELD_OUT) & set(recipe.styles)
    return kept(load_pack(HELD_OUT, recipe.concepts, 128), cache_folder() / "banks")


def train_judge(recipe: Recipe, images: int = IMAGES, seed: int = SEED, folder: Path | None = None) -> Judge:
    """Return the judge, trained (six minutes of one core at its default) or loaded from the cache."""
    return Judge(*train_scorer(recipe, images, seed, folder or cache_folder() / "scorers"))


def real_scenes(recipe: Recipe, stock: SpriteBank, count: int, seed: int) -> list[Scene]:
    """Return fresh single-object scenes of a bank's drawings, all its concepts in turn, to test the judge on."""
    sampler = SceneSampler(stock, seed, SINGLE)
    drawn = []
    for number in range(count):
        scene = sampler.sample()
        known = [c.name for c in recipe.concepts if (c.name, scene.objects[0].style) in stock.index]
        item = replace(scene.objects[0], concept=known[number % len(known)])
        drawn.append(replace(scene, objects=(item,)))
    return drawn


def ceilings(
    judge: Judge, recipe: Recipe, stock: SpriteBank, unseen: SpriteBank, count: int, seed: int
) -> dict[str, float]:
    """Score the judge itself: on fresh real pictures, on worn ones, on a set nobody has seen, and on blots (chance is right there).

    A blot is a soft ellipse in the object's own colours at its own place; `judge_blots` is how often it is given the object's
    name, `judge_blots_nothing` how often it is called nothing.
    """
    torch.manual_seed(seed)
    figures: dict[str, float] = {"judge_n": count}
    drawn = real_scenes(recipe, stock, count, seed)
    clean = render(drawn, stock, recipe.size_px)
    wanted = [scene.objects[0] for scene in drawn]
    concepts = [item.concept for item in wanted]
    colors = [item.color or stock.natural_of(item.concept, item.style) for item in wanted]
    for name, pictures in {"": clean.rgb, "_worn": worn_hard(clean.rgb)}.items():
        found = judge.judge(pictures, concepts, colors)
        figures |= {f"judge_concept{name}": _share(found.concept), f"judge_color{name}": _share(found.color)}
    read = judge.read(blots(clean.rgb, clean.masks[:, :1]))
    figures["judge_blots"] = sum(one.concept == name for one, name in zip(read, concepts, strict=True)) / count
    figures["judge_blots_nothing"] = sum(one.concept == NOTHING for one in read) / count
    strange = real_scenes(recipe, unseen, count, seed)
    shown = render(strange, unseen, recipe.size_px).rgb
    told = judge.judge(shown, [scene.objects[0].concept for scene in strange], [None] * count)
    return figures | {"judge_unseen_sets": _share(told.concept)}


def _share(right: Tensor) -> float:
    return float(right.float().mean())
