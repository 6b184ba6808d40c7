"""The parametric animals: every named point lies where the picture has it, and every deed does what its words say."""

from __future__ import annotations

import random

import pytest
import torch
from scumble_engine.training.creature_deeds import (
    BODY_COLORS,
    DEEDS,
    color_name,
    describe_creature,
    done,
    ready_for,
    recolored,
)
from scumble_engine.training.creatures import HANDLES, NUMBERS, PLACE, body_rgb, handles, render_creatures


def animals(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, len(NUMBERS), generator=torch.Generator().manual_seed(seed)) * 0.8


def color_at(picture: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    x, y = (int(v) for v in point)
    return picture[:, y, x]


def test_pictures_are_smooth_in_their_numbers_and_the_spare_number_changes_nothing() -> None:
    numbers = animals(2).requires_grad_()
    picture = render_creatures(numbers, 32)
    assert picture.shape == (2, 3, 32, 32)
    assert 0 <= float(picture.detach().min()) <= float(picture.detach().max()) <= 1
    (slope,) = torch.autograd.grad(picture.square().sum(), numbers)
    moved = slope.abs().amax(dim=0) > 0
    assert moved[: PLACE["spare"]].all()
    assert not moved[PLACE["spare"]]


def test_every_handle_is_named_and_follows_the_size_of_the_canvas() -> None:
    small, large = handles(animals(3), 64), handles(animals(3), 128)
    assert set(small) == set(HANDLES)
    for name in HANDLES:
        assert torch.allclose(small[name] * 2, large[name])


def test_handles_lie_on_their_parts() -> None:
    numbers = animals(6, seed=3)
    numbers[:, PLACE["mouth_openness"]] = 1.0
    numbers[:, PLACE["ear_spread"]] = 0.0
    pictures, points = render_creatures(numbers, 256), handles(numbers, 256)
    dark_ear = body_rgb(numbers) * 0.62
    for i, picture in enumerate(pictures):
        assert torch.allclose(color_at(picture, points["nose"][i]), torch.tensor([0.15, 0.1, 0.12]), atol=0.05)
        for side in ("left", "right"):
            assert torch.allclose(color_at(picture, points[f"{side}_ear"][i]), dark_ear[i], atol=0.08)
        assert torch.allclose(color_at(picture, points["head_top"][i]), body_rgb(numbers)[i], atol=0.05)
        mouth = color_at(picture, points["mouth_bottom"][i])
        assert mouth[0] - mouth[2] > 0.2  # mouth's brown or tongue's pink, whatever the animal's colour


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_a_deed_moves_its_handles_and_changes_the_picture(name: str) -> None:
    deed = DEEDS[name]
    before = ready_for(animals(1, seed=5)[0], deed)
    after = done(before, deed, 1.8)
    start, end = handles(before[None], 128), handles(after[None], 128)
    for handle in deed.handles:
        assert float((end[handle] - start[handle]).norm()) > 0.6
    assert float((render_creatures(before[None], 128) - render_creatures(after[None], 128)).abs().max()) > 0.1
    assert deed.after in describe_creature(after, None, deed.after)


def test_words_of_direction_mean_the_pictures_own_sides() -> None:
    for name, handle, axis, way in (
        ("turn left", "nose", 0, -1), ("turn right", "nose", 0, 1), ("look left", "left_pupil", 0, -1),
        ("raise head", "nose", 1, -1), ("tilt right", "head_top", 0, 1), ("open mouth", "mouth_bottom", 1, 1),
        ("look up", "right_pupil", 1, -1), ("long ears", "left_ear", 1, -1), ("ears apart", "right_ear", 0, 1),
    ):  # fmt: skip
        before = ready_for(animals(1, seed=8)[0], DEEDS[name])
        start, end = handles(before[None], 100), handles(done(before, DEEDS[name], 1.5)[None], 100)
        assert float((end[handle] - start[handle])[0, axis]) * way > 0.5, name


def test_a_deed_and_its_opposite_are_both_there() -> None:
    ways = {(deed.number, deed.sign) for deed in DEEDS.values()}
    assert {(number, -sign) for number, sign in ways} == ways


@pytest.mark.parametrize("color", BODY_COLORS)
def test_an_animal_takes_a_named_colour_and_is_called_by_it(color: str) -> None:
    painted = recolored(animals(1, seed=2)[0], color)
    assert color_name(body_rgb(painted[None])[0]) == color
    assert f"{color} animal" in describe_creature(painted, random.Random(0))
