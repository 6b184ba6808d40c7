from __future__ import annotations

import pytest
import torch
from scumble_engine.training.palette import (
    COLORS,
    color_lab,
    find_body,
    lab_to_rgb,
    natural_color,
    recolor,
    rgb_to_lab,
)

from .conftest import drawing


def test_lab_and_back_gives_the_same_color() -> None:
    rgb = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0))
    assert (lab_to_rgb(rgb_to_lab(rgb)) - rgb).abs().max() < 2e-3


def test_lab_of_known_colors() -> None:
    red = rgb_to_lab(torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)).flatten()
    assert torch.allclose(red, torch.tensor([53.24, 80.09, 67.20]), atol=0.05)  # CIE Lab, D65


@pytest.mark.parametrize("concept", ["apple", "cloud", "tree"])
@pytest.mark.parametrize("name", COLORS)
def test_recoloring_reaches_the_color_and_leaves_the_rest(concept: str, name: str) -> None:
    rgba = drawing(concept, "flat").float() / 255
    lab = rgb_to_lab(rgba[:3])
    painted = recolor(lab, find_body(lab, rgba[3]), name)
    assert (painted[:, 30, 64] - color_lab(name)).norm() < 3
    assert torch.equal(painted[:, 64, 64], lab[:, 64, 64])  # the dark middle is not the body


@pytest.mark.parametrize(
    ("concept", "name"), [("apple", "red"), ("star", "yellow"), ("cloud", "white"), ("tree", "green")]
)
def test_a_drawings_own_color_is_named(concept: str, name: str) -> None:
    rgba = drawing(concept, "flat").float() / 255
    assert natural_color(find_body(rgb_to_lab(rgba[:3]), rgba[3])) == name
