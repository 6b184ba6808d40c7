"""Animals for the editor: pairs that differ by one or two deeds, asked for by words, pulls or colour strokes."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from scumble_engine.training.creature_deeds import (
    BODY_COLORS,
    DEEDS,
    Deed,
    describe_creature,
    done,
    ready_for,
    recolored,
)
from scumble_engine.training.creatures import HANDLES, NUMBERS, body_rgb, handles, render_creatures
from scumble_engine.training.editor_samples import MOST_PULLS, Drawn
from scumble_engine.training.editor_strokes import dabs
from torch import Tensor

_PAIRED_WORDS = " and "


@dataclass(frozen=True)
class CreaturePair:
    """An animal before and after: numbers (26,), what was done, the words for it and the cues."""

    before: Tensor
    after: Tensor
    deeds: tuple[Deed, ...]
    words: str
    drawn: Drawn


def creature_pair(draw: random.Random, size_px: int) -> CreaturePair:
    """Draw an animal, one or two things done to it, and how a painter asks for it: pulls, words, colours or several."""
    made = torch.tensor([draw.gauss(0, 0.85) for _ in NUMBERS])
    deeds = _deeds(draw)
    for deed in deeds:
        made = ready_for(made, deed)
    after = made
    for deed in deeds:
        after = done(after, deed, draw.uniform(1.1, 2.4))
    color = draw.choice(BODY_COLORS) if draw.random() < (0.15 if deeds else 1.0) else None
    after = recolored(after, color) if color else after
    drawn, way = Drawn(size_px), draw.random()
    if deeds and way < 0.65:
        _pull(drawn, made, after, deeds, draw)
    if color and way < 0.5:
        _dab(drawn, after, draw)
    words = "" if way < 0.25 and not color else _words(after, deeds, color, draw)
    return CreaturePair(made, after, deeds, words, drawn)


def _deeds(draw: random.Random) -> tuple[Deed, ...]:
    count = draw.choices((0, 1, 2), (0.12, 0.63, 0.25))[0]
    chosen = draw.sample(sorted(DEEDS), count)
    deeds = {DEEDS[name].number: DEEDS[name] for name in chosen}
    return tuple(deeds.values())


def _words(after: Tensor, deeds: tuple[Deed, ...], color: str | None, draw: random.Random) -> str:
    """Say it as a command or as what is to be true."""
    if draw.random() < 0.5:
        commands = [draw.choice(deed.words) for deed in deeds] + ([f"make it {color}"] if color else [])
        return _PAIRED_WORDS.join(commands)
    return describe_creature(after, draw, _PAIRED_WORDS.join(deed.after for deed in deeds))


def _pull(drawn: Drawn, before: Tensor, after: Tensor, deeds: tuple[Deed, ...], draw: random.Random) -> None:
    """Pull the deeds' own points along; sometimes hold other points where they end, too."""
    start, end = handles(before[None], drawn.size_px), handles(after[None], drawn.size_px)
    names = [name for deed in deeds for name in deed.handles]
    if len(names) > 2 and draw.random() < 0.4:
        names = [deed.handles[0] for deed in deeds]
    if draw.random() < 0.4:
        names += [name for name in draw.sample(HANDLES, 2) if name not in names]
    for name in names[:MOST_PULLS]:
        (x0, y0), (x1, y1) = start[name][0].tolist(), end[name][0].tolist()
        drawn.pulls.append((x0, y0, x1, y1))


def _dab(drawn: Drawn, after: Tensor, draw: random.Random) -> None:
    rgb = render_creatures(after[None], drawn.size_px)[0]
    head = (rgb - body_rgb(after[None])[0].view(3, 1, 1)).abs().amax(0) < 0.1
    drawn.color = dabs(head.numpy(), rgb.permute(1, 2, 0).numpy(), draw)
