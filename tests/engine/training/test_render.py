from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scumble_engine.training.backgrounds import paint_backgrounds
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.render import flow, render
from scumble_engine.training.scenes import BACKGROUNDS, Background, Scene, SceneObject, SceneSampler

GROUND = Background("plain", "white", (0.5,) * 6)
LEFT = SceneObject("apple", "flat", None, (0.25, 0.5), 0.4)


def test_an_object_is_painted_where_it_was_put_in_its_color(bank: SpriteBank) -> None:
    out = render([Scene((replace(LEFT, color="blue"),), GROUND, shadow=False)], bank, 128)
    red, _, blue = out.rgb[0, :, 52, 32]
    assert blue > 0.7
    assert red < 0.3
    y, x = torch.nonzero(out.masks[0, 0] > 0.5).float().mean(dim=0)
    assert (float(x), float(y)) == pytest.approx((31.5, 63.5), abs=0.5)  # pixel centres


def test_what_stands_in_front_hides_what_is_behind(bank: SpriteBank) -> None:
    front = SceneObject("tree", "3d", None, (0.35, 0.5), 0.4)
    out = render([Scene((LEFT, front), GROUND)], bank, 128)
    assert float(out.masks.sum(dim=1).max()) <= 1 + 1e-5
    assert float(out.alphas[0, 0, 64, 45]) > 0.9
    assert float(out.masks[0, 0, 64, 45]) < 0.1
    assert int(out.labels()[0, 64, 45]) == 2
    assert int(out.labels()[0, 64, 10]) == 1
    assert int(out.labels()[0, 5, 120]) == 0


def test_edges_run_along_outlines_only(bank: SpriteBank) -> None:
    edges = render([Scene((LEFT,), GROUND)], bank, 128).edges()[0, 0]
    assert float(edges[64, 32]) == 0
    assert float(edges[64, 100]) == 0
    assert float(edges[64, 5:12].max()) > 0.9  # the disc's left side, at 32 - 0.4 * 58


def test_turning_and_flipping_move_the_right_way(bank: SpriteBank) -> None:
    stem = bank.full.clone()
    stem[:, :, :, :64, :] = 0  # only the lower half of each drawing is left
    half = replace(bank, full=stem, half=stem[..., ::2, ::2])
    turned = render([Scene((replace(LEFT, center=(0.5, 0.5), angle_deg=90.0),), GROUND)], half, 128).masks[0, 0]
    assert turned[:, :60].sum() > 20 * turned[:, 68:].sum()  # clockwise: below goes to the left


def test_a_batch_paints_each_scene_as_if_alone(bank: SpriteBank) -> None:
    scenes = SceneSampler(bank, 1).batch(6)
    together = render(scenes, bank, 64).rgb
    alone = torch.cat([render([scene], bank, 64).rgb for scene in scenes])
    assert torch.allclose(together, alone, atol=1e-6)


def test_flow_follows_a_moved_object_and_rests_elsewhere(bank: SpriteBank) -> None:
    before, after = Scene((LEFT,), GROUND), Scene((replace(LEFT, center=(0.5, 0.375)),), GROUND)
    moved = flow(before, after, 128, render([before], bank, 128))
    assert torch.allclose(moved[:, 64, 40], torch.tensor([32.0, -16.0]), atol=1e-3)
    assert torch.equal(moved[:, 5, 120], torch.zeros(2))


def test_flow_needs_the_same_objects(bank: SpriteBank) -> None:
    before = Scene((LEFT,), GROUND)
    with pytest.raises(ValueError, match="added or removed"):
        flow(before, Scene((), GROUND), 64, render([before], bank, 64))


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_grounds_are_pictures_and_follow_their_numbers(kind: str) -> None:
    one, same, other = (Background(kind, "green", (v,) * 6) for v in (0.2, 0.2, 0.9))
    painted = paint_backgrounds([one, same, other], 64)
    assert torch.equal(painted[0], painted[1])
    assert not torch.equal(painted[0], painted[2])
    assert float(painted.min()) >= 0
    assert float(painted.max()) <= 1


def test_grass_is_green_below_blue_and_night_is_dark() -> None:
    grass, night = paint_backgrounds([Background(kind, None, (0.5,) * 6) for kind in ("grass", "night")], 64)
    assert grass[2, 0].mean() > grass[1, 0].mean()
    assert grass[1, -1].mean() > 1.5 * grass[2, -1].mean()
    assert night.mean() < 0.35
