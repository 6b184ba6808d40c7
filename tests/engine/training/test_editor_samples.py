"""The editor's samples: every kind tells a change that can be seen, and its cues point at what changes."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.creatures import render_creatures
from scumble_engine.training.editor_batches import KINDS
from scumble_engine.training.editor_creatures import creature_pair
from scumble_engine.training.editor_samples import MOST_PULLS, Drawn, Story, as_pulls, ask, tell
from scumble_engine.training.render import render
from scumble_engine.training.scenes import Add, Background, Move, Remove, Scene, SceneObject, SceneSampler, edited

GROUND = Background("plain", "white", (0.5,) * 6)
APPLE = SceneObject("apple", "flat", "red", (0.35, 0.5), 0.4)
STAR = SceneObject("star", "flat", "yellow", (0.7, 0.5), 0.3)


def asked(before: Scene, change: Move | Add | Remove, bank: SpriteBank, seed: int) -> Drawn:
    story = Story(before, (change,), edited(before, change))
    painted = [render([scene], bank, 128) for scene in (story.before, story.after)]
    return ask(story, painted[0], painted[1], 0, random.Random(seed))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"alone", "creature"}))
def test_every_kind_tells_a_change(kind: str, bank: SpriteBank) -> None:
    sampler, draw = SceneSampler(bank, 1), random.Random(1)
    stories = [story for _ in range(40) if (story := tell(kind, sampler, bank, draw)) is not None]
    assert len(stories) > 3
    for story in stories:
        assert story.after != story.before
        assert 1 <= len(story.changes) <= 2


def test_pulls_start_on_the_thing_and_end_where_it_goes(bank: SpriteBank) -> None:
    scene = Scene((APPLE, STAR), GROUND, shadow=False)
    thing = render([scene], bank, 128).masks[0, 0] > 0.5
    pulls = asked(scene, Move(0, (0.45, 0.6)), bank, 0).pulls
    assert 1 <= len(pulls) <= MOST_PULLS
    for x0, y0, x1, y1 in pulls:
        assert thing[int(y0), int(x0)]
        assert np.allclose((x1 - x0, y1 - y0), (0.1 * 128, 0.1 * 128), atol=0.01)


def test_strokes_lie_where_a_thing_comes_or_goes(bank: SpriteBank) -> None:
    scene = Scene((APPLE,), GROUND, shadow=False)
    comes = [asked(scene, Add(STAR), bank, seed) for seed in range(12)]
    goes = [asked(scene, Remove(0), bank, seed) for seed in range(12)]
    assert any(drawn.add.max() > 0 for drawn in comes)
    assert any(drawn.color.max() > 0 for drawn in comes)
    assert all(drawn.subtract.max() == 0 for drawn in comes)
    for drawn in comes:
        assert drawn.add[:, :58].max() == 0  # the star stands on the right
    assert any(drawn.subtract.max() > 0 for drawn in goes)
    for drawn in goes:
        assert drawn.subtract[:, 90:].max() == 0  # the apple on the left
        assert drawn.shown == (drawn.subtract.max() > 0)


def test_pulls_of_a_batch_are_padded_and_marked() -> None:
    drawn = [Drawn(16), Drawn(16)]
    drawn[1].pulls = [(1.0, 2.0, 3.0, 4.0)]
    pulls, held = as_pulls(drawn)
    assert pulls.shape == (2, MOST_PULLS, 4)
    assert held.sum(dim=1).tolist() == [0.0, 1.0]
    assert pulls[1, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_an_animals_cues_ask_for_what_changes() -> None:
    draw = random.Random(4)
    pairs = [creature_pair(draw, 64) for _ in range(40)]
    numbers = torch.stack([pair.before for pair in pairs] + [pair.after for pair in pairs])
    before, after = render_creatures(numbers, 64).chunk(2)
    assert ((before - after).abs().amax((1, 2, 3)) > 0.04).all()
    assert all(pair.words or pair.drawn.shown for pair in pairs)
    assert any(pair.drawn.pulls for pair in pairs)
    assert any(len(pair.deeds) == 2 for pair in pairs)
    for pair in pairs:
        moved = [np.hypot(x1 - x0, y1 - y0) for x0, y0, x1, y1 in pair.drawn.pulls]
        assert not moved or max(moved) > 0.25


def test_a_story_may_have_two_changes_that_fit_each_other(bank: SpriteBank) -> None:
    sampler, draw = SceneSampler(bank, 2), random.Random(2)
    mixed = [s for _ in range(200) if (s := tell("move", sampler, bank, draw)) is not None and len(s.changes) == 2]
    assert mixed
    for story in mixed:
        assert len(story.before.objects) == len(story.after.objects)  # nothing is pulled that the source does not have
        assert replace(story, changes=()) != Story(story.before, (), story.before)
