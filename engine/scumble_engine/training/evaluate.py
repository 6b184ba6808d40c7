"""`python -m scumble_engine.training.evaluate`: the figures of the model card, measured on what was held out.

It may be run in parts: figures of the same weights and seed are gathered in the file that --out names.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import torch
from diffusers import UNet2DConditionModel
from scumble_engine.diffusion.loading import folder_sha256
from scumble_engine.training.bank import SpriteBank, build_bank
from scumble_engine.training.captions import GROUND_WORDS, STYLE_WORDS
from scumble_engine.training.judge import Judge, ceilings, scorer_bank, train_judge
from scumble_engine.training.kept_bank import keep_bank
from scumble_engine.training.networks import Parts, load_parts
from scumble_engine.training.palette import COLORS
from scumble_engine.training.recipe import RECIPES, Recipe
from scumble_engine.training.render import render
from scumble_engine.training.sampling import paint, paint_quickly
from scumble_engine.training.scenes import SceneSampler, held_out, natural_colors
from scumble_engine.training.sprites import load_pack
from torch import Tensor

SHIPPED = Path(__file__).parent.parent / "models" / "weights" / "illustrator"
TARGETS: dict[str, dict[str, float]] = {
    "small": {"psnr": 27, "concept": 0.70, "color": 0.85, "held_out": 0.50, "kept": 0.85, "forward_s": 0.15},
    "base": {"psnr": 31, "concept": 0.85, "color": 0.92, "held_out": 0.75, "kept": 0.92, "forward_s": 0.35},
}
STRANGE = ("simple", "round", "soft", "classic", "lined", "outlined")
"""Sets to measure the autoencoder on, those that train the illustrator left out."""
Figures = dict[str, float]
_Painter = Callable[[Sequence[str], int], Tensor]


@dataclass(frozen=True)
class Question:
    """One picture to ask for, and what it must show."""

    caption: str
    concept: str
    color: str | None


def ask(recipe: Recipe, concept: str, color: str | None, draw: random.Random) -> Question:
    """Return a plain single-object caption with a random style of the recipe and a random uncoloured background."""
    style = STYLE_WORDS[draw.choice(recipe.styles)][0]
    kinds = [kind for kind, phrases in GROUND_WORDS.items() if "{" not in phrases[0]]
    ground = draw.choice([*(GROUND_WORDS[kind][0] for kind in kinds), *["on a white background"] * len(kinds)])
    noun = f"{color} {concept}" if color else concept
    article = "" if concept == "grapes" else ("an " if noun[0] in "aeio" else "a ")
    return Question(f"a {style} drawing of {article}{noun} {ground}", concept, color)


def concept_questions(recipe: Recipe, each: int, seed: int) -> list[Question]:
    """Ask for every concept in its own colours."""
    draw = random.Random(seed)
    return [ask(recipe, concept.name, None, draw) for concept in recipe.concepts for _ in range(each)]


def color_questions(recipe: Recipe, bank: Any, count: int, unseen: bool, seed: int) -> list[Question]:
    """Ask for recoloured concepts: pairs seen in training, or pairs that were held out and are nobody's own colour."""
    draw = random.Random(seed)
    pairs = [(concept.name, color) for concept in recipe.concepts for color in COLORS]
    if unseen:
        pairs = [p for p in pairs if held_out(*p) and p[1] not in natural_colors(bank, p[0])]
    else:
        pairs = [p for p in pairs if not held_out(*p)]
    return [ask(recipe, *pair, draw) for pair in draw.sample(pairs, min(count, len(pairs)))]


def answers(painter: _Painter, judge: Judge, questions: list[Question], seed: int) -> tuple[Tensor, Tensor]:
    """Paint all questions in batches of 16; returns (concept right, colour right), one bool a question."""
    concepts, colors = [], []
    for start in range(0, len(questions), 16):
        part = questions[start : start + 16]
        found = judge.judge(
            painter([q.caption for q in part], seed + start), [q.concept for q in part], [q.color for q in part]
        )
        concepts.append(found.concept)
        colors.append(found.color)
    return torch.cat(concepts), torch.cat(colors)


