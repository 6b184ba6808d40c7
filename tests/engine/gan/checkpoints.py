"""Checkpoints as others write them, made here: an ADA pickle with its persistent objects, and rosinality's .pt."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path
from typing import Any

import torch
from scumble_engine.gan.generator import Generator
from torch import Tensor, nn

SOURCE = "raise SystemExit('the source inside a pickle was run')"


class Persistent(nn.Module):
    """A module that pickles as torch_utils.persistence has it: by its source code and its state."""

    def __reduce__(self) -> Any:
        meta = {"type": "class", "version": 6, "module_src": SOURCE, "class_name": "Generator", "state": self.__dict__}
        return persistence().__dict__["_reconstruct_persistent_obj"], (meta,)


def persistence() -> types.ModuleType:
    """Return a module of the official release's name, as only the writer of a pickle has it."""
    if "torch_utils.persistence" not in sys.modules:
        package, module = types.ModuleType("torch_utils"), types.ModuleType("torch_utils.persistence")
        exec("def _reconstruct_persistent_obj(meta): raise RuntimeError('never called')", module.__dict__)
        sys.modules["torch_utils"], sys.modules["torch_utils.persistence"] = package, module
    return sys.modules["torch_utils.persistence"]


def forget_persistence() -> None:
    """Take the writer's modules away, so that a reader that imports them fails."""
    for name in ("torch_utils.persistence", "torch_utils"):
        sys.modules.pop(name, None)


def persistent(module: nn.Module, **habits: Any) -> Persistent:
    """Copy a module's tensors and parts into persistent ones."""
    made = Persistent()
    for name, parameter in module.named_parameters(recurse=False):
        made.register_parameter(name, nn.Parameter(parameter.detach().clone(), requires_grad=False))
    for name, buffer in module.named_buffers(recurse=False):
        made.register_buffer(name, buffer.clone())
    for name, child in module.named_children():
        made.add_module(name, persistent(child, **_habits(child)))
    for name, value in habits.items():
        setattr(made, name, value)
    return made


def _habits(module: nn.Module) -> dict[str, Any]:
    return {"architecture": module.architecture} if "architecture" in module.__dict__ else {}


def write_ada(path: Path, generator: Generator, protocol: int = 4, **habits: Any) -> None:
    """Write {"G_ema": …} as the official training does, its discriminator and its options beside it."""
    root = persistent(generator, c_dim=0, z_dim=generator.config.z_size, **habits)
    root.mapping.fc0.bias_gain = generator.config.mapping_rate
    root.synthesis.b8.conv1.conv_clamp = generator.config.clamp or None
    with path.open("wb") as stream:
        pickle.dump({"G_ema": root, "D": persistent(nn.Linear(2, 2)), "augment_pipe": None}, stream, protocol=protocol)
    forget_persistence()


def write_rosinality(path: Path, generator: Generator) -> None:
    """Write {"g_ema": …, "latent_avg": …} under rosinality's names (its key map read the other way round)."""
    state = {}
    for key, value in generator.state_dict().items():
        for name, tensor in _renamed(key, value.detach().clone()):
            state[name] = tensor
    torch.save({"g_ema": state, "latent_avg": generator.mapping.w_avg.clone()}, path)


def _renamed(key: str, value: Tensor) -> list[tuple[str, Tensor]]:
    parts = key.split(".")
    if parts[0] == "mapping":
        return [] if parts[1] == "w_avg" else [(f"style.{int(parts[1][2:]) + 1}.{parts[2]}", value)]
    level = int(parts[1][1:]).bit_length() - 3
    if parts[2] == "const":
        return [("input.input", value[None])]
    if parts[2] == "resample_filter":
        return []
    rgb = parts[2] == "torgb"
    where = "conv1" if level == 0 or rgb else f"convs.{2 * level - 2 + int(parts[2][-1])}"
    if rgb:
        where = "to_rgb1" if level == 0 else f"to_rgbs.{level - 1}"
    rest = ".".join(parts[3:])
    if rest == "weight":
        return [(f"{where}.conv.weight", value[None])]
    if rest == "bias":
        return [(f"{where}.bias", value.view(1, 3, 1, 1))] if rgb else [(f"{where}.activate.bias", value)]
    if rest.startswith("affine"):
        return [(f"{where}.conv.modulation.{parts[4]}", value)]
    if rest == "noise_strength":
        return [(f"{where}.noise.weight", value.view(1))]
    if rest == "noise_const":
        number = 0 if level == 0 else 2 * level - 1 + int(parts[2][-1])
        return [(f"noises.noise_{number}", value[None, None])]
    return [(f"{where}.conv.blur.kernel", value * 4)]
