"""What control networks are shown of strokes, and that the networks hear it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from control_networks import adapter, control_net
from scumble_engine.diffusion.capabilities import Condition
from scumble_engine.diffusion.model import DiffusionModel
from scumble_engine.edits.controls import conditions_for, fields
from scumble_engine.imaging.arrays import Floats
from tiny_models import tiny_model

SIDE = 64


def drawn(top: int, left: int, bottom: int, right: int) -> Floats:
    strokes = np.zeros((SIDE, SIDE), np.float32)
    strokes[top:bottom, left:right] = 1.0
    return strokes


# A white square on gray, a hole in which it lies, and strokes: a line, an eraser over the square's left edge, and a dab.
PICTURE = np.full((SIDE, SIDE, 3), 0.4, np.float32) + 0.6 * drawn(16, 16, 48, 48)[..., None]
GAP, LINES, ERASED, DAB = drawn(8, 8, 56, 56), drawn(30, 4, 33, 60), drawn(0, 10, 64, 22), drawn(40, 40, 60, 60)


@pytest.fixture
def model() -> DiffusionModel:
    tiny = tiny_model()
    unet = tiny.unet
    tiny.controls.update(lineart=control_net(unet), color=adapter(unet), inpaint=control_net(unet, 1))
    return tiny


def shown(conditions: tuple[Condition, ...]) -> dict[str, tuple[Floats, float]]:
    return {one.kind: (one.map[0].permute(1, 2, 0).numpy(), one.scale) for one in conditions}


def test_lines_are_white_on_the_pictures_own_edges_without_those_erased(model: DiffusionModel) -> None:
    edges = shown(conditions_for(model, PICTURE, GAP, LINES, ERASED))["lineart"][0]
    assert set(np.unique(edges)) == {0.0, 1.0}
    assert (edges[LINES > 0] == 1).all()
    right, left = edges[34:46, 44:52].max(axis=(1, 2)), edges[34:46, 12:20].max(axis=(1, 2))
    assert right.all(), "the square's right edge stays"
    assert not left.any(), "its left one is erased"


def test_colours_are_shown_as_fields_and_the_hole_is_cut_out(model: DiffusionModel) -> None:
    maps = shown(conditions_for(model, PICTURE, GAP, color=DAB))
    assert np.ptp(maps["color"][0].reshape(-1, 3), axis=0).max() < 1e-6, "one field of 64 px"
    assert np.allclose(maps["color"][0][0, 0], PICTURE.mean(axis=(0, 1)), atol=1e-5)
    hole = maps["inpaint"][0]
    assert (hole[GAP > 0] == -1).all()
    assert np.array_equal(hole[GAP == 0], PICTURE[GAP == 0])
    assert len(np.unique(fields(np.random.default_rng(0).random((64, 96, 3)).astype(np.float32), 16)[..., 0])) == 4 * 6


def test_lines_and_colours_compose_more_softly_than_one_alone(model: DiffusionModel) -> None:
    alone, both = (shown(conditions_for(model, PICTURE, GAP, LINES, color=dab)) for dab in (None, DAB))
    assert set(alone) == {"lineart", "inpaint"}
    assert set(both) == {"lineart", "color", "inpaint"}
    assert [alone["lineart"][1], both["lineart"][1], both["color"][1], both["inpaint"][1]] == [1.0, 0.5, 0.5, 1.0]
    tile = tiny_model()
    tile.controls["tile"] = control_net(tile.unet)
    maps = shown(conditions_for(tile, PICTURE, GAP, color=DAB))
    assert maps["tile"][1] == 0.5
    assert len(np.unique(maps["tile"][0][..., 0])) > 1, "a ControlNet sees fields of 16 px"


def test_a_model_without_networks_has_no_conditions_and_one_with_hears_each(model: DiffusionModel) -> None:
    assert conditions_for(tiny_model(), PICTURE, GAP, LINES, ERASED, DAB) == ()
    conditions = conditions_for(model, PICTURE, GAP, LINES, ERASED, DAB)
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    def answer(*some: Condition) -> torch.Tensor:
        with torch.no_grad():
            return model.predict(z, 500, [model.words("a cat")], conditions=some).x0

    whole = answer(*conditions)
    assert whole.isfinite().all()
    for number in range(len(conditions)):
        assert not torch.allclose(answer(*conditions[:number], *conditions[number + 1 :]), whole, atol=1e-5)
