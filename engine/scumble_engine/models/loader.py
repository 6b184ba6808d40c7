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

PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".joblib", ".npz", ".npy")
# A component's weights; a class that is none of these (scheduler, tokenizer, extractor) has only JSON.
WEIGHT_FOLDERS = ("unet", "transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3", "image_encoder")
OPTIONAL = (
    "safety_checker",
    "feature_extractor",
    "image_encoder",
    "force_zeros_for_empty_prompt",
    "requires_safety_checker",
)
LIBRARIES = ("diffusers", "transformers")
OURS = "scumble_engine.models."
MAX_HEADER_BYTES = 100 * 2**20


@dataclass(frozen=True)
class FolderFacts:
    """What a folder says of itself: `components` are (name, library, class); `weights` are safetensors files in it."""

    folder: Path
    pipeline_class: str
    components: tuple[tuple[str, str, str], ...]
    weights: tuple[Path, ...]

    @property
    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.weights)


def check_folder(path: Path) -> FolderFacts:
    """Read what a diffusers folder holds. Raises RequestError for one that is not safe, not whole, or of an unknown kind."""
    folder = Path(path)
    if not folder.is_dir():
        raise _refusal(f"The model folder {folder} does not exist.")
    index = _read_json(folder / "model_index.json", "it is not a diffusers model folder")
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        raise _refusal(f"The model folder {folder.name} does not name its pipeline's class.")
    components = _components(folder, index)
    weights = tuple(each for name, *_ in components for each in _weights_of(folder, name))
    if not weights:
        raise _refusal(f"The model folder {folder.name} holds no weights in the safetensors format.")
    return FolderFacts(folder, pipeline, components, weights)


def check_language_folder(path: Path) -> tuple[Path, ...]:
    """Return the weight files of a folder with one transformers model. Raises RequestError for one that is not safe or not whole."""
    folder = Path(path)
    _read_json(folder / "config.json", "it is not a transformers model folder")
    weights = tuple(_weights_of(folder, "."))
    if not any(each.name.startswith("model") for each in weights):
        raise _refusal(f"The model folder {folder.name} holds no weights in the safetensors format.")
    if (folder / "adapter_config.json").is_file() and not (folder / "adapter_model.safetensors").is_file():
        raise _refusal(f"The model folder {folder.name} has an adapter without weights in the safetensors format.")
    return weights


def parameter_count(weights: tuple[Path, ...]) -> int:
    """Count the numbers in safetensors files by their headers."""
    headers = [check_safetensors(path) for path in weights]
    return sum(math.prod(one["shape"]) for header in headers for key, one in header.items() if key != "__metadata__")


def _components(folder: Path, index: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    found: list[tuple[str, str, str]] = []
    for name, value in sorted(index.items()):
        if name.startswith("_") or not isinstance(value, list) or len(value) != 2 or value[0] is None:
            continue
        library, kind = str(value[0]), str(value[1])
        if name in OPTIONAL and not (folder / name).is_dir():
            continue
        if library not in LIBRARIES and not library.startswith(OURS):
            raise _refusal(
                f"The model folder {folder.name} wants code of its own for its {name} ({library}.{kind}), which is never run."
            )
        if not (folder / name).is_dir():
            raise _refusal(f"The model folder {folder.name} is missing its {name}.")
        found.append((name, library, kind))
    return tuple(found)


def _weights_of(folder: Path, component: str) -> list[Path]:
    """Return a component's safetensors files, checked. Raises RequestError when there are only pickled ones, or none."""
    place = folder / component
    safe = sorted(place.glob("*.safetensors"))
    if not safe:
        pickled = sorted(each.name for each in place.iterdir() if each.suffix in PICKLED)
        if pickled:
            raise _refusal(
                f"The model folder {folder.name} has pickled weights ({component}/{pickled[0]}), which can run code when they "
                "are loaded, so they are refused; convert them to safetensors."
            )
        if component in WEIGHT_FOLDERS:
            raise _refusal(f"The model folder {folder.name} is missing the weights of its {component}.")
    for path in safe:
        check_safetensors(path)
    _check_shards(folder, place)
    return safe


def _check_shards(folder: Path, place: Path) -> None:
    for index in place.glob("*.safetensors.index.json"):
        shards = _read_json(index, "the list of its weight files cannot be read").get("weight_map", {})
        missing = sorted({str(shard) for shard in shards.values() if not (place / str(shard)).is_file()})
        if missing:
            raise _refusal(f"The model folder {folder.name} is missing {place.name}/{missing[0]}.")


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
        raise _refusal(f"The weights {path.parent.name}/{path.name} are damaged ({exc}); fetch them again.") from exc
    return dict(header)


def _read_json(path: Path, otherwise: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise _refusal(f"The model folder {path.parent.name} cannot be used: {otherwise} ({path.name}).") from exc
    if not isinstance(value, dict):
        raise _refusal(f"The model folder {path.parent.name} cannot be used: {otherwise} ({path.name}).")
    return value


def _refusal(sentence: str) -> RequestError:
    return RequestError(sentence, "bad-model")
