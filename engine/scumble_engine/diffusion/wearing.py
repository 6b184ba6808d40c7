"""Putting the painter's LoRA files on a loaded pipeline, and taking them off exactly. diffusers reads the keys, peft does the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scumble_protocol.errors import RequestError
from torch import nn

from ..models.libraries import first_line, quiet
from ..models.lora_file import LoraFile


def put_on(pipeline: Any, loras: Sequence[LoraFile]) -> None:
    """Put LoRA files (kohya's or diffusers' keys) on a pipeline's UNet and text encoders, together and each with its weight.

    Raises RequestError for one that was made for another family; nothing is on the pipeline then.
    """
    names = [f"worn{number}" for number in range(len(loras))]
    try:
        for name, lora in zip(names, loras, strict=True):
            _load(pipeline, name, lora)
        if loras:
            pipeline.set_adapters(names, [lora.weight for lora in loras])
    except RequestError:
        take_off(pipeline)
        raise
    for part in pipeline.components.values():
        if isinstance(part, nn.Module):
            part.requires_grad_(False).eval()


def take_off(pipeline: Any) -> None:
    """Give every layer its own module back: the pipeline's outputs are bit-equal to those before."""
    pipeline.unload_lora_weights()


def _load(pipeline: Any, name: str, lora: LoraFile) -> None:
    from safetensors.torch import load_file

    state = load_file(lora.path)
    try:
        with quiet():
            pipeline.load_lora_weights(state, adapter_name=name)
    except (ValueError, KeyError, RuntimeError, AttributeError, IndexError, TypeError) as exc:
        raise _misfit(lora, first_line(exc)) from exc
    if not any(name in adapters for adapters in pipeline.get_list_adapters().values()):
        raise _misfit(lora, "none of its layers is in this model")


def _misfit(lora: LoraFile, why: str) -> RequestError:
    return RequestError(
        f"The LoRA {lora.path.name} does not fit this model; it was made for another family (SD 1, SD 2 or SDXL): {why}",
        "bad-lora",
    )
