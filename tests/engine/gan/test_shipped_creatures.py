"""The generator that ships: whole, small, named, like its renderer, and pullable."""

from __future__ import annotations

import json

import pytest
import torch
from scumble_engine.bench import gan
from scumble_engine.gan.known import find_generator
from scumble_engine.gan.steering import Steered, steered
from scumble_engine.models import registry
from scumble_engine.models.download import sha256_of
from scumble_engine.training.creatures import NUMBERS, PLACE, render_creatures

KNOWN = find_generator("creatures")
SPREAD = torch.tensor(KNOWN.spread)


@pytest.fixture(scope="module")
def creatures() -> Steered:
    return steered(KNOWN, "cpu")


def test_the_folder_is_whole_small_and_what_its_manifest_says() -> None:
    manifest = json.loads((KNOWN.folder / "manifest.json").read_text())
    assert sha256_of(KNOWN.folder / "model.safetensors") == manifest["sha256"]
    assert (KNOWN.folder / "MODEL_CARD.md").is_file()
    assert sum(path.stat().st_size for path in KNOWN.folder.iterdir()) < 20_000_000
    assert KNOWN.numbers == tuple(number.name for number in NUMBERS)
    assert next(facts for facts in registry.list_models() if facts.model.name == "creatures").present


def test_it_paints_what_the_renderer_draws(creatures: Steered) -> None:
    z = torch.randn(16, len(NUMBERS), generator=torch.Generator().manual_seed(21))
    net = creatures.generator
    with torch.no_grad():
        off = creatures.painted(net.plus(net.w(z))) - render_creatures(z * SPREAD, net.config.resolution)
    assert float((-10 * off.square().mean((1, 2, 3)).log10()).mean()) > 26.0


def test_a_pull_makes_the_ears_longer(creatures: Steered) -> None:
    tasks = [task for task in gan.pulls(5, 21, SPREAD, 128) if task.kind == "longer ears"]
    net = creatures.generator
    with torch.no_grad():
        ws = net.plus(net.w(tasks[0].before)).contiguous()
    begun = gan.read_numbers(creatures.painted(ws), tasks[0].before * SPREAD)
    still, pulled = (
        gan.score(name, tasks, [(*gan.WAYS[name](creatures, tasks[0], ws), 0.0)], SPREAD, begun)[0]
        for name in ("no-op", "ours")
    )
    assert pulled.handle_error < 0.5 * still.handle_error
    assert pulled.psnr > still.psnr + 1


def test_a_slider_moves_its_own_number(creatures: Steered) -> None:
    ws = creatures.drawn(4)
    z = creatures.z_near(ws)
    there = creatures.z_near(creatures.slid(ws, [("ear_length", 1.5)]))
    moved = (there - z)[0]
    assert moved[PLACE["ear_length"]] > 1.0
    assert moved.abs().argmax() == PLACE["ear_length"]
