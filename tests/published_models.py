"""Models as their authors publish them: indexes and configs as they stand on the hub, shrunk, with random weights.

The folder's layout, the files' and classes' names and the keys of the weights are the published ones; only the widths are not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors.torch import save_file
from scumble_engine.models.clip_tokenizer import merges, vocabulary
from torch import Tensor

PUBLISHED = Path(__file__).parent / "published"
NAMES = ("sd15", "sd15-inpaint", "pix2pix", "lcm", "sd21", "sdxl", "sdxl-turbo", "sdxl-refiner")
CONFIGS = {"scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}
Documents = dict[str, Any]


def facts(name: str) -> Documents:
    """Return what was published: documents by their place in the repository, its name and licence, and its other files."""
    found: Documents = json.loads((PUBLISHED / f"{name}.json").read_text())
    return found


def networks(documents: Documents) -> dict[str, Any]:
    """Build the modules that the documents describe, by part."""
    index, built = documents["model_index.json"], {}
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        library, kind = index.get(part, (None, None))
        if library == "diffusers":
            built[part] = getattr(diffusers, kind).from_config(documents[f"{part}/config.json"])
        elif library == "transformers":
            built[part] = getattr(transformers, kind)(transformers.CLIPTextConfig(**documents[f"{part}/config.json"]))
    return built


def shrunk(name: str) -> Documents:
    """Return the published documents with narrow networks: 64 px pictures, 64 or 128 px for SDXL, and the real vocabulary."""
    documents = facts(name)
    xl, unet = "text_encoder_2/config.json" in documents, documents["unet/config.json"]
    widths = [64, 64, 128, 128] if xl or "sd2" in name else [32, 32, 64, 64]
    unet["block_out_channels"] = widths[: len(unet["block_out_channels"])]
    if isinstance(unet["attention_head_dim"], list):
        unet["attention_head_dim"] = [width // 64 for width in unet["block_out_channels"]]
    # To a config as old as the published ones, diffusers gives 64 px of latents whatever it says.
    unet |= {"sample_size": 8, "_diffusers_version": "0.10.0"}
    documents["vae/config.json"] |= {"block_out_channels": [32, 32, 32, 32], "sample_size": 64}
    hidden = 0
    for part, width in (("text_encoder", 64), ("text_encoder_2", 128)):
        if f"{part}/config.json" in documents:
            documents[f"{part}/config.json"] |= _narrow_text(width)
            hidden += width
    unet["cross_attention_dim"] = hidden
    if xl:
        ids = 5 if "refiner" in name else 6
        unet |= {"addition_time_embed_dim": 32, "projection_class_embeddings_input_dim": 128 + ids * 32}
        unet["transformer_layers_per_block"] = (
            [1, 1, 2] if isinstance(unet["transformer_layers_per_block"], list) else 1
        )
    return documents


def _narrow_text(width: int) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "intermediate_size": width,
        "num_attention_heads": width // 64,
        "num_hidden_layers": 2,
        "projection_dim": width,
    }


def published_folder(folder: Path, name: str, variants: tuple[str, ...] = ("", "fp16"), seed: int = 0) -> Path:
    """Write a repository as published, shrunk, with its weights in these variants, into a new folder."""
    documents = shrunk(name)
    for place, content in documents.items():
        if place.endswith(".json"):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(json.dumps(content))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part, network in networks(documents).items():
            _save(folder / part, part, as_published(part, network), variants)
    for part in ("tokenizer", "tokenizer_2"):
        if (folder / part).is_dir():
            (folder / part / "vocab.json").write_text(json.dumps(vocabulary()))
            (folder / part / "merges.txt").write_text(merges())
    if documents["model_index.json"].get("safety_checker", [None])[0]:
        _add_what_no_edit_uses(folder)
    return folder


def as_published(part: str, network: Any) -> dict[str, Tensor]:
    """Return a network's weights under the keys of their time.

    Text encoders had them in `text_model`, positions among them; autoencoders' attention had other names until diffusers 0.13.
    """
    state = {key: weight.contiguous() for key, weight in network.state_dict().items()}
    if part == "vae":
        return {_old_name(key): weight for key, weight in state.items()}
    if part == "unet":
        return state
    named = {
        key if key.startswith(("text_model.", "text_projection")) else f"text_model.{key}": state[key] for key in state
    }
    return {**named, "text_model.embeddings.position_ids": torch.arange(77)[None]}


def _old_name(key: str) -> str:
    if ".attentions." not in key:
        return key
    for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
        key = key.replace(new, old)
    return key


def _save(folder: Path, part: str, state: dict[str, Tensor], variants: tuple[str, ...]) -> None:
    stem = "model" if part.startswith("text_encoder") else "diffusion_pytorch_model"
    for variant in variants:
        dtype = torch.float16 if variant == "fp16" else torch.float32
        cast = {key: weight.to(dtype) if weight.is_floating_point() else weight for key, weight in state.items()}
        save_file(cast, folder / f"{stem}{'.' if variant else ''}{variant}.safetensors", metadata={"format": "pt"})


def _add_what_no_edit_uses(folder: Path) -> None:
    """A safety checker whose weights nobody could read, and an extractor: neither may be looked at."""
    for part, file in (("safety_checker", "model.safetensors"), ("feature_extractor", "preprocessor_config.json")):
        (folder / part).mkdir()
        (folder / part / file).write_bytes(b"not to be read")
