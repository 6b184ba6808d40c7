"""How precisely a model runs on a device, and how it fits there: whole, then tiled, then offloaded by part, refused in words last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import psutil
import torch
from scumble_protocol.errors import EngineError
from scumble_protocol.wording import said
from torch import nn

from ..models.checkpoint import Checkpoint
from ..models.memory import HEADROOM_BYTES

Residence = Literal["whole", "offloaded"]

# The side in pixels of the pieces that a tiled autoencoder works in.
TILE_PX = 512
# An AutoencoderKL's decoder holds at most so many arrays of its widest layer at the picture's size at once
# (live bytes on meta tensors, SD 1.5 at 512 px and SDXL at 1024 px).
DECODER_ARRAYS = 3.0


@dataclass(frozen=True)
class Stay:
    """Where the parts of a model live, and whether its autoencoder works in tiles."""

    residence: Residence = "whole"
    tiled: bool = False


class Berth:
    """The one place on a device for the parts of an offloaded model.

    Whoever is in it stays until another is brought: a loop of one part moves nothing, and gradients find it where its forward was.
    """

    def __init__(self) -> None:
        self._held: nn.Module | None = None

    def bring(self, part: nn.Module, device: torch.device) -> None:
        """Have a part on the device, and only it."""
        if part is not self._held:
            if self._held is not None:
                self._held.to("cpu")
            part.to(device)
            self._held = part


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return the fastest dtype that is safe: bf16 or fp16 on accelerators, fp32 on the CPU, where half precision crawls."""
    if device.type == "cuda":
        # Turing and older cards only emulate bf16, slowly; their fp16 is their own.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def autoencoder_dtype(dtype: torch.dtype, config: Mapping[str, Any], xl: bool) -> torch.dtype:
    """Return what an autoencoder runs in beside a network of `dtype`, by its published config.

    SDXL's overflows in fp16 where its config says `force_upcast`; elsewhere, as in diffusers' own pipelines, fp16 is enough,
    and finer than bf16.
    """
    if dtype == torch.float32 or (xl and config.get("force_upcast", False)):
        return torch.float32
    return torch.float16


def free_bytes(device: torch.device) -> int:
    """Return what memory a new model could take on the device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def decoding_bytes(config: Mapping[str, Any], side_px: int, itemsize: int) -> int:
    """Return what an autoencoder's activations take while it decodes a square picture; nothing to speak of for small ones."""
    widths = config.get("block_out_channels", (0,))
    widest = widths[1] if len(widths) > 1 else widths[0]
    return int(DECODER_ARRAYS * widest * side_px**2 * itemsize)


def pick_stay(sizes: Mapping[str, int], decoding: int, decoding_tiled: int, free: int, accelerator: bool) -> Stay:
    """Decide how a model with parts of `sizes` bytes lives in `free` bytes, the least costly way first.

    Raises EngineError when not even its largest part fits beside one tile, or nothing else can hold the others.
    """
    total, largest = sum(sizes.values()), max(sizes.values(), default=0)
    if total + max(decoding, HEADROOM_BYTES) <= free:
        return Stay()
    if total + max(decoding_tiled, HEADROOM_BYTES) <= free:
        return Stay(tiled=True)
    if accelerator and largest + max(decoding_tiled, HEADROOM_BYTES) <= free:
        return Stay("offloaded", tiled=True)
    need, have = (total + HEADROOM_BYTES) / 2**30, free / 2**30
    raise EngineError(
        said(
            "The model needs {need} GiB of memory and {have} GiB are free; close other programs or choose a "
            "smaller model.",
            need=f"{need:.1f}",
            have=f"{have:.1f}",
        ),
        "engine-out-of-memory",
    )


def stay_of(checkpoint: Checkpoint, dtypes: Mapping[str, torch.dtype], device: torch.device) -> Stay:
    """Decide how a checkpoint lives on a device, by its own numbers. Raises EngineError where it does not fit."""
    itemsizes = {part: dtype.itemsize for part, dtype in dtypes.items()}
    sizes = checkpoint.part_bytes(itemsizes, itemsizes["default"])
    vae, side = checkpoint.configs["vae"], checkpoint.configs["unet"].get("sample_size") or 64
    native_px = 8 * (side if isinstance(side, int) else max(side))
    whole, tiled = (decoding_bytes(vae, px, itemsizes["vae"]) for px in (native_px, min(native_px, TILE_PX)))
    return pick_stay(sizes, whole, tiled, free_bytes(device), device.type != "cpu")


def tile(vae: Any) -> None:
    """Have an autoencoder work in tiles of `TILE_PX`, where it can: diffusers' own are as large as its training pictures."""
    if hasattr(vae, "enable_tiling"):
        vae.enable_tiling()
        if hasattr(vae, "tile_latent_min_size"):
            vae.tile_sample_min_size = TILE_PX
            vae.tile_latent_min_size = TILE_PX // 2 ** (len(vae.config.block_out_channels) - 1)
