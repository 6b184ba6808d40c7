"""Model folders are judged by names and headers alone; what could run code is refused before anything is opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from scumble_engine.models.loader import check_folder
from scumble_protocol.errors import RequestError

INDEX: dict[str, Any] = {
    "_class_name": "StableDiffusionPipeline",
    "scheduler": ["diffusers", "DDIMScheduler"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "safety_checker": [None, None],
}


def model_folder(root: Path, index: dict[str, Any] | None = None) -> Path:
    folder = root / "model"
    (folder / "scheduler").mkdir(parents=True)
    (folder / "scheduler" / "scheduler_config.json").write_text("{}")
    for part in ("unet", "vae"):
        (folder / part).mkdir()
        save_file({"w": np.arange(6, dtype=np.float32)}, folder / part / "diffusion_pytorch_model.safetensors")
    (folder / "model_index.json").write_text(json.dumps(INDEX if index is None else index))
    return folder


def test_a_good_folder_says_what_it_holds(tmp_path: Path) -> None:
    facts = check_folder(model_folder(tmp_path))
    assert facts.pipeline_class == "StableDiffusionPipeline"
    assert [part.name for part in facts.parts] == ["scheduler", "unet", "vae"]
    assert len(facts.weights) == 2
    assert facts.size_bytes == sum(path.stat().st_size for path in facts.weights)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(folder / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(RequestError, match=r"pickled weights .*run code"):
        check_folder(folder)


@pytest.mark.parametrize("cut", [0, 4, 20, -5])
def test_truncated_weights_are_refused(tmp_path: Path, cut: int) -> None:
    folder = model_folder(tmp_path)
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(RequestError, match="damaged"):
        check_folder(folder)


def test_a_header_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes((2**40).to_bytes(8, "little") + weights.read_bytes()[8:])
    with pytest.raises(RequestError, match="longer than the file"):
        check_folder(folder)


def test_missing_parts_are_named(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(RequestError, match="missing the weights of its vae"):
        check_folder(folder)
    (folder / "vae").rmdir()
    with pytest.raises(RequestError, match="missing its vae"):
        check_folder(folder)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    index = {"weight_map": {"a": "diffusion_pytorch_model.safetensors", "b": "part-2.safetensors"}}
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(RequestError, match=r"unet/part-2\.safetensors"):
        check_folder(folder)


def test_code_that_a_folder_brings_is_never_run(tmp_path: Path) -> None:
    folder = model_folder(tmp_path, {**INDEX, "unet": ["my_unet", "Evil"]})
    (folder / "unet" / "my_unet.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(RequestError, match="never run"):
        check_folder(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"unet": ["diffusers", "X"]}'])
def test_an_index_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    folder = model_folder(tmp_path)
    (folder / "model_index.json").write_text(text)
    with pytest.raises(RequestError):
        check_folder(folder)


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        check_folder(tmp_path / "nowhere")
