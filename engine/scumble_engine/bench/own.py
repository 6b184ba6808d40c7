"""Language edits of pictures that the model painted itself, where its predictions of the source are exact: is the model the limit?

There is no truth for these, only the judge's word; beside them stands what the model paints from the target's words alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from scumble_protocol.messages import Settings

from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Bytes
from ..training.judge import Judge
from .hands import Hand, Run
from .language import LanguageRow, judged
from .measures import differs
from .sheet import Keep
from .tasks import Task, to_bytes
from .verdict import verdict, wanted_of

Painter = Callable[[Sequence[str], int], list[Bytes]]
"""Paints one picture (h, w, 3) u8 for each prompt, from a seed."""

STEPS, GUIDANCE = 15, 3.0


def model_painter(model: DiffusionModel, steps: int = STEPS) -> Painter:
    """Return a painter that walks the model's own schedule down without noise (DDIM, Song et al. 2021, eq. 12 with σ = 0), guided."""

    @torch.no_grad()
    def paint(prompts: Sequence[str], seed: int) -> list[Bytes]:
        side = model.native_side // model.stride
        shape = (len(prompts), int(model.unet.config.in_channels), side, side)
        z = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(model.device)
        words = [model.words(prompt) for prompt in prompts]
        empty = [model.words("")] * len(prompts)
        timesteps = model.schedule.few_steps(steps)
        x0 = torch.zeros_like(z)
        for now, then in zip(timesteps, (*timesteps[1:], None), strict=True):
            said = model.predict(z, now, words)
            guided = said.guided_from(model.predict(z, now, empty), GUIDANCE)
            x0 = guided.x0
            z = x0 if then is None else model.schedule.noised(x0, guided.noise, then)
        return [to_bytes(one.numpy()) for one in model.decode(x0).clamp(0, 1).cpu()]

    return paint


def run_own(
    tasks: Sequence[Task], hand: Hand, painter: Painter, judge: Judge, keep: Keep, seed: int
) -> list[LanguageRow]:
    """Let the model paint each task's source, do the task on that, and judge; beside it, the target painted from words.

    `keep` gets a strip: what the model painted, the edit of it, the target painted from words, and the composer's truth.
    """
    rows: list[LanguageRow] = []
    for number, task in enumerate(tasks):
        assert task.reading is not None, "a move is not said"
        before, anew = painter([task.pair.source, task.pair.target], seed + number)
        edited = hand(before, (task.reading,), Settings())
        keep(task.said, [before, edited.picture, anew, task.truth])
        rows.append(_judged(task, "own sample, edited", edited, before, judge))
        rows.append(_judged(task, "own sample, no-op", Run(before), before, judge))
        rows.append(_judged(task, "painted from words", Run(anew), anew, judge))
    return rows


def _judged(task: Task, method: str, run: Run, before: Bytes, judge: Judge) -> LanguageRow:
    """Judge one picture; a thing to be cut out is looked for where the edit changed most, else in the whole picture."""
    changed = differs(run.picture, before, visibly=48)
    return judged(task, method, run, verdict(judge, wanted_of(task), run.picture, changed))
