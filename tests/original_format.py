"""Weights under the keys of their authors' own programs (latent-diffusion, generative-models, open_clip), in one file.

These are the names that single .safetensors files have; each rule here is one of those programs' module trees.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from published_models import as_published, networks, shrunk
from safetensors.torch import save_file
from torch import Tensor

State = dict[str, Tensor]
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
OUTER = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
AUTOENCODER = {
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0": "mid.attn_1",
    "downsamplers.0": "downsample",
    "upsamplers.0": "upsample",
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
    "resnets": "block",
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
OPEN_CLIP = {
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
    "text_model.encoder.layers": "transformer.resblocks",
    "layer_norm": "ln_",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def single_file(path: Path, name: str, dtype: torch.dtype = torch.float32, extra: State | None = None) -> Path:
    """Write the shrunk model of that name as its authors' one file, with what such files hold beside it."""
    state: State = {"model_ema.decay": torch.zeros(()), "alphas_cumprod": torch.ones(1000)}
    parts = whole_networks(name)
    unet = {unet_key(key): weight for key, weight in parts["unet"].state_dict().items()}
    state |= {f"model.diffusion_model.{_upsampler(key, unet)}": weight for key, weight in unet.items()}
    state |= {
        f"first_stage_model.{vae_key(key)}": _as_convolution(key, weight)
        for key, weight in parts["vae"].state_dict().items()
    }
    first, second = _published(parts, "text_encoder"), _published(parts, "text_encoder_2")
    if second:
        state |= {f"conditioner.embedders.0.transformer.{key}": weight for key, weight in first.items()}
        state |= {f"conditioner.embedders.1.model.{key}": weight for key, weight in open_clip(second).items()}
    elif name == "sd21":
        state |= {f"cond_stage_model.model.{key}": weight for key, weight in open_clip(first).items()}
    else:
        state |= {f"cond_stage_model.transformer.{key}": weight for key, weight in first.items()}
    state |= extra or {}
    cast = {key: weight.to(dtype) if weight.is_floating_point() else weight for key, weight in state.items()}
    save_file({key: weight.contiguous() for key, weight in cast.items()}, path)
    return path


def whole_networks(name: str) -> dict[str, Any]:
    """Build the modules that a file holds: SD 2's have one layer more of their text encoder than the model reads."""
    documents = shrunk(name)
    documents["text_encoder/config.json"]["num_hidden_layers"] += name == "sd21"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return networks(documents)


def unet_key(key: str) -> str:
    """Name a UNet's weight as openaimodel.py does."""
    for new, old in OUTER.items():
        key = re.sub(rf"^{re.escape(new)}\b", old, key)
    key = re.sub(r"^down_blocks\.(\d)\.(resnets|attentions)\.(\d)", _place("input_blocks", 1), key)
    key = re.sub(r"^up_blocks\.(\d)\.(resnets|attentions)\.(\d)", _place("output_blocks", 0), key)
    key = re.sub(r"^down_blocks\.(\d)\.downsamplers\.0\.conv", lambda m: f"input_blocks.{3 * int(m[1]) + 3}.0.op", key)
    key = re.sub(r"^up_blocks\.(\d)\.upsamplers\.0", lambda m: f"output_blocks.{3 * int(m[1]) + 2}.UP", key)
    if "transformer_blocks" not in key:
        for new, old in RESNET.items():
            key = re.sub(rf"\.{new}\.", f".{old}.", key)
    return key


def _upsampler(key: str, unet: State) -> str:
    """An upsampling comes after its block's attention, where there is one."""
    before, found, _ = key.partition(".UP.")
    return key.replace("UP", "2" if any(other.startswith(f"{before}.1.") for other in unet) else "1") if found else key


def _place(blocks: str, first: int) -> Any:
    return lambda m: f"{blocks}.{3 * int(m[1]) + int(m[3]) + first}.{'0' if m[2] == 'resnets' else '1'}"


def vae_key(key: str) -> str:
    """Name an autoencoder's weight as latent-diffusion's model.py does: its decoder counts from the finest block."""
    key = re.sub(r"up_blocks\.(\d)", lambda m: f"up.{3 - int(m[1])}", key).replace("down_blocks", "down")
    for new, old in AUTOENCODER.items():
        key = key.replace(new, old)
    return key


def _as_convolution(key: str, weight: Tensor) -> Tensor:
    return weight[:, :, None, None] if ".attentions." in key and weight.ndim == 2 else weight


def open_clip(state: State) -> State:
    """Name a text encoder's weights as open_clip does, with queries, keys and values in one."""
    found: State = {"logit_scale": torch.ones(())}
    for key, weight in state.items():
        if key == "text_projection.weight":
            found["text_projection"] = weight.T
        elif match := re.fullmatch(r"(.*)self_attn\.q_proj\.(weight|bias)", key):
            together = [state[f"{match[1]}self_attn.{one}_proj.{match[2]}"] for one in "qkv"]
            found[f"{_open(match[1])}attn.in_proj_{match[2]}"] = torch.cat(together)
        elif not re.search(r"self_attn\.[kv]_proj|position_ids", key):
            found[_open(key)] = weight
    found.setdefault("text_projection", torch.eye(len(found["ln_final.weight"])))
    return found


def _open(key: str) -> str:
    for new, old in OPEN_CLIP.items():
        key = key.replace(new, old)
    return key


def _published(parts: dict[str, Any], part: str) -> State:
    return as_published(part, parts[part]) if part in parts else {}
