"""StyleGAN2 held to its paper: a slow reading of the formulas gives the same pictures, alone or in a batch."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scumble_engine.gan.config import GeneratorConfig
from scumble_engine.gan.folder import load_generator, save_generator
from scumble_engine.gan.generator import Generator
from scumble_engine.gan.layers import StyledConv
from scumble_engine.gan.resample import doubled, new_filter
from scumble_protocol.errors import RequestError
from tiny_generator import TINY, tiny_generator
from torch import Tensor
from torch.nn import functional as F


def _slow_upfirdn(x: Tensor, kernel: Tensor, up: int, before: int, after: int, gain: float) -> Tensor:
    """Put zeros between the samples, pad, and convolve, by loops over the kernel."""
    height, width = x.shape[-2:]
    spread = torch.zeros(*x.shape[:2], height * up, width * up)
    spread[..., ::up, ::up] = x
    padded = F.pad(spread, (before, after, before, after))
    size = kernel.shape[0]
    out_h, out_w = padded.shape[-2] - size + 1, padded.shape[-1] - size + 1
    out = torch.zeros(*x.shape[:2], out_h, out_w)
    for row in range(size):
        for column in range(size):
            out += (
                gain
                * kernel[size - 1 - row, size - 1 - column]
                * padded[..., row : row + out_h, column : column + out_w]
            )
    return out


def test_doubling_is_zeros_between_and_the_filter() -> None:
    x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    lopsided = torch.rand(4, 4, generator=torch.Generator().manual_seed(2))
    for kernel in (new_filter(), lopsided):
        assert torch.allclose(doubled(x, kernel), _slow_upfirdn(x, kernel, 2, 2, 1, 4.0), atol=1e-5)


def test_a_flat_picture_stays_flat_when_doubled() -> None:
    inside = doubled(torch.ones(1, 1, 6, 6), new_filter())[..., 2:-2, 2:-2]
    assert torch.allclose(inside, torch.ones_like(inside), atol=1e-6)


@pytest.mark.parametrize("up", [False, True])
def test_a_styled_convolution_is_the_papers(up: bool) -> None:
    """Equations 1 and 3: weights scaled by the style and to unit length, picture by picture."""
    torch.manual_seed(3)
    layer = StyledConv(6, 5, 16, 8 if up else 4, up, 0.0)
    layer.noise_strength.data.fill_(0.3)
    layer.bias.data.normal_()
    x, w = torch.randn(2, 6, 4, 4), torch.randn(2, 16)
    found = layer(x, w)
    for one in range(2):
        style = w[one] @ layer.affine.weight.T / math.sqrt(16) + layer.affine.bias
        weight = layer.weight * style[None, :, None, None]
        weight = weight / torch.sqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if up:
            whole = F.conv2d(F.pad(_between(x[one : one + 1]), (2, 2, 2, 2)), weight.flip(2, 3))
            plain = _slow_upfirdn(whole, new_filter(), 1, 1, 1, 4.0)
        else:
            plain = F.conv2d(x[one : one + 1], weight, padding=1)
        wanted = plain + layer.noise_const * 0.3 + layer.bias[:, None, None]
        wanted = torch.where(wanted < 0, wanted * 0.2, wanted) * math.sqrt(2)
        assert torch.allclose(found[one], wanted[0], atol=1e-4)


def _between(x: Tensor) -> Tensor:
    """x with zeros between its samples, none behind the last."""
    spread = torch.zeros(*x.shape[:2], 2 * x.shape[-2] - 1, 2 * x.shape[-1] - 1)
    spread[..., ::2, ::2] = x
    return spread


def test_a_picture_does_not_hang_on_its_batch() -> None:
    generator = tiny_generator()
    z = torch.randn(5, 8, generator=torch.Generator().manual_seed(4))
    together = generator(z)
    alone = torch.cat([generator(one[None]) for one in z])
    assert (together - alone).abs().max() < 1e-5 * together.abs().max()
    assert torch.equal(generator(z), together)


def test_the_same_w_for_every_layer_is_the_plain_picture_and_others_are_not() -> None:
    generator = tiny_generator()
    w = generator.w(torch.randn(1, 8, generator=torch.Generator().manual_seed(5)))
    ws = generator.plus(w).clone()
    plain = generator.synthesis(ws).rgb
    ws[:, -1] += 1
    assert ws.shape == (1, TINY.styles, TINY.w_size)
    assert not torch.allclose(generator.synthesis(ws).rgb, plain)  # the last w reaches the last layer to RGB


def test_truncation_draws_towards_the_mean() -> None:
    generator = tiny_generator()
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(6))
    mean, full = generator.mapping.w_avg, generator.w(z)
    assert torch.allclose(generator.w(z, 0.0), mean.expand(3, -1), atol=1e-6)
    assert torch.allclose(generator.w(z, 0.7) - mean, (full - mean) * 0.7, atol=1e-5)


def test_the_mapping_looks_only_at_the_direction_unless_told() -> None:
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(7))
    usual, keeps = tiny_generator(), tiny_generator(config=replace(TINY, normalize_z=False))
    assert torch.allclose(usual.w(z), usual.w(3 * z), atol=1e-4)
    assert not torch.allclose(keeps.w(z), keeps.w(3 * z), atol=1e-2)


def test_features_are_those_of_the_block_and_cost_no_more_than_it() -> None:
    generator = tiny_generator()
    ws = generator.plus(generator.w(torch.ones(1, 8)))
    full, short = generator.synthesis(ws, side=16), generator.synthesis(ws, side=16, paint=False)
    assert full.features is not None
    assert full.features.shape == (1, 12, 16, 16)
    assert torch.equal(full.features, short.features)
    assert generator.synthesis(ws).features is None


def test_the_picture_at_half_the_side_is_the_smaller_generators() -> None:
    generator, half = tiny_generator(), tiny_generator(config=replace(TINY, channels=TINY.channels[:-1]))
    shared = {key: value for key, value in generator.state_dict().items() if key in half.state_dict()}
    half.load_state_dict(shared)
    ws = generator.plus(generator.w(torch.ones(1, 8)))
    assert torch.equal(generator.synthesis(ws, last=16).rgb, half.synthesis(ws[:, : half.config.styles]).rgb)


def test_a_clamp_holds_the_features() -> None:
    held = tiny_generator(config=replace(TINY, clamp=0.01))
    found = held.synthesis(held.plus(held.w(torch.ones(1, 8))), side=32)
    assert found.features is not None
    assert found.features.abs().max() <= 0.01 * math.sqrt(2) + 1e-6


def test_a_generator_comes_back_from_its_folder(tmp_path: Path) -> None:
    generator = tiny_generator()
    save_generator(tmp_path / "tiny", generator, half=False)
    z = torch.ones(1, 8)
    assert torch.equal(load_generator(tmp_path / "tiny")(z), generator(z))
    save_generator(tmp_path / "half", generator)
    assert torch.allclose(load_generator(tmp_path / "half")(z), generator(z), atol=0.05)


def _without(folder: Path, name: str) -> None:
    (folder / name).unlink()


def _cut_short(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])


def _wider(folder: Path, name: str) -> None:
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace('"w_size": 16', '"w_size": 24'))


def _huge(folder: Path, name: str) -> None:
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace('"w_size": 16', '"w_size": 99999999'))


@pytest.mark.parametrize(
    ("damage", "name", "said"),
    [
        (_without, "model.safetensors", "missing its weights"),
        (_without, "config.json", "config.json is damaged"),
        (_cut_short, "model.safetensors", "damaged"),
        (_cut_short, "config.json", "config.json is damaged"),
        (_wider, "", "does not fit its config"),
        (_huge, "", "out of range"),
    ],
)
def test_a_damaged_folder_is_refused_in_a_sentence(tmp_path: Path, damage, name: str, said: str) -> None:
    save_generator(tmp_path / "tiny", tiny_generator())
    damage(tmp_path / "tiny", name)
    with pytest.raises(RequestError, match=said):
        load_generator(tmp_path / "tiny")


def test_config_f_has_the_published_sizes() -> None:
    """Karras et al. 2020, table 1: config f has 30 million weights at 1024 px (w/o noise and buffers)."""
    with torch.device("meta"):
        generator = Generator(GeneratorConfig(channels=(512, 512, 512, 512, 512, 256, 128, 64, 32)))
    count = sum(parameter.numel() for parameter in generator.parameters())
    assert generator.config.resolution == 1024
    assert 30.0e6 < count < 30.6e6
