"""Controls in a UNet's attention: what they see, what they change, and that nothing of them stays."""

from __future__ import annotations

import pytest
import torch
from scumble_engine.diffusion.attention import (
    Place,
    Recorder,
    SharedKeys,
    attention,
    attention_layers,
    controlled,
    nbytes,
    probabilities,
)
from scumble_engine.diffusion.model import DiffusionModel
from tiny_models import KINDS, tiny_model
from torch import Tensor


def _answer(model: DiffusionModel, control: object = None, seed: int = 3) -> Tensor:
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return model.predict(z, 500, [model.words("a red apple")], control).x0  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_bit_equal_after_ejection(kind: str) -> None:
    model = tiny_model(kind)
    before, processors = _answer(model), model.unet.attn_processors
    other = Recorder()
    _answer(model, other, seed=9)
    changed = _answer(model, SharedKeys(other.rows[0]))
    assert not torch.equal(changed, before)
    assert all(model.unet.attn_processors[name] is one for name, one in processors.items())
    assert torch.equal(_answer(model), before)


def test_a_failure_inside_ejects_too() -> None:
    model = tiny_model()
    before, processors = _answer(model), model.unet.attn_processors

    class Broken:
        def attend(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        _answer(model, Broken())
    assert all(model.unet.attn_processors[name] is one for name, one in processors.items())
    assert torch.equal(_answer(model), before)


@pytest.mark.parametrize("kind", KINDS)
def test_watching_alone_changes_no_bit(kind: str) -> None:
    model = tiny_model(kind)
    recorder = Recorder()
    assert torch.equal(_answer(model, recorder), _answer(model))
    assert {place for place, _ in attention_layers(model.unet)} == set(recorder.rows[0])
    assert nbytes(recorder.rows[0]) > 0


def test_places_count_in_the_order_of_the_forward() -> None:
    model = tiny_model()
    met: list[Place] = []

    class Listing:
        def attend(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            met.append(place)
            return attention(queries, keys, values)

    _answer(model, Listing())
    assert [place.index for place in met if place.kind == "self"] == list(range(len(met) // 2))
    assert met == [place for place, _ in attention_layers(model.unet)]


def test_shared_keys_of_the_same_run_change_nothing_and_of_another_do() -> None:
    model = tiny_model()
    own, other = Recorder(), Recorder()
    plain = _answer(model, own)
    _answer(model, other, seed=8)
    assert torch.allclose(_answer(model, SharedKeys(own.rows[0])), plain, atol=1e-5)
    assert not torch.allclose(_answer(model, SharedKeys(other.rows[0])), plain, atol=1e-3)
    layers = sum(place.kind == "self" for place in own.rows[0])
    assert torch.equal(_answer(model, SharedKeys(other.rows[0], first=layers)), plain)


def test_explicit_probabilities_are_those_of_the_fast_path() -> None:
    queries, keys, values = torch.randn(3, 2, 4, 10, 8, generator=torch.Generator().manual_seed(0))
    weights = probabilities(queries, keys)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 4, 10), atol=1e-6)
    assert torch.allclose(weights @ values, attention(queries, keys, values), atol=1e-5)


def test_no_control_touches_nothing() -> None:
    model = tiny_model()
    processors = model.unet.attn_processors
    with controlled(attention_layers(model.unet), None):
        assert all(model.unet.attn_processors[name] is one for name, one in processors.items())


def test_probabilities_of_loud_half_precision_layers_do_not_overflow() -> None:
    """Products beyond fp16's 65,504, as SD 2.1's layers with `upcast_attention` make them."""
    generator = torch.Generator().manual_seed(0)
    queries, keys = (
        (100 * torch.randn(1, 1, 8, 64, generator=generator)).half(),
        (100 * torch.randn(1, 1, 5, 64, generator=generator)).half(),
    )
    truth = (queries.double() / 8 @ keys.double().transpose(-1, -2)).softmax(-1)
    found = probabilities(queries, keys)
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), truth, atol=1e-4)
