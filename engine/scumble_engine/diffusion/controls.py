"""Control networks beside a UNet: loaded for its family, and what they add to its layers. ControlNets and T2I-Adapters, any number.

Zhang et al. 2023 (ControlNet), Mou et al. 2023 (T2I-Adapter). Which kinds of maps there are is in models/control_file.py.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.wording import said
from torch import Tensor, nn

from ..models.control_file import ControlFile
from ..models.libraries import first_line, quiet
from ..models.loader import check_safetensors
from .capabilities import Condition

# Where a ControlNet's file says how wide the layers are that read its map, in its authors' names and in diffusers'.
HINTS = [
    [f"input_hint_block.{layer}.weight" for layer in (0, 4, 8, 12)],
    [f"controlnet_cond_embedding.{layer}.weight" for layer in ("conv_in", "blocks.1", "blocks.3", "blocks.5")],
]
# A latent is 8 px; the adapters of SDXL unshuffle twice as far and halve once less. Light ones name a width less than they have blocks.
ADAPTER_SHRINKS, ADAPTER_SHRINKS_XL = 8, 16


def load_controls(files: Sequence[ControlFile], unet: Any, dtype: torch.dtype) -> dict[str, nn.Module]:
    """Load control networks on the CPU, by kind. Raises RequestError for one that was made for another family or lacks weights."""
    return {file.kind: _load(file, unet, dtype).requires_grad_(False).eval() for file in files}


def _load(file: ControlFile, unet: Any, dtype: torch.dtype) -> Any:
    if file.config is not None:
        _check_family(file, file.config, unet.config)
    load = _load_folder if file.config is not None else _load_adapter if file.adapter else _load_controlnet
    try:
        with quiet():
            net = load(file, unet, dtype)
    except (OSError, ValueError, KeyError, RuntimeError, IndexError, TypeError, AttributeError) as exc:
        raise _misfit(file, first_line(exc)) from exc
    _check_family(file, net.config, unet.config)
    needed = sum(weight.numel() for weight in net.parameters())
    if file.numbers < needed or any(weight.is_meta for weight in net.parameters()):
        raise RequestError(
            said("The control network {name} lacks weights; fetch it again.", name=file.path.name), "bad-control"
        )
    return net


def _load_folder(file: ControlFile, unet: Any, dtype: torch.dtype) -> Any:
    import diffusers

    kind = diffusers.T2IAdapter if file.adapter else diffusers.ControlNetModel
    options = {"use_safetensors": True, "local_files_only": True, "variant": file.variant or None}
    return kind.from_pretrained(file.path, dtype=dtype, **options)


def _load_controlnet(file: ControlFile, unet: Any, dtype: torch.dtype) -> Any:
    """A file says its widths; all else a ControlNet has of the UNet that it was copied from."""
    from diffusers import ControlNetModel

    shared = inspect.signature(ControlNetModel.__init__).parameters
    config = {name: value for name, value in unet.config.items() if name in shared}
    shapes = {key.removeprefix("control_model."): one["shape"] for key, one in _header(file).items()}
    hints = next(names for names in HINTS if names[0] in shapes)
    config |= {
        "in_channels": shapes["input_blocks.0.0.weight" if "input_blocks.0.0.weight" in shapes else "conv_in.weight"][
            1
        ],
        "conditioning_embedding_out_channels": [shapes[name][0] for name in hints],
        "_class_name": "ControlNetModel",
    }
    with TemporaryDirectory(prefix="scumble-control-") as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config, default=list), encoding="utf-8")
        return ControlNetModel.from_single_file(str(file.path), config=folder, local_files_only=True, torch_dtype=dtype)


def _load_adapter(file: ControlFile, unet: Any, dtype: torch.dtype) -> Any:
    from diffusers import T2IAdapter
    from safetensors.torch import load_file

    light = any(re.match(r"(adapter\.)?body\.0\.out_conv", key) for key in _header(file))
    state = {adapter_key(key, light): weight for key, weight in load_file(file.path).items()}
    net = T2IAdapter(**_adapter_config(state, light))
    net.load_state_dict(state)
    return net.to(dtype)


def adapter_key(key: str, light: bool) -> str:
    """Name a weight of an adapter as diffusers does; its authors count all residual blocks in one row, or nest them (light ones)."""
    if key.startswith("adapter."):
        return key
    if light:
        key = re.sub(r"^body\.(\d+)\.body\.(\d+)\.", r"body.\1.resnets.\2.", key)
    else:
        key = re.sub(r"^body\.(\d+)\.in_conv", lambda m: f"body.{int(m[1]) // 2}.in_conv", key)
        key = re.sub(r"^body\.(\d+)\.block", lambda m: f"body.{int(m[1]) // 2}.resnets.{int(m[1]) % 2}.block", key)
    return f"adapter.{key}"


def _adapter_config(state: Mapping[str, Tensor], light: bool) -> dict[str, Any]:
    blocks = 1 + max(int(key.split(".")[2]) for key in state if key.startswith("adapter.body."))
    resnets = 1 + max(int(key.split(".")[4]) for key in state if key.startswith("adapter.body.0.resnets."))
    last = f"resnets.{resnets - 1}.block2.weight" if not light else "out_conv.weight"
    first = state["adapter.body.0.in_conv.weight" if light else "adapter.conv_in.weight"].shape[1]
    xl = not light and first % ADAPTER_SHRINKS_XL**2 == 0
    shrinks = ADAPTER_SHRINKS_XL if xl else ADAPTER_SHRINKS
    return {
        "in_channels": first // shrinks**2,
        "channels": [state[f"adapter.body.{block}.{last}"].shape[0] for block in range(blocks - light)],
        "num_res_blocks": resnets,
        "downscale_factor": shrinks,
        "adapter_type": "light_adapter" if light else "full_adapter_xl" if xl else "full_adapter",
    }


def _header(file: ControlFile) -> dict[str, Any]:
    return {key: one for key, one in check_safetensors(file.path).items() if key != "__metadata__"}


def _check_family(file: ControlFile, config: Mapping[str, Any], unet: Mapping[str, Any]) -> None:
    """A ControlNet reads the same prompts as its UNet; an adapter adds to the same widths, in as fine latents."""
    if not file.adapter:
        same = all(
            config.get(name) == unet.get(name) for name in ("cross_attention_dim", "addition_embed_type")
        ) and list(config.get("block_out_channels", ())) == list(unet["block_out_channels"])
    else:
        xl = config.get("adapter_type") == "full_adapter_xl"
        widths = list(config.get("channels", ()))
        same = xl == (unet.get("addition_embed_type") == "text_time") and set(widths) <= set(unet["block_out_channels"])
    if not same:
        raise _misfit(file, said("its layers are not this model's"))


def _misfit(file: ControlFile, why: str) -> RequestError:
    return RequestError(
        said(
            "The control network {name} does not fit this model; it was made for another family (SD 1, SD 2 or SDXL): {why}",
            name=file.path.name,
            why=why,
        ),
        "bad-control",
    )


def added(
    nets: Mapping[str, Any],
    given: tuple[Tensor, int | Tensor, Tensor, Any],
    conditions: Sequence[Condition],
    way: float,
) -> dict[str, Any]:
    """Return what the conditions' networks add to a UNet's layers; several add up.

    `given`: latents, timestep, prompt embeddings and added conditions of the forward; `way`: how far from noise to picture it is (0..1).
    """
    z, timestep, embeds, also = given
    skips: list[tuple[Tensor, ...]] = []
    middle: list[Tensor] = []
    features: list[list[Tensor]] = []
    for one in conditions:
        if one.kind not in nets:
            raise EngineError(said("The model has no control network for {kind}.", kind=one.kind), "engine-no-control")
        if not one.start <= way <= one.end:
            continue
        net, shown = nets[one.kind], one.map.to(z.device, z.dtype)
        if _is_adapter(net):
            features.append([scale.expand(len(z), -1, -1, -1) * one.scale for scale in net(_in_channels(net, shown))])
            continue
        down, bottom = net(
            z,
            timestep,
            embeds,
            shown.expand(len(z), -1, -1, -1),
            conditioning_scale=one.scale,
            added_cond_kwargs=also,
            return_dict=False,
        )
        skips, middle = [*skips, down], [*middle, bottom]
    extra: dict[str, Any] = {}
    if skips:
        extra["down_block_additional_residuals"] = tuple(sum(parts) for parts in zip(*skips, strict=True))
        extra["mid_block_additional_residual"] = sum(middle)
    if features:
        extra["down_intrablock_additional_residuals"] = [sum(parts) for parts in zip(*features, strict=True)]
    return extra


def _is_adapter(net: Any) -> bool:
    return hasattr(net, "adapter")


def _in_channels(net: Any, shown: Tensor) -> Tensor:
    """Sketch adapters read one channel; lines are as white in each."""
    return shown.mean(1, keepdim=True) if int(net.config.in_channels) == 1 else shown
