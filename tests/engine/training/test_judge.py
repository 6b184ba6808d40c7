"""The judge: learns what it is shown, says so of fresh pictures, and is scored itself. The wear it is trained with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scumble_engine.training import kept_bank, wear
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.judge import Judge, ceilings, real_scenes
from scumble_engine.training.kept_bank import kept
from scumble_engine.training.recipe import SMALL_RECIPE
from scumble_engine.training.render import Rendered, render
from scumble_engine.training.scorer import NOTHING, Scorer, fit, names_of
from scumble_engine.training.sprites import SpritePack

from .conftest import CONCEPTS, drawing

RECIPE = replace(SMALL_RECIPE, concepts=CONCEPTS, styles=("flat", "3d"), size_px=48)


def judge_after(images: int, bank: SpriteBank) -> Judge:
    torch.manual_seed(0)
    names = names_of(RECIPE)
    net = Scorer(names.heads())
    if images:
        fit(net, names, [bank, bank], images, 0)
    return Judge(net, names)


@pytest.fixture(scope="module")
def shown(bank: SpriteBank) -> Rendered:
    return render(real_scenes(RECIPE, bank, 24, 5), bank, 48)


def test_a_little_training_teaches_something(bank: SpriteBank) -> None:
    scenes = real_scenes(RECIPE, bank, 96, 5)
    pictures = render(scenes, bank, 48).rgb
    fresh, taught = (judge_after(images, bank).read(pictures) for images in (0, 640))
    grounds = [scene.background.kind for scene in scenes]
    right = [sum(one.ground == kind for one, kind in zip(read, grounds, strict=True)) for read in (fresh, taught)]
    assert right[1] > right[0] + 12


def test_real_scenes_show_each_concept_in_turn(bank: SpriteBank) -> None:
    scenes = real_scenes(RECIPE, bank, 8, 0)
    assert [s.objects[0].concept for s in scenes] == [c.name for c in CONCEPTS] * 2


def test_the_judge_is_scored_on_clean_worn_strange_and_empty_pictures(bank: SpriteBank) -> None:
    figures = ceilings(judge_after(0, bank), RECIPE, bank, bank, 8, 3)
    assert figures["judge_n"] == 8
    shares = {name: value for name, value in figures.items() if name != "judge_n"}
    assert set(shares) == {
        *("judge_concept", "judge_color", "judge_concept_worn", "judge_color_worn"),
        *("judge_blots", "judge_blots_nothing", "judge_unseen_sets"),
    }
    assert all(0 <= value <= 1 for value in shares.values())


def test_distance_is_zero_for_equals_and_grows(bank: SpriteBank, shown: Rendered) -> None:
    judge = judge_after(0, bank)
    near, far = (shown.rgb + 0.02).clamp(0, 1), shown.rgb.flip(0)
    assert judge.distance(shown.rgb, shown.rgb).abs().max() < 1e-6
    assert (judge.distance(shown.rgb, near) < judge.distance(shown.rgb, far)).float().mean() > 0.8


def test_wear_changes_pictures_as_much_as_it_is_told(shown: Rendered) -> None:
    torch.manual_seed(1)
    assert torch.equal(wear.wear(shown.rgb, 0.0), shown.rgb)
    apart = [(wear.wear(shown.rgb, hardness) - shown.rgb).abs().mean() for hardness in (0.3, 1.0)]
    assert 0 < apart[0] < apart[1]
    hard = wear.worn_hard(shown.rgb)
    assert (hard - shown.rgb).abs().mean() > apart[0]
    assert 0 <= hard.min() <= hard.max() <= 1


def test_patches_keep_all_or_their_means(shown: Rendered) -> None:
    assert torch.allclose(wear.in_patches(shown.rgb, 9), shown.rgb, atol=1e-5)
    flat = wear.in_patches(shown.rgb, 1)
    assert torch.allclose(
        flat[..., :3, :3], shown.rgb[..., :3, :3].mean(dim=(2, 3), keepdim=True).expand(-1, -1, 3, 3), atol=1e-5
    )


def test_spoiling_hides_the_thing_in_the_chosen_pictures_alone(shown: Rendered) -> None:
    torch.manual_seed(2)
    spoiled, chosen = wear.spoil(shown.rgb, shown.masks[:, :1], 0.5)
    assert 0 < int(chosen.sum()) < len(chosen)
    assert torch.equal(spoiled[~chosen], shown.rgb[~chosen])
    assert bool(((spoiled - shown.rgb).abs().amax(dim=(1, 2, 3)) > 0.05)[chosen].all())
    untouched, none = wear.spoil(shown.rgb, shown.masks[:, :1], 0.0)
    assert torch.equal(untouched, shown.rgb)
    assert not bool(none.any())


def test_a_blot_has_the_things_colours_and_no_detail(bank: SpriteBank) -> None:
    scene = real_scenes(RECIPE, bank, 1, 9)[0]  # an apple: a disc with a dark square in its middle
    scene = replace(scene, objects=(replace(scene.objects[0], color="blue", center=(0.5, 0.5), size=0.7),))
    shown = render([scene], bank, 96)
    blot = wear.blots(shown.rgb, shown.masks)
    middle = (0, slice(None), slice(40, 56), slice(40, 56))
    assert shown.rgb[middle].std(dim=(1, 2)).max() > 0.1
    assert blot[middle].std(dim=(1, 2)).max() < 0.05
    red, _green, blue = blot[0, :, 48, 48]
    assert blue > red + 0.2


def test_a_bank_is_built_once(tmp_path: Path, bank: SpriteBank, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = torch.stack([drawing(sprite.concept, sprite.style) for sprite in bank.sprites])[
        :2, :, ::4, ::4
    ].contiguous()
    pack = SpritePack(bank.sprites[:2], pixels)
    first = kept(pack, tmp_path)
    monkeypatch.setattr(kept_bank, "build_bank", lambda _pack: pytest.fail("it was built again"))
    again = kept(pack, tmp_path)
    assert torch.equal(first.full, again.full)
    assert torch.equal(first.half, again.half)
    assert (first.natural, first.index, first.sprites) == (again.natural, again.index, again.sprites)
    monkeypatch.undo()
    other = kept(SpritePack(pack.sprites, pixels.flip(3).contiguous()), tmp_path)
    assert not torch.equal(other.full, first.full)
    assert NOTHING not in {sprite.concept for sprite in other.sprites}
