"""The judge's network and its training: it names the object, its colour and style, and the ground of a picture.

What it leans on: the illustrator's own drawings, recomposed without end, and the same concepts in other sets, all worn as a
generator wears them; so it tells whether a picture looks like *a* drawing of the thing, in the illustrator's manner or in
another. Blots, scrambled drawings and empty grounds are taught as nothing, so that a blot of the right colour is not named.
Two whole sets (HELD_OUT) are kept from judge and illustrator alike, to score the judge on.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from scumble_engine.training import backgrounds, bank, palette, render, scenes, wear
from scumble_engine.training.bank import SpriteBank, build_bank
from scumble_engine.training.palette import COLORS
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.scenes import BACKGROUNDS, COLORED_BACKGROUNDS, Mixture, Scene, SceneSampler
from scumble_engine.training.sprites import SpritePack, load_pack
from torch import Tensor, nn
from torch.nn import functional as F

HELD_OUT = ("outlined", "lined")
NOTHING = "nothing"
OTHERS = ("cartoon", "glossy", "simple", "round")
SPRITE_PX, SIDE_PX, BATCH = 64, 48, 32
HERE = 6
OWN_SHARE, EMPTY_EACH, SPOILED, HARDEST = 0.75, 24, 0.12, 0.6
WEIGHTS = {"here": 1.0, "color": 0.4, "style": 0.7, "ground": 0.2, "ground_color": 0.2}
SINGLE = Mixture(counts=(1.0,), recolored=0.6)


@dataclass(frozen=True)
class Names:
    """What the judge can answer, head by head, in the order of its logits."""

    concept: tuple[str, ...]
    style: tuple[str, ...]
    color: tuple[str, ...] = COLORS
    ground: tuple[str, ...] = BACKGROUNDS
    ground_color: tuple[str, ...] = COLORS

    def heads(self) -> dict[str, int]:
        """Return the number of answers of each head; the concept's last is `nothing`."""
        return {name: len(answers) for name, answers in vars(self).items()}


def names_of(recipe: Recipe) -> Names:
    """Return the answers for a recipe's pictures."""
    return Names((*(concept.name for concept in recipe.concepts), NOTHING), recipe.styles)


class Scorer(nn.Module):
    """A small residual network on pictures reduced to 48²; one linear head a question.

    `here` names the concept at each place of the third stage: only training asks for it, which shortens the way many times.
    """

    def __init__(self, heads: dict[str, int]) -> None:
        super().__init__()
        widths = (24, 48, 96, 192)
        self.stem = nn.Conv2d(3, widths[0], 5, stride=2, padding=2)
        self.stages = nn.ModuleList(_Stage(width) for width in widths)
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.heads = nn.ModuleDict({name: nn.Linear(2 * sum(widths), count) for name, count in heads.items()})
        self.here = nn.Conv2d(widths[2], heads["concept"], 1)

    def features(self, rgb: Tensor) -> list[Tensor]:
        """Return what each stage makes of pictures (B, 3, H, W), sRGB in 0..1: sides 24, 12, 6, 3."""
        x = self.stem(F.interpolate(rgb, size=(SIDE_PX, SIDE_PX), mode="area") * 2 - 1)
        found = [self.stages[0](x)]
        for down, stage in zip(self.downs, self.stages[1:], strict=True):
            found.append(stage(down(found[-1])))
        return found

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        """Return the logits of each head, (B, n), and of `here`, (B, n, 6, 6), for pictures (B, 3, H, W), sRGB in 0..1."""
        found = self.features(rgb)
        # Shapes are named by the last stage; colours and manners of drawing show in the first.
        pooled = torch.cat([part for one in found for part in (one.mean(dim=(2, 3)), one.amax(dim=(2, 3)))], dim=1)
        return {name: head(pooled) for name, head in self.heads.items()} | {"here": self.here(found[2])}


