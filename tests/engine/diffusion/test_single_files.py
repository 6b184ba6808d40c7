"""Models in one file load through diffusers' own single-file loaders, weight for weight, with no network."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
from original_format import single_file, whole_networks
from published_models import as_published
from scumble_engine.diffusion.model import load_model


@pytest.mark.parametrize("name", ["sd15-inpaint", "sd21", "sdxl"])
def test_a_single_file_loads_weight_for_weight_and_reads_words(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, whole = single_file(tmp_path / "model.safetensors", name), whole_networks(name)

    def no_network(*_args: object) -> None:
        raise AssertionError("a model on this machine was looked for elsewhere")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    model = load_model(str(path), "cpu")
    for part, network in whole.items():
        loaded, wanted = (as_published(part, one) for one in (getattr(model.pipeline, part), network))
        assert all(torch.equal(weight, wanted[key]) for key, weight in loaded.items())
    ids = model.words("a photo of a cat").token_ids
    assert ids[:7] == (49406, 320, 1125, 539, 320, 2368, 49407)
    assert ids[7] == (0 if name == "sd21" else 49407)
    z = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        assert model.predict(z, 500, [model.words("a cat")]).x0.isfinite().all()
    assert len(model.sha256) == 64
