"""A model in one .safetensors file, as most painters have theirs: which family it is of, and the folder that it stands for.

Only the header is read. What the file does not say (classes, attention heads, noise) is the family's published layout; widths and
depths are read from the shapes. Weights are loaded by diffusers, in diffusion/loading.py.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scumble_protocol.errors import RequestError

from .clip_tokenizer import END, LAYOUTS, write_tokenizer
from .loader import INTEGER_BYTES, check_safetensors

SUFFIX = ".safetensors"
UNET, VAE = "model.diffusion_model.", "first_stage_model."
CLIP = "text_model.embeddings.token_embedding.weight"
OPEN_CLIP = "model.token_embedding.weight"
# What a family's text encoders are called in its files, by part.
ENCODERS = {
    "sd1": {"text_encoder": "cond_stage_model.transformer."},
    "sd2": {"text_encoder": "cond_stage_model."},
    "sdxl": {"text_encoder": "conditioner.embedders.0.transformer.", "text_encoder_2": "conditioner.embedders.1."},
}
# SD 2's and SDXL's heads have 64 channels each; SD 1's are eight in every layer. CLIP's have 64.
HEAD_CHANNELS = 64
LAYERS_PER_BLOCK = 2
PADDING = {"sd1": (END,), "sd2": ("!",), "sdxl": (END, "!")}
Shapes = Mapping[str, tuple[int, ...]]
Documents = dict[str, Any]


def read_file(path: Path) -> tuple[Documents, dict[str, int]]:
    """Return a folder's documents for a single file, and how many numbers each part has in it.

    Raises RequestError for a file that is damaged or pickled, holds no whole model, or one of another family.
    """
    if path.suffix != SUFFIX:
        raise _refusal(
            f"{path.name} is not a .safetensors file; pickled checkpoints (.ckpt, .pt) can run code when they are loaded, so they "
            "are refused; convert it to safetensors."
        )
    header = check_safetensors(path)
    said = header.pop("__metadata__", None) or {}
    shapes = {key: tuple(one["shape"]) for key, one in header.items()}
    family = _family(path, shapes)
    try:
        layout = _fitted(family, shapes)
    except (KeyError, ValueError, IndexError) as exc:
        raise _refusal(f"{path.name} lacks a part of a whole model ({exc}).") from exc
    layout["scheduler/scheduler_config.json"] |= _noise(path, family, shapes, said, layout["unet/config.json"])
    floats = {key: math.prod(shape) for key, shape in shapes.items() if header[key]["dtype"] not in INTEGER_BYTES}
    prefixes = {"unet": UNET, "vae": VAE, **ENCODERS[family]}
    numbers = {part: sum(floats[key] for key in floats if key.startswith(prefix)) for part, prefix in prefixes.items()}
    return layout, numbers


def write_layout(folder: Path, layout: Mapping[str, Any]) -> None:
    """Write the configs and tokenizers that diffusers reads beside a single file into an empty folder."""
    for place, document in layout.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(json.dumps(document), encoding="utf-8")
    for part, pad in zip(("tokenizer", "tokenizer_2"), PADDING[_named_family(layout)], strict=False):
        write_tokenizer(folder / part, pad)


def _named_family(layout: Mapping[str, Any]) -> str:
    if "text_encoder_2/config.json" in layout:
        return "sdxl"
    return "sd2" if layout["unet/config.json"].get("use_linear_projection") else "sd1"


def _family(path: Path, shapes: Shapes) -> str:
    """Tell a file's family by its keys. Raises RequestError with what it is instead."""
    if any("lora" in key.lower() for key in shapes):
        raise _refusal(f"{path.name} is a LoRA, not a model; name it with --lora beside a --model.")
    if "edm_mean" in shapes:
        raise RequestError(
            f"{path.name} was trained on continuous noise levels (EDM), which edits can't work with.",
            "unknown-schedule",
        )
    if f"conditioner.embedders.0.{OPEN_CLIP}" in shapes:
        raise RequestError(
            f"{path.name} is SDXL's refiner: it only sharpens what the base model has painted, so it can't edit; name the base model.",
            "refiner",
        )
    for family, encoders in ENCODERS.items():
        heads = [f"{prefix}{stem}" for prefix in encoders.values() for stem in (CLIP, OPEN_CLIP)]
        if sum(head in shapes for head in heads) == len(encoders) and any(key.startswith(UNET) for key in shapes):
            return family
    raise _refusal(
        f"{path.name} is no whole Stable Diffusion 1, 2 or XL model in its authors' own format (UNet, autoencoder and text "
        "encoders in one file)."
    )


