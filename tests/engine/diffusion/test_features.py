"""Inner features by stride and position, from forwards that stop early."""

from __future__ import annotations

import pytest
import torch
from scumble_engine.diffusion.features import FeaturePoint, blocks, word_map_size
from scumble_protocol.errors import EngineError
from tiny_models import KINDS, tiny_model


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vae", ["tiny", "kl"])
def test_features_have_the_asked_stride_and_are_those_of_the_whole_forward(kind: str, vae: str) -> None:
    model = tiny_model(kind, vae=vae)
    z, words = torch.randn(2, 4, 8, 8), [model.words("a cat"), model.words("a dog")]
    for point, block in blocks(model.unet, model.stride):
        seen: list[torch.Tensor] = []
        hook = block.register_forward_hook(
            lambda _m, _i, out, seen=seen: seen.append(out[0] if isinstance(out, tuple) else out)
        )
        with torch.no_grad():
            model.predict(z, 300, words)
            hook.remove()
            features = model.features(z, 300, words, point)
        side = 8 * model.stride // point.stride
        assert features.shape[-2:] == (side, side)
        assert any(torch.equal(features, one) for one in seen) or point in [
            p for p, b in blocks(model.unet, 8) if b is not block
        ]


def test_the_forward_stops_right_after_the_block() -> None:
    model = tiny_model()
    reached: list[str] = []
    hook = model.unet.conv_out.register_forward_hook(lambda *_: reached.append("end"))
    model.features(torch.randn(1, 4, 8, 8), 300, [model.words("a cat")], FeaturePoint(16, "mid"))
    hook.remove()
    assert reached == []
    assert (model.meter.forwards, model.meter.partial) == (0, 1)


def test_the_model_answers_as_before_afterwards() -> None:
    model = tiny_model()
    z, words = torch.randn(1, 4, 8, 8), [model.words("a cat")]
    with torch.no_grad():
        before = model.predict(z, 300, words).x0
        model.features(z, 300, words, FeaturePoint(8, "up"))
        assert torch.equal(model.predict(z, 300, words).x0, before)


def test_gradients_reach_the_latents_and_no_weight() -> None:
    model = tiny_model()
    z = torch.randn(1, 4, 8, 8, requires_grad=True)
    model.features(z, 300, [model.words("a cat")], FeaturePoint(8, "up")).square().mean().backward()
    assert z.grad is not None
    assert z.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in model.unet.parameters())


def test_a_stride_that_the_model_lacks_is_refused() -> None:
    model = tiny_model()
    with pytest.raises(EngineError, match="stride 64"):
        model.features(torch.randn(1, 4, 8, 8), 300, [model.words("a cat")], FeaturePoint(64, "up"))


def test_word_maps_are_read_where_the_longer_side_is_nearest_to_16() -> None:
    unet = tiny_model().unet
    assert word_map_size(unet, (32, 24)) == (16, 12)
    assert word_map_size(unet, (16, 16)) == (16, 16)
    assert word_map_size(unet, (8, 8)) == (8, 8)
