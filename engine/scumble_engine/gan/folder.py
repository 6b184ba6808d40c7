"""Generators on disk: a folder with config.json and model.safetensors, and nothing that could run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from scumble_protocol.errors import RequestError
from torch import Tensor

from ..models.loader import check_safetensors
from .config import CONFIG, WEIGHTS, GeneratorConfig, config_values, read_config
from .generator import Generator


def load_generator(folder: Path, device: torch.device | str = "cpu") -> Generator:
    """Load a generator in fp32, frozen. Raises RequestError for a folder that is damaged, or whose weights are of other sizes."""
    config = read_config(folder / CONFIG)
    if not (folder / WEIGHTS).is_file():
        raise RequestError(f"The generator {folder.name} is missing its weights ({WEIGHTS}).", "bad-model")
    check_safetensors(folder / WEIGHTS)
    generator = filled(config, load_file(folder / WEIGHTS), folder.name)
    return generator.to(device).eval().requires_grad_(False)


def filled(config: GeneratorConfig, tensors: dict[str, Tensor], name: str) -> Generator:
    """Return a generator with these weights. Raises RequestError that says which fit is missing."""
    with torch.device("meta"):
        generator = Generator(config)
    wanted = generator.state_dict()
    missing = sorted(set(wanted) - set(tensors))
    if missing:
        raise RequestError(f"The generator {name} lacks {missing[0]} ({len(missing)} parts are missing).", "bad-model")
    for key, tensor in wanted.items():
        if tensors[key].shape != tensor.shape:
            sizes = f"{tuple(tensors[key].shape)}, not {tuple(tensor.shape)}"
            raise RequestError(f"The generator {name} does not fit its config: {key} is {sizes}.", "bad-model")
    generator.load_state_dict({key: tensors[key].float() for key in wanted}, assign=True)
    return generator


def save_generator(folder: Path, generator: Generator, facts: dict[str, Any] | None = None, half: bool = True) -> None:
    """Write a generator, its weights in fp16 unless told otherwise; `facts` stand in config.json beside its sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = torch.float16 if half else torch.float32
    tensors = {key: value.detach().cpu().to(kind).contiguous() for key, value in generator.state_dict().items()}
    save_file(tensors, folder / WEIGHTS)
    values = {"generator": config_values(generator.config), **(facts or {})}
    (folder / CONFIG).write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
