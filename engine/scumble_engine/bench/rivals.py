"""Hands beside the engine's own: the editor alone, without any heuristic about it, and the bare delta loop on a model's weights."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from scumble_protocol.messages import (
    AddStrokes,
    ColorStrokes,
    Cue,
    Handle,
    Instruction,
    Mask,
    PromptPair,
    Settings,
    SubtractStrokes,
)

from ..diffusion.delta import DeltaPlan, delta_steps
from ..diffusion.editor import STEPS, Asked, Editor
from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Bools, Bytes, Floats, array_of
from .hands import Hand, Run
from .tasks import to_bytes
from .verdict import to_tensor

Kind = TypeVar("Kind")
DELTA_STEPS, DELTA_GUIDANCE = 8, 2.3


def _only(cues: Iterable[Cue], kind: type[Kind]) -> Kind | None:
    return next((cue for cue in cues if isinstance(cue, kind)), None)


def _plane(cue: Mask | AddStrokes | SubtractStrokes | None) -> Floats | None:
    """Return a cue's plane (h, w) in 0..1."""
    return None if cue is None else (array_of(cue.alpha)[..., 0] / 255).astype(np.float32)


def asked_of(picture: Bytes, cues: tuple[Cue, ...]) -> Asked:
    """Return what the editor is given for an edit's cues: the words of a pair are its target, those of an instruction itself."""
    color, pair, said = _only(cues, ColorStrokes), _only(cues, PromptPair), _only(cues, Instruction)
    return Asked(
        source=picture,
        mask=_plane(_only(cues, Mask)),
        add=_plane(_only(cues, AddStrokes)),
        subtract=_plane(_only(cues, SubtractStrokes)),
        color=None if color is None else array_of(color.rgba),
        pulls=tuple((c.start.x, c.start.y, c.end.x, c.end.y) for c in cues if isinstance(c, Handle)),
        words=pair.target if pair is not None else said.text if said is not None else "",
    )


def editor_hand(editor: Editor) -> Hand:
    """Return the editor as a hand: one sampling, laid over the picture where it changes and the mask allows."""

    def perform(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        started = time.perf_counter()
        asked, steps = asked_of(picture, cues), settings.steps or STEPS
        painted = editor.paint(asked, steps, seed=settings.seed)
        allowed: Bools | None = None if asked.mask is None else np.asarray(asked.mask > 0.5, dtype=bool)
        laid = painted.over(picture, allowed)
        seconds = time.perf_counter() - started
        return Run(laid, seconds, seconds, 2 * steps, steps)

    return perform


def delta_hand(model: DiffusionModel) -> Hand:
    """Return the delta loop as a hand, as published: no place, no palette, the difference added to the picture's own pixels."""

    def perform(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        started, pair, mask = time.perf_counter(), _only(cues, PromptPair), _only(cues, Mask)
        assert pair is not None, "the delta loop works on a pair of prompts"
        before, steps = to_tensor(picture), settings.steps or DELTA_STEPS
        x0 = model.encode(before)
        plan = DeltaPlan(
            pair.source, pair.target, model.schedule.few_steps(steps), DELTA_GUIDANCE, 0.3, 0.3, seed=settings.seed
        )
        *_, last = delta_steps(model, x0, plan)
        after = to_bytes(
            (before + model.decode(x0 + last.delta) - model.decode(x0))[0].clamp(0, 1).detach().cpu().numpy()
        )
        laid = after if mask is None else np.where(array_of(mask.alpha) > 127, after, picture)
        seconds = time.perf_counter() - started
        return Run(laid, seconds, seconds, 3 * steps, steps)

    return perform