class _Stage(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.norm_one, self.norm_two = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm_two(self.two(F.relu(self.norm_one(self.one(x)))))
        return F.relu(x + inner)


def train_scorer(recipe: Recipe, images: int, seed: int, folder: Path) -> tuple[Scorer, Names]:
    """Return the network, trained (minutes on one core) or loaded from the cache, and what its logits mean."""
    others = tuple(style for style in OTHERS if style not in recipe.styles)
    packs = [load_pack(styles, recipe.concepts, SPRITE_PX) for styles in (recipe.styles, others) if styles]
    path = folder / f"{_fingerprint(recipe, packs, images, seed)}.safetensors"
    names = names_of(recipe)
    torch.manual_seed(seed)
    net = Scorer(names.heads())
    if path.exists():
        net.load_state_dict(load_file(path))
        return net, names
    fit(net, names, [_coarse_bank(pack) for pack in packs], images, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, path)
    return net, names


def _coarse_bank(pack: SpritePack) -> SpriteBank:
    """Build a bank whose only scale fits the judge's small pictures."""
    stock = build_bank(pack)
    return replace(stock, half=stock.full)


def fit(net: Scorer, names: Names, banks: Sequence[SpriteBank], images: int, seed: int) -> None:
    """Train on the illustrator's bank (the first, for OWN_SHARE of all pictures) and, if there is another, on that."""
    samplers = [SceneSampler(stock, seed + number, SINGLE) for number, stock in enumerate(banks)]
    # Shapes are learnt many times sooner from clean things in the middle; the first half goes from there to the widest.
    own = BATCH if len(banks) == 1 else round(BATCH * OWN_SHARE)
    steps = max(1, images // BATCH)
    learner = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(learner, 3e-3, total_steps=steps, pct_start=0.15)
    net.train()
    for step in range(steps):
        hardness = HARDEST * min(1.0, 2 * step / steps)
        parts = []
        for stock, sampler, count in zip(banks, samplers, (own, BATCH - own), strict=False):
            sampler.mixture = replace(SINGLE, wander=hardness / HARDEST, busy=max(0.2, hardness / HARDEST))
            parts.append(_lesson(names, stock, sampler.batch(count), hardness))
        pictures = torch.cat([shown for shown, _ in parts]).contiguous(memory_format=torch.channels_last)
        labels = {name: torch.cat([wanted[name] for _, wanted in parts]) for name in parts[0][1]}
        loss = _loss(net(pictures), labels)
        learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        learner.step()
        schedule.step()
        if step % 100 == 0:
            print(f"judge {step}/{steps} loss {float(loss.detach()):.3f}", flush=True)


def _lesson(names: Names, stock: SpriteBank, drawn: list[Scene], hardness: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Return pictures of scenes, worn as badly as `hardness` says (0..1), and for each head the right answers (-100: not asked)."""
    drawn = [replace(scene, objects=()) if number % EMPTY_EACH == 0 else scene for number, scene in enumerate(drawn)]
    shown = render.render(drawn, stock, SIDE_PX)
    labels = {name: torch.tensor([_answer(names, name, stock, scene) for scene in drawn]) for name in names.heads()}
    rgb, spoiled = wear.spoil(shown.rgb, shown.masks[:, :1], share=SPOILED * hardness)
    labels["concept"][spoiled] = names.concept.index(NOTHING)
    for name in ("color", "style", "ground", "ground_color"):
        labels[name][spoiled] = -100
    covered = F.adaptive_avg_pool2d(shown.masks[:, 0], HERE) > 0.35
    labels["here"] = torch.where(covered, labels["concept"][:, None, None], names.concept.index(NOTHING))
    return wear.wear(rgb, hardness), labels


def _answer(names: Names, head: str, stock: SpriteBank, scene: Scene) -> int:
    item, ground = scene.objects[0] if scene.objects else None, scene.background
    said = {
        "concept": item.concept if item else NOTHING,
        "style": item.style if item else None,
        "color": (item.color or stock.natural_of(item.concept, item.style)) if item else None,
        "ground": ground.kind,
        "ground_color": ground.color if ground.kind in COLORED_BACKGROUNDS else None,
    }[head]
    answers: tuple[str, ...] = getattr(names, head)
    return answers.index(said) if said in answers else -100


def _loss(told: dict[str, Tensor], labels: dict[str, Tensor]) -> Tensor:
    """Add up the heads' losses; the concept counts most, and a head that nobody asked counts nothing."""
    loss = F.cross_entropy(told["concept"], labels["concept"], label_smoothing=0.05)
    for name, weight in WEIGHTS.items():
        if bool((labels[name] >= 0).any()):
            loss = loss + weight * F.cross_entropy(told[name], labels[name])
    return loss


def _fingerprint(recipe: Recipe, packs: Sequence[SpritePack], images: int, seed: int) -> str:
    """Return a short hash of all that makes the judge: the drawings, the words, the numbers, and the code that composes."""
    digest = hashlib.sha256(_code(Path(__file__)))
    for module in (backgrounds, bank, palette, render, scenes, wear):
        digest.update(_code(Path(str(module.__file__))))
    digest.update(json.dumps([asdict(sprite) for pack in packs for sprite in pack.sprites]).encode())
    digest.update(json.dumps([recipe.name, [c.name for c in recipe.concepts], images, seed]).encode())
    return f"{recipe.name}-{digest.hexdigest()[:16]}"


def _code(path: Path) -> bytes:
    """Return a module's code without its comments and docstrings."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree).encode()
