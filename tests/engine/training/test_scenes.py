from __future__ import annotations

from dataclasses import replace

import pytest
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.palette import COLORS
from scumble_engine.training.scenes import (
    Add,
    Background,
    ChangeBackground,
    Move,
    Recolor,
    Remove,
    Replace,
    Restyle,
    Scene,
    SceneObject,
    SceneSampler,
    edited,
    held_out,
)

GROUND = Background("plain", "white", (0.5,) * 6)
APPLE = SceneObject("apple", "flat", None, (0.3, 0.5), 0.4)
STAR = SceneObject("star", "flat", "blue", (0.7, 0.5), 0.4)
SCENE = Scene((APPLE, STAR), GROUND)


def test_a_seed_gives_the_same_scenes_again(bank: SpriteBank) -> None:
    assert SceneSampler(bank, 5).batch(20) == SceneSampler(bank, 5).batch(20)
    assert SceneSampler(bank, 5).batch(20) != SceneSampler(bank, 6).batch(20)


def test_training_never_shows_a_held_out_pair_or_a_color_by_another_name(bank: SpriteBank) -> None:
    shown = [item for scene in SceneSampler(bank, 0).batch(2000) for item in scene.objects if item.color]
    pairs = {(item.concept, item.color) for item in shown}
    assert len(pairs) > 20
    assert not [pair for pair in pairs if held_out(*pair)]
    assert not [item for item in shown if item.color == bank.natural_of(item.concept, item.style)]


def test_about_one_pair_in_twelve_is_held_out() -> None:
    names = [f"concept {i}" for i in range(200)]
    share = sum(held_out(name, color) for name in names for color in COLORS) / (200 * len(COLORS))
    assert 0.06 < share < 0.11


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Move(0, center=(0.5, 0.6)), (replace(APPLE, center=(0.5, 0.6)), STAR)),
        (Move(0, angle_deg=30.0), (replace(APPLE, angle_deg=30.0), STAR)),
        (Recolor(1, "red"), (APPLE, replace(STAR, color="red"))),
        (Replace(1, "tree"), (APPLE, replace(STAR, concept="tree", color=None))),
        (Restyle("3d"), (replace(APPLE, style="3d"), replace(STAR, style="3d"))),
        (Add(APPLE), (APPLE, STAR, APPLE)),
        (Remove(0), (STAR,)),
    ],
)
def test_a_change_changes_that_and_nothing_else(change: object, expected: tuple[SceneObject, ...]) -> None:
    assert edited(SCENE, change) == Scene(expected, GROUND)  # type: ignore[arg-type]


def test_another_background_keeps_the_objects() -> None:
    night = Background("night", None, (0.1,) * 6)
    assert edited(SCENE, ChangeBackground(night)) == replace(SCENE, background=night)


@pytest.mark.parametrize("change", [Remove(2), Recolor(-1, "red"), Move(5)])
def test_changing_an_object_that_is_not_there_is_refused(change: object) -> None:
    with pytest.raises(IndexError, match="has 2 objects"):
        edited(SCENE, change)  # type: ignore[arg-type]
