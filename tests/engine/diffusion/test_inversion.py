"""Up the noise levels and down again."""

from __future__ import annotations

import pytest
import torch
from scumble_engine.diffusion.attention import Place, Reads
from scumble_engine.diffusion.inversion import Inversion, invert, inverted, walk_down
from scumble_engine.diffusion.model import DiffusionModel
from tiny_models import tiny_model
from torch import Tensor


def _up(model: DiffusionModel, x0: Tensor, steps: int = 6, top: int = 600, rounds: int = 5) -> Inversion:
    found = [one for _, one in invert(model, x0, model.words("a cat"), steps, top, rounds) if one is not None]
    assert len(found) == 1
    return found[0]


def _tame(kind: str = "sd1") -> DiffusionModel:
    """Return a model whose answers depend gently on what it sees, as a trained one's do at small steps."""
    model = tiny_model(kind)
    model.unet.conv_out.weight.data.mul_(0.05)
    return model


def _latents(model: DiffusionModel) -> Tensor:
    return torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", ["sd1", "sd2", "xl"])
def test_down_again_gives_the_picture_back(kind: str) -> None:
    model = _tame(kind)
    x0 = _latents(model)
    inversion = _up(model, x0)
    assert inversion.timesteps[0] == 600
    *_, (number, back) = walk_down(model, inversion.top, model.words("a cat"), inversion)
    assert number == 6
    assert (back - x0).square().mean() < 1e-3 * x0.square().mean()


def test_more_rounds_meet_the_way_up_better() -> None:
    model = _tame()
    x0 = _latents(model)
    errors = []
    for rounds in (1, 5):
        inversion = _up(model, x0, rounds=rounds)
        path = [z for _, z in walk_down(model, inversion.top, model.words("a cat"), inversion)]
        errors.append(float((path[-1] - x0).square().mean()))
    assert errors[1] < 0.1 * errors[0]


def test_fixed_latents_stay_the_pictures_own() -> None:
    model = _tame()
    x0 = _latents(model)
    inversion = _up(model, x0)
    fixed = torch.zeros(1, 1, 8, 8)
    fixed[..., :4] = 1
    other = torch.randn(x0.shape, generator=torch.Generator().manual_seed(5))
    *_, (_, result) = walk_down(model, other, model.words("a cat"), inversion, fixed=fixed)
    assert torch.equal(result[..., :4], x0[..., :4])
    assert not torch.allclose(result[..., 4:], x0[..., 4:], atol=0.1)


def test_keys_of_the_picture_pull_the_result_towards_it() -> None:
    model = _tame()
    x0 = _latents(model)
    inversion = _up(model, x0)
    other = torch.randn(x0.shape, generator=torch.Generator().manual_seed(5))
    *_, (_, alone) = walk_down(model, other, model.words("a cat"), inversion)
    *_, (_, shared) = walk_down(model, other, model.words("a cat"), inversion, first_layer=0)
    assert not torch.allclose(alone, shared, atol=1e-3)


def test_the_noise_at_the_top_is_what_makes_it() -> None:
    model = tiny_model("sd2")
    x0 = _latents(model)
    inversion = _up(model, x0)
    assert torch.allclose(model.schedule.noised(x0, inversion.noise(model), 600), inversion.top, atol=1e-5)


def test_a_picture_is_walked_up_once_and_keeps_keys_and_values_alone() -> None:
    model = tiny_model()
    x0, words, reads = _latents(model), model.words("a cat"), Reads("kv", "", first=1)
    first = list(inverted(model, x0, words, 4, 600, reads))
    assert model.meter.forwards == 4 * 3
    model.meter.reset()
    ((number, again),) = inverted(model, x0, words, 4, 600, reads)
    assert (number, model.meter.forwards) == (4, 0)
    assert again is first[-1][1]
    assert again is not None
    queries, keys, values = again.triples[0][Place("self", 1)]
    assert (queries.numel(), keys.shape) == (0, values.shape)
    assert set(again.triples[0]) == {place for place in model.places() if place.kind == "self" and place.index >= 1}
    list(inverted(model, x0 + 1, words, 4, 600, reads))
    list(inverted(model, x0, words, 4, 600, reads, "an adapter"))
    assert model.meter.forwards == 2 * 4 * 3


def test_only_the_last_round_is_recorded_and_nothing_of_the_answer_changes() -> None:
    model = _tame()
    x0 = _latents(model)
    whole, part = (_up_reading(model, x0, reads).latents for reads in (Reads(), Reads("kv", "", 1)))
    assert all(torch.equal(one, two) for one, two in zip(whole, part, strict=True))


def _up_reading(model: DiffusionModel, x0: Tensor, reads: Reads) -> Inversion:
    *_, (_, found) = invert(model, x0, model.words("a cat"), 3, 600, reads=reads)
    assert found is not None
    return found