def published_layout(family: str) -> Documents:
    """Return the documents that the authors of "sd1", "sd2" or "sdxl" published with it."""
    layout: Documents = json.loads((LAYOUTS / f"{family}.json").read_text(encoding="utf-8"))
    return layout


def _fitted(family: str, shapes: Shapes) -> Documents:
    """Return the family's documents with the widths and depths of these shapes. Raises KeyError for a key that is missing."""
    layout = published_layout(family)
    for part, prefix in ENCODERS[family].items():
        layout[f"{part}/config.json"] |= _text(prefix, shapes, spare=family == "sd2")
    layout["vae/config.json"] |= _autoencoder(layout["vae/config.json"], shapes)
    second = layout.get("text_encoder_2/config.json", {}).get("projection_dim", 0)
    layout["unet/config.json"] |= _unet(family, layout["unet/config.json"], shapes, second)
    return layout


def _unet(family: str, config: Mapping[str, Any], shapes: Shapes, pooled: int) -> Documents:
    firsts = [1 + block * (LAYERS_PER_BLOCK + 1) for block in range(len(config["block_out_channels"]))]
    widths = [shapes[f"{UNET}input_blocks.{first}.0.in_layers.2.weight"][0] for first in firsts]
    found: Documents = {
        "in_channels": shapes[f"{UNET}input_blocks.0.0.weight"][1],
        "block_out_channels": widths,
        "cross_attention_dim": shapes[f"{UNET}middle_block.1.transformer_blocks.0.attn2.to_k.weight"][1],
    }
    if family != "sd1":
        found["attention_head_dim"] = [max(1, width // HEAD_CHANNELS) for width in widths]
    if family == "sdxl":
        found["transformer_layers_per_block"] = [
            max(1, _count(rf"{UNET}input_blocks\.{first}\.1\.transformer_blocks\.(\d+)\.", shapes)) for first in firsts
        ]
        added = shapes[f"{UNET}label_emb.0.0.weight"][1]
        found |= {"projection_class_embeddings_input_dim": added, "addition_time_embed_dim": (added - pooled) // 6}
    return found


def _autoencoder(config: Mapping[str, Any], shapes: Shapes) -> Documents:
    blocks = range(len(config["block_out_channels"]))
    return {
        "block_out_channels": [shapes[f"{VAE}encoder.down.{block}.block.0.conv1.weight"][0] for block in blocks],
        "latent_channels": shapes[f"{VAE}post_quant_conv.weight"][0],
    }


def _text(prefix: str, shapes: Shapes, spare: bool) -> Documents:
    """Read a text encoder's size; `spare`: the last layer is in the file but never used (SD 2)."""
    opened = f"{prefix}{OPEN_CLIP}" in shapes
    width = shapes[prefix + (OPEN_CLIP if opened else CLIP)][1]
    layers = rf"{prefix}{r'model.transformer.resblocks' if opened else 'text_model.encoder.layers'}.(\d+)."
    wide = "model.transformer.resblocks.0.mlp.c_fc.weight" if opened else "text_model.encoder.layers.0.mlp.fc1.weight"
    found = {
        "hidden_size": width,
        "num_attention_heads": max(1, width // HEAD_CHANNELS),
        "num_hidden_layers": _count(layers, shapes) - spare,
        "intermediate_size": shapes[prefix + wide][0],
    }
    if opened and not spare:
        found["projection_dim"] = shapes[f"{prefix}model.text_projection"][1]
    return found


def _count(pattern: str, shapes: Shapes) -> int:
    return len({match[1] for key in shapes if (match := re.match(pattern, key))})


def _noise(path: Path, family: str, shapes: Shapes, said: Mapping[str, str], unet: Mapping[str, Any]) -> Documents:
    """Find out what the network predicts, where the file, or a .yaml beside it as painters' programs have them, says it.

    SD 2 without a word is 2.0 or 2.1 at 768 px, which predict v; what fills holes predicts the noise.
    """
    noise: Documents = {}
    yaml = path.with_suffix(".yaml")
    if "v_pred" in shapes:
        noise["prediction_type"] = "v_prediction"
    elif key := said.get("modelspec.prediction_type", said.get("modelspec.predict_key", "")):
        noise["prediction_type"] = "v_prediction" if key.startswith("v") else "epsilon"
    elif yaml.is_file():
        by_v = re.search(r"parameterization:\s*[\"']?v\b", yaml.read_text(encoding="utf-8", errors="replace"))
        noise["prediction_type"] = "v_prediction" if by_v else "epsilon"
    elif family == "sd2" and unet["in_channels"] != 4:
        noise["prediction_type"] = "epsilon"
    if "ztsnr" in shapes:
        noise["rescale_betas_zero_snr"] = True
    return noise


def _refusal(sentence: str) -> RequestError:
    return RequestError(sentence, "bad-model")
