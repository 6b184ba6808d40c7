"""Painting anew what a language edit put in another thing's place: the delta loop keeps a ghost of the old one's outlines."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from scumble_protocol.messages import PromptPair
from torch import Tensor

from ..diffusion.guidance import Conditions
from ..diffusion.model import DiffusionModel
from ..diffusion.repaint import RepaintPlan, repaint_steps

# How much of the delta loop's picture is forgotten, in how many steps; which share of D's full strength counts as changed.
FORGET, STEPS, CHANGED = 0.95, 8, 0.25


def polish_steps(
    model: DiffusionModel, x0: Tensor, delta: Tensor, pair: PromptPair, may: Tensor | None, seed: int
) -> Iterator[Tensor]:
    """Yield a better D after each step: the target prompt painted from x0 + D, where D changed much, and nowhere else.

    `may` (1, 1, h, w) bounds it.
    """
    mask = changed(delta) if may is None else changed(delta) * may
    plan = RepaintPlan(pair.target, STEPS, FORGET, seed=seed)
    for _, clean in repaint_steps(model, x0, x0 + delta, mask, Conditions(mask), plan):
        yield mask * (clean - x0) + (1 - mask) * delta


def changed(delta: Tensor) -> Tensor:
    """Return the box around where D (1, c, h, w) is strong, (1, 1, h, w) of 0 and 1."""
    return boxed(strong(delta, CHANGED))


def strong(delta: Tensor, share: float) -> Tensor:
    """Return where D (1, c, h, w) has more than a share of its full strength, (h, w) of bool."""
    strength = delta.abs().mean(1)[0]
    return strength > share * strength.flatten().quantile(0.97).clamp_min(1e-6)


def boxed(marked: Tensor) -> Tensor:
    """Return the box around what is marked (h, w) and one more on each side, (1, 1, h, w) of 0 and 1: room for another shape."""
    mask = torch.zeros(1, 1, *marked.shape, device=marked.device)
    if marked.any():
        mask[..., _spanned(marked.any(1)), _spanned(marked.any(0))] = 1.0
    return mask


def _spanned(marked: Tensor) -> slice:
    """Return the slice from the first to the last that is marked (n,), and one more on both sides."""
    places = torch.nonzero(marked)[:, 0]
    return slice(max(0, int(places[0]) - 1), int(places[-1]) + 2)
