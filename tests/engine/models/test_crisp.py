"""The enlarger: four times the size, in the picture's own colours; and what ships is what its manifest says."""

from __future__ import annotations

import hashlib

import torch
from scumble_engine.models.crisp import WEIGHTS, CrispNet, decode_crisply, load_crisp, manifest
from torch.nn import functional as F


def pale(net: CrispNet) -> CrispNet:
    """Have a network add a fifth of white to all that it enlarges."""
    last = net.body[-1]
    assert isinstance(last, torch.nn.Conv2d)
    assert last.bias is not None
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, 0.2)
    return net


def test_pictures_come_back_four_times_as_large() -> None:
    net = CrispNet(features=4, depth=1).requires_grad_(False)
    for reduced in (False, True):
        large = decode_crisply(net, torch.rand(2, 3, 16, 24), reduced)
        assert large.shape == (2, 3, 64, 96)
        assert 0 <= float(large.min()) <= float(large.max()) <= 1


def test_a_network_that_bleaches_is_brought_back_to_the_pictures_colours() -> None:
    net = pale(CrispNet(features=4, depth=1)).requires_grad_(False)
    picture = torch.full((1, 3, 16, 16), 0.5)
    assert torch.allclose(net(picture), torch.tensor(0.7), atol=1e-5)
    assert torch.allclose(decode_crisply(net, picture), torch.tensor(0.5), atol=1e-5)


def test_what_ships_is_what_its_manifest_says_and_draws_a_sharper_edge_than_an_interpolation() -> None:
    told = manifest()
    assert told["sha256"] == hashlib.sha256((WEIGHTS / "model.safetensors").read_bytes()).hexdigest()
    assert (WEIGHTS / "LICENSE").is_file()
    disc = (
        torch.hypot(*torch.meshgrid(torch.arange(128) - 63.5, torch.arange(128) - 63.5, indexing="ij")) < 40
    ).float()
    truth = disc.expand(1, 3, -1, -1) * 0.7 + 0.1
    small = F.avg_pool2d(truth, 4)
    blurred = F.interpolate(small, scale_factor=4.0, mode="bicubic").clamp(0, 1)
    wrong = [float((made - truth).abs().mean()) for made in (decode_crisply(load_crisp(), small), blurred)]
    assert wrong[0] < 0.75 * wrong[1]
