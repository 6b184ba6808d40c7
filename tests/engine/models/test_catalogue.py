"""The catalogue holds what the published documents say: sources, licences, numbers, precisions; sizes come out of them."""

from __future__ import annotations

import json
import re

import pytest
import torch
from published_models import facts, networks
from scumble_engine import cli
from scumble_engine.diffusion.devices import autoencoder_dtype
from scumble_engine.models import registry
from scumble_engine.models.catalogue import STABLE_DIFFUSION, KnownModel
from scumble_engine.models.parts import HALF, variants_of

PUBLISHED = {model.name: model for model in STABLE_DIFFUSION}


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_known_is_what_is_published(name: str) -> None:
    model, documents = PUBLISHED[name], facts(name)
    assert model.where == documents["repo"]
    with torch.device("meta"):
        built = networks(documents)
    assert model.numbers == {part: sum(one.numel() for one in net.parameters()) for part, net in built.items()}
    names = {
        part: [path.split("/")[-1] for path in documents["weights_and_others"] if path.startswith(f"{part}/")]
        for part in built
    }
    assert all((HALF in variants_of(there)) == model.half for there in names.values())
    fine = (
        autoencoder_dtype(torch.bfloat16, documents["vae/config.json"], xl="text_encoder_2" in built) == torch.float32
    )
    assert ("vae" in model.fine) == fine
    assert _plain(documents["licence"]) in _plain(model.licence) or documents["licence"] == "other"


def _plain(licence: str) -> str:
    return re.sub(r"[^a-z+]", "", licence.lower().removesuffix("-m"))


def test_sizes_come_from_the_numbers() -> None:
    sd15, sdxl, lcm = PUBLISHED["sd15"], PUBLISHED["sdxl"], PUBLISHED["lcm"]
    count = 859_520_964 + 83_653_863 + 123_060_480
    assert (sd15.download_bytes(True), sd15.download_bytes(False)) == (2 * count, 4 * count)
    assert sd15.memory_bytes(True) == 2 * count + 512 * 2**20
    assert lcm.download_bytes(True) == lcm.download_bytes(False)
    assert sdxl.memory_bytes(True) - 512 * 2**20 - sdxl.download_bytes(True) == 2 * sdxl.numbers["vae"]
    assert KnownModel("any", "", "hub", "some/one", "").memory_bytes(True) == 0


def test_the_list_says_licence_publisher_size_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["models", "list"]) == 0
    said = capsys.readouterr().out
    xl = said[said.index("sdxl: ") : said.index("sdxl-turbo: ")]
    assert "serves drag, words, strokes" in xl
    assert "published by stabilityai; licence CreativeML OpenRAIL++-M" in xl
    assert "on a GPU 6.9 GB to fetch, 7.1 GiB of memory; on the CPU 13.9 GB to fetch, 13.4 GiB of memory" in xl
    assert "Not for commercial work." not in xl
    assert "Not for commercial work." in said[said.index("sdxl-turbo: ") :]


def test_the_list_is_there_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["models", "list", "--json"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert set(listed) == {each.model.name for each in registry.list_models()}
    assert listed["sd15"]["half"]["download_bytes"] == PUBLISHED["sd15"].download_bytes(True)
    assert not listed["sdxl-turbo"]["commercial"]
