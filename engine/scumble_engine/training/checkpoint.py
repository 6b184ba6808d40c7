"""Training state on disk: safetensors shards of at most 15 MB beside a JSON index, replaced whole or not at all.

What each kind of training keeps has one naming: `<net>.<parameter>`, `ema.<i>` and `adam.<i>.<what>`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

SHARD_BYTES = 15_000_000


def named(nets: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return the live parameters of the networks as `<net>.<parameter>`."""
    return {f"{key}.{name}": value.detach() for key, net in nets.items() for name, value in net.named_parameters()}


def numbered(means: Iterable[Tensor]) -> dict[str, Tensor]:
    """Return a moving average's values as `ema.<i>`."""
    return {f"ema.{i}": value for i, value in enumerate(means)}


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what the optimiser remembers of each parameter as `adam.<i>.<what>`."""
    kept = optimizer.state_dict()["state"].items()
    return {f"adam.{i}.{what}": torch.as_tensor(value) for i, state in kept for what, value in state.items()}


@torch.no_grad()
def take_up(live: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Copy saved values into live tensors of the same names, in place. Raises KeyError where one was not saved."""
    for name, value in live.items():
        value.copy_(tensors[name])


def take_up_moments(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser back what `moments` returned; its rates and groups stay its own."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, number, what = name.split(".")
            state.setdefault(int(number), {})[what] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def save_state(folder: Path, tensors: dict[str, Tensor], facts: dict[str, float | int | str]) -> None:
    """Write tensors and facts to `folder`; a reader sees the old state or the new one, never half of each."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for number, shard in enumerate(_shards(tensors)):
        save_file(shard, part / f"state-{number:04d}.safetensors")
    (part / "state.json").write_text(json.dumps(facts, indent=1))
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, float | int | str]] | None:
    """Return what `save_state` wrote, or None where there is nothing yet."""
    if not (folder / "state.json").exists():
        return None
    pieces: dict[str, Tensor] = {}
    for path in sorted(folder.glob("state-*.safetensors")):
        pieces |= load_file(path)
    tensors: dict[str, Tensor] = {}
    parts: dict[str, dict[int, Tensor]] = {}
    for key, value in pieces.items():
        name, cut, number = key.rpartition("#")
        if cut:
            parts.setdefault(name, {})[int(number)] = value
        else:
            tensors[key] = value
    for name, found in parts.items():
        tensors[name] = torch.cat([found[number] for number in sorted(found)])
    return tensors, json.loads((folder / "state.json").read_text())


def _shards(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    shards: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, value in _pieces(tensors):
        size = value.numel() * value.element_size()
        if filled and filled + size > SHARD_BYTES:
            shards.append({})
            filled = 0
        shards[-1][name] = value
        filled += size
    return shards


def _pieces(tensors: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
    """Cut tensors that alone exceed a shard along their first axis: `name#0`, `name#1` …"""
    pieces = []
    for name, value in tensors.items():
        value = value.detach().contiguous().cpu()
        size = value.numel() * value.element_size()
        if size <= SHARD_BYTES:
            pieces.append((name, value))
            continue
        rows = max(1, len(value) * SHARD_BYTES // size)
        pieces += [(f"{name}#{i}", part.contiguous()) for i, part in enumerate(torch.split(value, rows))]
    return pieces