@torch.no_grad()
def reconstruction_psnr(recipe: Recipe, parts: Parts, count: int, seed: int) -> float:
    """Return the mean PSNR in dB of the autoencoder on scenes of drawings that it was not fitted to."""
    strange = tuple(style for style in STRANGE if style not in recipe.styles)
    bank = build_bank(load_pack(strange, recipe.concepts, 128))
    rgb = render(SceneSampler(bank, seed).batch(count), bank, recipe.size_px).rgb
    back = (parts.vae.decode(parts.vae.encode(rgb * 2 - 1).latents).sample / 2 + 0.5).clamp(0, 1)
    return float((-10 * (rgb - back).square().mean(dim=(1, 2, 3)).log10()).mean())


@torch.no_grad()
def forward_seconds(parts: Parts, threads: int = 2) -> float:
    """Return the median time of one denoiser forward, batch 1, on this machine's CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    config = parts.unet.config
    latents = torch.randn(1, config.in_channels, config.sample_size, config.sample_size)
    text = torch.randn(1, 16, config.cross_attention_dim)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        parts.unet(latents, 500, text)
        times.append(time.perf_counter() - start)
    torch.set_num_threads(before)
    return sorted(times)[len(times) // 2]


@dataclass(frozen=True)
class Evaluation:
    """What the parts draw on; each thing is loaded when the first part needs it."""

    recipe: Recipe
    folder: Path
    each: int
    count: int
    seed: int

    @cached_property
    def parts(self) -> Parts:
        return load_parts(self.folder)

    @cached_property
    def bank(self) -> SpriteBank:
        return keep_bank(self.recipe)

    @cached_property
    def judge(self) -> Judge:
        return train_judge(self.recipe)

    def base(self) -> Figures:
        """Measure the autoencoder, the speed, and the judge itself."""
        psnr = reconstruction_psnr(self.recipe, self.parts, 128, self.seed)
        own = ceilings(self.judge, self.recipe, self.bank, scorer_bank(self.recipe), 256, self.seed)
        return {"psnr": psnr, "psnr_n": 128, "forward_s": forward_seconds(self.parts)} | own

    def concept(self) -> Figures:
        """Let the teacher paint every concept in its own colours."""
        concept, _ = answers(self._teacher, self.judge, self._plain, self.seed)
        return {"concept": _share(concept), "concept_n": len(concept)}

    def student(self) -> Figures:
        """Let the student paint the same; without a student there is nothing to say."""
        if not (self.folder / "student" / "config.json").exists():
            return {}
        net = UNet2DConditionModel.from_pretrained(self.folder / "student", torch_dtype=torch.float32)
        quick, _ = answers(
            lambda captions, s: paint_quickly(self.parts, net, captions, s), self.judge, self._plain, self.seed
        )
        return {"student_concept": _share(quick), "student_n": len(quick)}

    def color(self) -> Figures:
        """Let the teacher paint concepts in colours that it has seen them in."""
        asked = color_questions(self.recipe, self.bank, self.count, False, self.seed + 1)
        concept, color = answers(self._teacher, self.judge, asked, self.seed + 1000)
        return {"color": _share(color), "color_n": len(asked), "concept_recolored": _share(concept)}

    def held_out(self) -> Figures:
        """Let the teacher paint pairs of concept and colour that it has never seen."""
        asked = color_questions(self.recipe, self.bank, self.count, True, self.seed + 1)
        both = torch.stack(answers(self._teacher, self.judge, asked, self.seed + 2000)).all(dim=0)
        return {"held_out": _share(both), "held_out_n": len(asked)}

    @property
    def _plain(self) -> list[Question]:
        return concept_questions(self.recipe, self.each, self.seed)

    def _teacher(self, captions: Sequence[str], seed: int) -> Tensor:
        return paint(self.parts, captions, seed)


PARTS: dict[str, Callable[[Evaluation], Figures]] = {
    "base": Evaluation.base,
    "concept": Evaluation.concept,
    "student": Evaluation.student,
    "color": Evaluation.color,
    "held_out": Evaluation.held_out,
}


def _share(right: Tensor) -> float:
    return float(right.float().mean())


def gathered(path: Path | None, sha256: str, seed: int) -> dict[str, Any]:
    """Return the figures kept in a file for the same weights and seed, or none yet."""
    if path is not None and path.is_file():
        found: dict[str, Any] = json.loads(path.read_text())
        if (found.get("weights_sha256"), found.get("seed")) == (sha256, seed):
            return found
    return {"weights_sha256": sha256, "seed": seed}


_ROWS = (
    ("psnr", "reconstruction PSNR on held-out scenes, dB", "≥ {:.0f}", "{:.1f}"),
    ("concept", "concept named right, single object", "≥ {:.0%}", "{:.1%}"),
    ("color", "colour named right", "≥ {:.0%}", "{:.1%}"),
    ("held_out", "held-out concept × colour, both right", "≥ {:.0%}", "{:.1%}"),
    ("kept", "student at 4 steps / teacher at 30, concept", "≥ {:.0%}", "{:.1%}"),
    ("forward_s", "one UNet forward on 2 threads, s", "≤ {:.2f}", "{:.3f}"),
)
_JUDGE_ROWS = (
    ("judge_concept", "names the concept of fresh real pictures"),
    ("judge_color", "names their colour"),
    ("judge_concept_worn", "names the concept, badly blurred and noisy"),
    ("judge_color_worn", "names the colour, badly blurred and noisy"),
    ("judge_unseen_sets", "names the concept in sets that nobody has seen"),
    ("judge_blots", "gives a blot in the object's colours the object's name"),
    ("judge_blots_nothing", "calls such a blot nothing"),
)


def table(size: str, figures: dict[str, Any]) -> str:
    """Return the figures against their targets, and the judge's own, as Markdown tables."""
    lines = ["| figure | target | measured | samples |", "|---|---|---|---|"]
    if figures.get("concept") and "student_concept" in figures:
        figures = figures | {"kept": figures["student_concept"] / figures["concept"], "kept_n": figures["student_n"]}
    for key, name, target, value in _ROWS:
        measured = value.format(figures[key]) if key in figures else "not measured"
        lines.append(f"| {name} | {target.format(TARGETS[size][key])} | {measured} | {figures.get(f'{key}_n', '')} |")
    known = [f"| {name} | {figures[key]:.1%} |" for key, name in _JUDGE_ROWS if key in figures]
    head = ["", f"| the judge itself, on {figures['judge_n']} pictures each | |", "|---|---|"] if known else []
    return "\n".join([*lines, *head, *known])


@click.command()
@click.option("--size", type=click.Choice(sorted(RECIPES)), default="small", show_default=True)
@click.option("--weights", type=click.Path(path_type=Path, exists=True), default=SHIPPED, show_default=False)
@click.option(
    "--part", "parts", multiple=True, type=click.Choice(list(PARTS)), help="Measure only this; may be repeated."
)
@click.option("--each", default=2, show_default=True, help="Samples for every concept.")
@click.option("--count", default=96, show_default=True, help="Samples for the colour figures.")
@click.option("--seed", default=11, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Gather the figures as JSON, too.")
def main(size: str, weights: Path, parts: tuple[str, ...], each: int, count: int, seed: int, out: Path | None) -> None:
    """Measure an illustrator against the targets of its size."""
    evaluation = Evaluation(RECIPES[size](), weights, each, count, seed)
    figures = gathered(out, folder_sha256(weights), seed)
    for part in parts or PARTS:
        figures |= PARTS[part](evaluation)
        if out is not None:
            out.write_text(json.dumps(figures, indent=1) + "\n")
    print(table(size, figures))


if __name__ == "__main__":
    main()
