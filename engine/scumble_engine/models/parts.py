"""Which parts a published model has, and which of its weight files are loaded: pure functions of an index and of file names.

They serve a folder on this machine and a listing of the hub alike, so that what is fetched is what is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Parts of a pipeline that no edit uses, whatever library they come from: they are neither checked, fetched nor loaded.
UNUSED = frozenset({"safety_checker", "feature_extractor", "image_encoder"})
HALF = "fp16"
# diffusers' and transformers' names: stem[.variant][-00001-of-00002][.variant].safetensors, and the lists of such shards.
WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|model)(?:\.(?P<variant>\w+))?(?:-\d{5}-of-\d{5})?(?:\.(?P<old_variant>\w+))?\.safetensors"
)
SHARD_LIST = re.compile(
    r"(?:diffusion_pytorch_model|model)(?:\.(?P<old_variant>\w+))?\.safetensors\.index(?:\.(?P<variant>\w+))?\.json"
)


@dataclass(frozen=True)
class Part:
    """One component of a pipeline: its name (the folder that it lies in), and the class that it says it is of."""

    name: str
    library: str
    kind: str


def parts_of(index: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return the parts that a model_index.json names and that edits use, by name."""
    return tuple(
        Part(name, str(value[0]), str(value[1]))
        for name, value in sorted(index.items())
        if not name.startswith("_")
        and name not in UNUSED
        and isinstance(value, list)
        and len(value) == 2
        and value[0] is not None
    )


def variants_of(names: Iterable[str]) -> frozenset[str]:
    """Return the variants that a part's weights are there in; "" is the plain one."""
    found = (WEIGHTS.fullmatch(name) for name in names)
    return frozenset(_variant(match) for match in found if match)


def weights_of(names: Iterable[str], variant: str) -> tuple[str, ...]:
    """Return the weight files of a part in that variant, or the plain ones where it has none, as diffusers chooses."""
    names = sorted(names)
    chosen = variant if variant in variants_of(names) else ""
    return tuple(name for name in names if (match := WEIGHTS.fullmatch(name)) and _variant(match) == chosen)


def shard_list_of(names: Iterable[str], variant: str) -> str | None:
    """Return the name of the list of a part's shards, for weights in that variant; None where they are in one file."""
    names = tuple(names)
    chosen = variant if variant in variants_of(names) else ""
    found = (match for name in names if (match := SHARD_LIST.fullmatch(name)) and _variant(match) == chosen)
    return next((match[0] for match in found), None)


def pick_variant(parts: Iterable[Iterable[str]], half: bool) -> str:
    """Choose between the plain weights and those in half precision, given the file names of each part that has weights.

    With `half` the smaller files are read where there are any; without it only where a part has no others.
    """
    sets = [found for names in parts if (found := variants_of(names))]
    if half:
        return HALF if any(HALF in found for found in sets) else ""
    return HALF if any(HALF in found and "" not in found for found in sets) else ""


def _variant(match: re.Match[str]) -> str:
    return match["variant"] or match["old_variant"] or ""
