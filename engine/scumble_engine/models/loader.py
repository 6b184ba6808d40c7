"""Looking at a model folder before anything of it is loaded: pure checks by file names, JSON and safetensors headers.

Nothing here unpickles, imports what a folder names, or needs torch. What passes may be loaded by diffusers.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

from .parts import Part, parts_of, pick_variant, shard_list_of, weights_of

PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".joblib", ".npz", ".npy")
# A component's weights; a class that is none of these (scheduler, tokenizer, extractor) has only JSON.
WEIGHT_FOLDERS = ("unet", "transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3", "image_encoder")
LIBRARIES = ("diffusers", "transformers")
OURS = "scumble_engine.models."
MAX_HEADER_BYTES = 100 * 2**20
# Bytes a number of what stays as it is when a model is brought to a dtype.
INTEGER_BYTES = {"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class FolderFacts:
    """What a folder says of itself, and what will be read of it: `weights` are the safetensors files of its parts in `variant`."""

    folder: Path
    pipeline_class: str
    parts: tuple[Part, ...]
    weights: tuple[Path, ...]
    variant: str = ""

    @property
    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.weights)

    def weights_of(self, part: str) -> tuple[Path, ...]:
        return tuple(path for path in self.weights if path.parent.name == part)


def check_folder(path: Path, half: bool = False) -> FolderFacts:
    """Read what a diffusers folder holds, and choose what of it is loaded: with `half`, the half-precision files if there are any.

    Raises RequestError for a folder that is not safe, not whole, or of an unknown kind.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise _refusal(said("The model folder {folder} does not exist.", folder=folder))
    index = _read_json(folder / "model_index.json", "it is not a diffusers model folder")
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        raise _refusal(said("The model folder {folder} does not name its pipeline's class.", folder=folder.name))
    parts = _checked_parts(folder, index)
    variant = pick_variant((_names_in(folder / part.name) for part in parts), half)
    weights = tuple(each for part in parts for each in _weights_of(folder, part.name, variant))
    if not weights:
        raise _refusal(
            said("The model folder {folder} holds no weights in the safetensors format.", folder=folder.name)
        )
    return FolderFacts(folder, pipeline, parts, weights, variant)


def check_language_folder(path: Path) -> tuple[Path, ...]:
    """Return the weight files of a folder with one transformers model. Raises RequestError for one that is not safe or not whole."""
    folder = Path(path)
    _read_json(folder / "config.json", "it is not a transformers model folder")
    weights = _weights_of(folder, ".")
    if not weights:
        raise _refusal(
            said("The model folder {folder} holds no weights in the safetensors format.", folder=folder.name)
        )
    adapter = folder / "adapter_model.safetensors"
    if (folder / "adapter_config.json").is_file() and not adapter.is_file():
        raise _refusal(
            said(
                "The model folder {folder} has an adapter without weights in the safetensors format.",
                folder=folder.name,
            )
        )
    if adapter.is_file():
        check_safetensors(adapter)
        weights.append(adapter)
    return tuple(weights)


def parameter_count(weights: tuple[Path, ...]) -> int:
    """Count the numbers in safetensors files by their headers, without those that are only positions (integers)."""
    return sum(math.prod(one["shape"]) for one in _tensors(weights) if one["dtype"] not in INTEGER_BYTES)


def loaded_bytes(weights: tuple[Path, ...], itemsize: int) -> int:
    """Return what safetensors files hold in memory once their numbers take `itemsize` bytes each, by their headers."""
    return sum(math.prod(one["shape"]) * INTEGER_BYTES.get(one["dtype"], itemsize) for one in _tensors(weights))


def _tensors(weights: tuple[Path, ...]) -> list[dict[str, Any]]:
    headers = [check_safetensors(path) for path in weights]
    return [one for header in headers for key, one in header.items() if key != "__metadata__"]


def _checked_parts(folder: Path, index: dict[str, Any]) -> tuple[Part, ...]:
    parts = parts_of(index)
    for part in parts:
        if part.library not in LIBRARIES and not part.library.startswith(OURS):
            raise _refusal(
                said(
                    "The model folder {folder} wants code of its own for its {part} ({library}.{kind}), which is never run.",
                    folder=folder.name,
                    part=part.name,
                    library=part.library,
                    kind=part.kind,
                )
            )
        if not (folder / part.name).is_dir():
            raise _refusal(said("The model folder {folder} is missing its {part}.", folder=folder.name, part=part.name))
    return parts


def _names_in(place: Path) -> list[str]:
    return sorted(each.name for each in place.iterdir() if each.is_file())


def _weights_of(folder: Path, component: str, variant: str = "") -> list[Path]:
    """Return a component's safetensors files, checked. Raises RequestError when there are only pickled ones, or none."""
    place = folder / component
    names = _names_in(place)
    safe = [place / name for name in weights_of(names, variant)]
    if not safe:
        pickled = [name for name in names if Path(name).suffix in PICKLED]
        if pickled:
            raise _refusal(
                said(
                    "The model folder {folder} has pickled weights ({component}/{pickled}), which can run code when "
                    "they are loaded, so they are refused; convert them to safetensors.",
                    folder=folder.name,
                    component=component,
                    pickled=pickled[0],
                )
            )
        if component in WEIGHT_FOLDERS:
            raise _refusal(
                said(
                    "The model folder {folder} is missing the weights of its {component}.",
                    folder=folder.name,
                    component=component,
                )
            )
    for path in safe:
        check_safetensors(path)
    _check_shards(folder, place, shard_list_of(names, variant))
    return safe


def _check_shards(folder: Path, place: Path, shard_list: str | None) -> None:
    if shard_list is None:
        return
    shards = _read_json(place / shard_list, "the list of its weight files cannot be read").get("weight_map", {})
    missing = sorted({str(shard) for shard in shards.values() if not (place / str(shard)).is_file()})
    if missing:
        raise _refusal(
            said(
                "The model folder {folder} is missing {place}/{missing}.",
                folder=folder.name,
                place=place.name,
                missing=missing[0],
            )
        )


def check_safetensors(path: Path) -> dict[str, Any]:
    """Read a safetensors file's header and see that the file is as long as it says. Raises RequestError."""
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > min(MAX_HEADER_BYTES, size - 8):
                raise ValueError("its header is longer than the file")
            header = json.loads(stream.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        if 8 + length + max(ends, default=0) != size:
            raise ValueError("the file is not as long as its header says")
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error) as exc:
        raise _refusal(
            said(
                "The weights {parent}/{path} are damaged ({exc}); fetch them again.",
                parent=path.parent.name,
                path=path.name,
                exc=exc,
            )
        ) from exc
    return dict(header)


def _read_json(path: Path, otherwise: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise _refusal(
            said(
                "The model folder {parent} cannot be used: {otherwise} ({path}).",
                parent=path.parent.name,
                otherwise=otherwise,
                path=path.name,
            )
        ) from exc
    if not isinstance(value, dict):
        raise _refusal(
            said(
                "The model folder {parent} cannot be used: {otherwise} ({path}).",
                parent=path.parent.name,
                otherwise=otherwise,
                path=path.name,
            )
        )
    return value


def _refusal(sentence: str) -> RequestError:
    return RequestError(sentence, "bad-model")
