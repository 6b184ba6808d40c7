"""How precisely a model runs on a device, and whether it fits there: offloaded, then tiled, then refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import psutil
import torch
from scumble_protocol.errors import EngineError

Residence = Literal["whole", "offloaded"]

# Activations, text, previews: what a forward at the model's own size needs beside the weights.
HEADROOM_BYTES = 512 * 2**20


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return the fastest dtype that is safe: bf16 or fp16 on accelerators, fp32 on the CPU, where half precision crawls."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def free_bytes(device: torch.device) -> int:
    """Return what memory a new model could take on the device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def component_bytes(folder: Path, dtype: torch.dtype) -> dict[str, int]:
    """Return what each component of a diffusers folder will hold in memory at `dtype`, from its files (stored as fp16 or wider)."""
    sizes: dict[str, int] = {}
    for file in folder.glob("*/*.safetensors"):
        sizes[file.parent.name] = sizes.get(file.parent.name, 0) + file.stat().st_size
    widening = 2 if dtype == torch.float32 else 1
    return {name: size * widening for name, size in sizes.items()}


def pick_residence(sizes: dict[str, int], free: int, accelerator: bool) -> Residence:
    """Decide whether all components stay on the device or wait in main memory for their turn.

    Raises EngineError when not even the largest one fits, or nothing else can hold them.
    """
    if sum(sizes.values()) + HEADROOM_BYTES <= free:
        return "whole"
    if accelerator and max(sizes.values()) + HEADROOM_BYTES <= free:
        return "offloaded"
    need, have = sum(sizes.values()) / 2**30, free / 2**30
    raise EngineError(
        f"The model needs {need:.1f} GiB of memory and {have:.1f} GiB are free; close other programs or choose a smaller model.",
        "engine-out-of-memory",
    )
