"""Tasks with a known truth: readable, visible, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scumble_engine.bench.tasks import LANGUAGE_KINDS, Studio, make_tasks, sentence
from scumble_engine.imaging.mask import grow
from scumble_engine.training.pairs import Pair
from scumble_engine.training.scenes import Add, ChangeBackground, Recolor, Replace, SceneObject, held_out


@pytest.mark.parametrize("kind", LANGUAGE_KINDS)
def test_every_kind_is_said_read_and_seen(studio: Studio, kind: str) -> None:
    for task in make_tasks(studio, kind, 3, 5):
        assert task.said
        assert task.reading is not None
        assert task.reading.source == task.pair.source
        apart = np.abs(task.before.astype(int) - task.truth)
        assert apart[task.changed].mean() > 6
        assert not apart[~task.changed].any()
        assert task.may[task.changed].all()


def test_a_seed_gives_the_same_tasks_and_another_gives_others(studio: Studio) -> None:
    first, again, other = (make_tasks(studio, "swap", 2, seed) for seed in (1, 1, 2))
    assert [task.said for task in first] == [task.said for task in again]
    assert all(np.array_equal(a.truth, b.truth) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].before, other[0].before)


def test_what_training_never_shows_is_not_asked_for(studio: Studio) -> None:
    for task in make_tasks(studio, "recolor", 12, 3) + make_tasks(studio, "swap", 12, 3):
        change, objects = task.pair.change, task.pair.scene.objects
        assert isinstance(change, Recolor | Replace)
        concept = change.concept if isinstance(change, Replace) else objects[change.index].concept
        assert change.color
        assert not held_out(concept, change.color)


def test_a_repainted_ground_keeps_its_kind(studio: Studio) -> None:
    for task in make_tasks(studio, "repaint", 4, 7):
        change, ground = task.pair.change, task.pair.scene.background
        assert isinstance(change, ChangeBackground)
        assert (change.background.kind, change.background.variation) == (ground.kind, ground.variation)
        assert task.said == f"make the background {change.background.color}"


def test_a_move_may_use_all_that_its_thing_covers_though_it_overlaps_itself(studio: Studio) -> None:
    tasks = make_tasks(studio, "move", 12, 4)
    hidden = 0
    for task in tasks:
        assert task.may[task.thing].all()
        assert (ndimage.binary_fill_holes(task.may) == task.may).all()
        hidden += int((task.thing & ~grow(task.changed, 3.0)).sum())
    assert hidden > 20  # what differs would have left holes


def test_articles_fit(studio: Studio) -> None:
    pair = make_tasks(studio, "add", 1, 0)[0].pair
    item = SceneObject("apple", "flat", None, (0.5, 0.5), 0.3)
    said = [sentence(_with(pair, Add(item))), sentence(_with(pair, Replace(0, "star", "orange")))]
    assert said == ["add an apple", f"replace the {pair.scene.objects[0].concept} with an orange star"]


def _with(pair: Pair, change: Add | Replace) -> Pair:
    from dataclasses import replace

    return replace(pair, change=change)
