"""Control networks for a tiny or shrunk UNet, in the layouts that they are published in: folders, authors' files, diffusers' files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, T2IAdapter
from original_format import unet_key
from safetensors.torch import save_file
from torch import Tensor, nn

HINT = {"conv_in": "0", **{f"blocks.{block}": str(2 + 2 * block) for block in range(6)}, "conv_out": "14"}


def control_net(unet: Any, seed: int = 0) -> Any:
    """A random ControlNet for that UNet whose zero convolutions are not: fresh ones are silent."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 16, 16)).eval()
        for silent in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
            nn.init.normal_(silent.weight, std=0.3)
    return net.requires_grad_(False)


def adapter(unet: Any, light: bool = False, in_channels: int = 3, seed: int = 0) -> Any:
    """A random T2I-Adapter for that UNet: a light one's last two scales are as wide; SDXL's unshuffle twice as far."""
    channels = list(unet.config.block_out_channels)
    xl = unet.config.addition_embed_type == "text_time"
    kind = "light_adapter" if light else "full_adapter_xl" if xl else "full_adapter"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = T2IAdapter(
            in_channels=in_channels,
            channels=channels[:-1] if light else channels,
            num_res_blocks=4 if light else 2,
            downscale_factor=16 if xl and not light else 8,
            adapter_type=kind,
        ).eval()
    return net.requires_grad_(False)


def folder_of(net: Any, folder: Path, variant: str | None = None) -> Path:
    """Save a network as repositories hold them."""
    net.save_pretrained(folder, safe_serialization=True, variant=variant)
    return folder


def file_of(net: Any, path: Path, original: bool = True) -> Path:
    """Save a network as one file, under its authors' keys or diffusers' own."""
    rename = (_original_adapter if hasattr(net, "adapter") else _original_controlnet) if original else _same
    save_file({rename(net, key): weight.contiguous() for key, weight in net.state_dict().items()}, path)
    return path


def _same(net: Any, key: str) -> str:
    return key


def _original_controlnet(net: Any, key: str) -> str:
    """cldm.py's module tree."""
    if match := re.match(r"controlnet_cond_embedding\.(conv_in|conv_out|blocks\.\d)(.*)", key):
        return f"control_model.input_hint_block.{HINT[match[1]]}{match[2]}"
    if match := re.match(r"controlnet_down_blocks\.(\d+)(.*)", key):
        return f"control_model.zero_convs.{match[1]}.0{match[2]}"
    if match := re.match(r"controlnet_mid_block(.*)", key):
        return f"control_model.middle_block_out.0{match[1]}"
    return f"control_model.{unet_key(key)}"


def _original_adapter(net: Any, key: str) -> str:
    """adapter.py's module tree of the T2I-Adapter's authors."""
    key = key.removeprefix("adapter.")
    if net.config.adapter_type == "light_adapter":
        return key.replace("resnets", "body")
    key = re.sub(r"^body\.(\d)\.resnets\.(\d)", lambda m: f"body.{2 * int(m[1]) + int(m[2])}", key)
    return re.sub(r"^body\.(\d)\.in_conv", lambda m: f"body.{2 * int(m[1])}.in_conv", key)


def weights_equal(one: nn.Module, other: nn.Module) -> bool:
    """Say whether two networks have the very same weights under the same names."""
    first: dict[str, Tensor] = one.state_dict()
    second: dict[str, Tensor] = other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
