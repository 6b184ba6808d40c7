"""A checkpoint before it is loaded, folder or single file: its class, its parts' configs, and how many numbers each part has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

from .loader import check_folder, parameter_count
from .single_file import read_file

CONFIGS = {"scheduler": "scheduler_config.json"}
STUDENT = "student"


@dataclass(frozen=True)
class Checkpoint:
    """`place`: a folder, or a .safetensors file. `numbers`: weights of each part; `configs`: each part's own config as published.

    `variant` of the files that are loaded ("" = the plain ones). `layout`: the documents of a folder that a single file stands for.
    """

    place: Path
    pipeline_class: str
    index: Mapping[str, Any]
    configs: Mapping[str, Mapping[str, Any]]
    numbers: Mapping[str, int]
    variant: str = ""
    layout: Mapping[str, Any] | None = None

    @property
    def xl(self) -> bool:
        return "XL" in self.pipeline_class

    def part_bytes(self, itemsizes: Mapping[str, int], otherwise: int) -> dict[str, int]:
        """Return what each part will hold in memory, where a number of it takes so many bytes."""
        return {part: count * itemsizes.get(part, otherwise) for part, count in self.numbers.items()}


def open_checkpoint(place: Path, half: bool = False) -> Checkpoint:
    """Look at a model folder or a single file, short of loading it. Raises RequestError for what must not or can't be loaded."""
    checkpoint = _of_file(place) if place.is_file() else _of_folder(place, half)
    if checkpoint.index.get("requires_aesthetics_score") or (
        checkpoint.xl and "text_encoder" not in checkpoint.configs
    ):
        raise RequestError(
            said(
                "{place} is SDXL's refiner: it only sharpens what the base model has painted and lacks the "
                "first of its two text encoders, so it can't edit; name the base model, which needs no refiner here.",
                place=place.name,
            ),
            "refiner",
        )
    return checkpoint


def _of_folder(place: Path, half: bool) -> Checkpoint:
    facts = check_folder(place, half)
    index = json.loads((place / "model_index.json").read_text(encoding="utf-8"))
    numbers = {part.name: parameter_count(facts.weights_of(part.name)) for part in facts.parts}
    configs = {part.name: _config(place / part.name / CONFIGS.get(part.name, "config.json")) for part in facts.parts}
    student = tuple((place / STUDENT).glob("*.safetensors"))
    numbers |= {STUDENT: parameter_count(student)} if student else {}
    return Checkpoint(
        place, facts.pipeline_class, index, configs, {k: n for k, n in numbers.items() if n}, facts.variant
    )


def _of_file(place: Path) -> Checkpoint:
    layout, numbers = read_file(place)
    index = layout["model_index.json"]
    configs = {
        part: layout.get(f"{part}/{CONFIGS.get(part, 'config.json')}", {}) for part in index if not part.startswith("_")
    }
    return Checkpoint(place, index["_class_name"], index, configs, numbers, layout=layout)


def _config(path: Path) -> Mapping[str, Any]:
    """Read a part's config; tokenizers have none of their own that matters here."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise RequestError(
            said("The config {parent}/{path} cannot be read; fetch it again.", parent=path.parent.name, path=path.name),
            "bad-model",
        ) from exc
    return value if isinstance(value, dict) else {}
