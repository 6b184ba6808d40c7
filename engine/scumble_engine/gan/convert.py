"""Checkpoints of StyleGAN2 that people have -> a folder of safetensors and JSON: NVIDIA's ADA pickles and rosinality's .pt."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said
from torch import Tensor

from .config import FIRST_PX, GeneratorConfig, check_config
from .folder import filled, save_generator
from .generator import Generator
from .pickled import Stub, modules_state, read_checkpoint, read_pickle
from .resample import new_filter

PICKLES = (".pkl", ".pickle")
CHECKPOINTS = (".pt", ".pth")


def convert(path: Path, folder: Path) -> GeneratorConfig:
    """Read a checkpoint and write it as a generator's folder. Raises RequestError that says what is wrong with it."""
    if not path.is_file():
        raise RequestError(said("There is no file {path}.", path=path), "no-file")
    generator = read_generator(path)
    save_generator(folder, generator, {"from": path.name})
    return generator.config


def read_generator(path: Path) -> Generator:
    """Read a checkpoint as a generator; nothing in it is run."""
    if path.suffix in PICKLES:
        return _from_ada(read_pickle(path), path.name)
    if path.suffix in CHECKPOINTS:
        return _from_rosinality(read_checkpoint(path), path.name)
    raise RequestError(
        said("{path} is neither a .pkl of StyleGAN2-ADA nor a .pt of rosinality's StyleGAN2.", path=path.name),
        "bad-model",
    )


# ---- StyleGAN2-ADA --------------------------------------------------------------------------------------------------


def _from_ada(content: Any, name: str) -> Generator:
    found = content.get("G_ema") if isinstance(content, dict) else None
    if not isinstance(found, Stub) or not isinstance(found.state, dict):
        raise RequestError(said("{name} holds no generator (G_ema).", name=name), "bad-model")
    if int(found.state.get("c_dim", 0) or 0):
        raise RequestError(
            said("{name} is a generator of several classes, which Scumble can't steer yet.", name=name), "bad-model"
        )
    tensors = modules_state(found)
    config = _with_habits(config_of(tensors, name), found, name)
    return filled(config, {key: value.clone() for key, value in tensors.items()}, name)


def _with_habits(config: GeneratorConfig, root: Stub, name: str) -> GeneratorConfig:
    """Add what shapes don't say: the mapping's rate, the clamp, whether there is noise. Raises RequestError for other blocks."""
    block, layer = _state(root, "synthesis", "b8"), _state(root, "synthesis", "b8", "conv1")
    if block.get("architecture", "skip") != "skip":
        raise RequestError(
            said(
                "{name} is built of other blocks ({block}) than Scumble knows (skip).",
                name=name,
                block=block["architecture"],
            ),
            "bad-model",
        )
    rate = float(_state(root, "mapping", "fc0").get("bias_gain") or config.mapping_rate)
    clamp, noise = float(layer.get("conv_clamp") or 0.0), bool(layer.get("use_noise", True))
    return check_config(replace(config, mapping_rate=rate, clamp=clamp, noise=noise))


def _state(node: Any, *path: str) -> dict[str, Any]:
    """Return the plain attributes of a stubbed module's part."""
    for name in path:
        node = node.state["_modules"].get(name)
        if not isinstance(node, Stub):
            return {}
    return node.state if isinstance(node.state, dict) else {}


def config_of(tensors: dict[str, Tensor], name: str) -> GeneratorConfig:
    """Read a generator's sizes off its tensors' shapes. Raises RequestError for another architecture."""
    sides = sorted({int(found[1]) for key in tensors if (found := re.match(r"synthesis\.b(\d+)\.", key))})
    wanted = [FIRST_PX << level for level in range(len(sides))]
    layers = sum(bool(re.fullmatch(r"mapping\.fc\d+\.weight", key)) for key in tensors)
    try:
        if not sides or sides != wanted or f"synthesis.b{sides[-1]}.torgb.weight" not in tensors:
            raise KeyError("blocks")
        channels = tuple(tensors[f"synthesis.b{side}.conv1.weight"].shape[0] for side in sides)
        w_size, z_size = tensors["mapping.fc0.weight"].shape
        colors = tensors[f"synthesis.b{sides[-1]}.torgb.weight"].shape[0]
    except (KeyError, ValueError) as exc:
        raise RequestError(
            said("{name} is no StyleGAN2 generator that Scumble knows ({exc} missing).", name=name, exc=exc),
            "bad-model",
        ) from exc
    if colors != 3:
        raise RequestError(
            said("{name} paints {colors} channels; Scumble needs 3 (RGB).", name=name, colors=colors), "bad-model"
        )
    return check_config(GeneratorConfig(z_size, w_size, channels, layers))


# ---- rosinality -----------------------------------------------------------------------------------------------------


def _from_rosinality(content: Any, name: str) -> Generator:
    state = content.get("g_ema") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise RequestError(said("{name} holds no generator (g_ema).", name=name), "bad-model")
    tensors = from_rosinality(state, content.get("latent_avg"))
    if not tensors:
        raise RequestError(said("{name} is no StyleGAN2 generator that Scumble knows.", name=name), "bad-model")
    config = config_of(tensors, name)
    with torch.device("meta"):
        wanted = Generator(config).state_dict()
    for key, like in wanted.items():  # what rosinality keeps elsewhere, or not at all
        if key.endswith("resample_filter"):
            tensors.setdefault(key, new_filter())
        elif key.endswith("noise_const") or key == "mapping.w_avg":
            tensors.setdefault(key, torch.zeros(like.shape))
    return filled(config, tensors, name)


LAYER_PARTS = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "activate.bias": "bias",
    "noise.weight": "noise_strength",
    "bias": "bias",
}


def from_rosinality(state: dict[str, Tensor], mean: Tensor | None) -> dict[str, Tensor]:
    """Return the tensors under ADA's names and in its shapes."""
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        if place := _ada_name(key):
            found[place] = _ada_shape(place, value)
    if isinstance(mean, Tensor):
        found["mapping.w_avg"] = mean.reshape(-1)
    return found


def _ada_name(key: str) -> str | None:
    if match := re.fullmatch(r"style\.(\d+)\.(weight|bias)", key):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}"
    if key == "input.input":
        return "synthesis.b4.const"
    if match := re.fullmatch(r"noises\.noise_(\d+)", key):
        return f"{_layer(int(match[1]) - 1)}.noise_const"
    match = re.fullmatch(r"(conv1|to_rgb1|convs\.\d+|to_rgbs\.\d+)\.(.+)", key)
    if match is None or match[2] not in LAYER_PARTS:
        return None
    kind, _, number = match[1].partition(".")
    part = LAYER_PARTS[match[2]]
    if kind.startswith("to_rgb"):
        return f"synthesis.b{FIRST_PX << (int(number) + 1 if number else 0)}.torgb.{part}"
    return f"{_layer(int(number) if number else -1)}.{part}"


def _layer(number: int) -> str:
    """Name the convolution of that number: -1 is b4's, then two a block."""
    return "synthesis.b4.conv1" if number < 0 else f"synthesis.b{FIRST_PX << (number // 2 + 1)}.conv{number % 2}"


def _ada_shape(place: str, value: Tensor) -> Tensor:
    if place.endswith(("conv0.weight", "conv1.weight", "torgb.weight", "b4.const")):
        return value[0].clone()
    if place.endswith("noise_strength"):
        return value.reshape(()).clone()
    if place.endswith("noise_const"):
        return value[0, 0].clone()
    return value.reshape(-1).clone() if place.endswith("bias") else value.clone()
