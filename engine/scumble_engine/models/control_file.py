"""A control network that the painter names ("FOLDER", "FILE" or "scribble=FILE"), judged by names, config and headers alone.

Loading it is in diffusion/controls.py; what it is shown is in edits/controls.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

from .hub import folder_here
from .loader import PICKLED, check_safetensors, parameter_count
from .parts import HALF, variants_of, weights_of
from .registry import models_dir
from .single_file import SUFFIX

# What edits know how to draw for a network: lines, colours, and the hole to fill.
EDGES, COLORS, HOLES = ("scribble", "sketch", "lineart", "softedge", "canny"), ("color", "tile"), ("inpaint",)
KINDS = (*EDGES, *COLORS, *HOLES)
ALIASES = {"hed": "softedge", "pidi": "softedge"}
NETWORKS = {"ControlNetModel": False, "T2IAdapter": True}
# Keys that only a T2I-Adapter's file has, in diffusers' and its authors' own names.
ADAPTER_KEYS = ("adapter.body.", "body.0.")
CONTROLNET_KEYS = ("controlnet_mid_block.", "middle_block_out.", "control_model.")


@dataclass(frozen=True)
class ControlFile:
    """`kind` of map that it is shown; `config` as its folder has it, None for a single file; `adapter`: a T2I-Adapter."""

    kind: str
    path: Path
    adapter: bool
    weights: tuple[Path, ...]
    config: Mapping[str, Any] | None = None
    variant: str = ""

    @property
    def numbers(self) -> int:
        """How many weights it has."""
        return parameter_count(self.weights)


def control_from(text: str) -> ControlFile:
    """Read PATH or KIND=PATH (a hub id that was pulled will do) and look at it. Raises RequestError for what is no control network."""
    kind, path = _split(text)
    if path.is_dir():
        return _of_folder(kind, path)
    if not path.is_file():
        raise _refusal(said("The control network {path} does not exist.", path=path))
    return _of_file(kind, path)


def check_kinds(controls: tuple[ControlFile, ...]) -> None:
    """Refuse two networks for one kind of map. Raises RequestError."""
    kinds = [control.kind for control in controls]
    twice = next((kind for kind in kinds if kinds.count(kind) > 1), None)
    if twice is not None:
        raise _refusal(said("Two control networks are for {kind}; name one of them.", kind=twice))


def _split(text: str) -> tuple[str, Path]:
    head, equals, tail = text.partition("=")
    kind, name = (head, tail) if equals and head in KINDS else ("", text)
    path = Path(name).expanduser()
    here = None if path.exists() or name.count("/") != 1 else folder_here(name, models_dir())
    return kind, here or path


def _of_folder(kind: str, folder: Path) -> ControlFile:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        network = config.get("_class_name", "")
    except (OSError, ValueError, AttributeError) as exc:
        raise _refusal(said("{name} is no control network: it has no config.json.", name=folder.name)) from exc
    if network not in NETWORKS:
        raise _refusal(
            said(
                "{name} is of the class {network}; control networks are ControlNets and T2I-Adapters.",
                name=folder.name,
                network=network or "?",
            )
        )
    names = sorted(each.name for each in folder.iterdir())
    variant = "" if "" in variants_of(names) else HALF
    weights = tuple(folder / name for name in weights_of(names, variant))
    if not weights:
        if any(Path(name).suffix in PICKLED for name in names):
            raise _pickled(folder)
        raise _refusal(said("{name} has no weights in the safetensors format.", name=folder.name))
    for path in weights:
        check_safetensors(path)
    kind = kind or _kind_in(folder.name) or _kind_in(str(config.get("_name_or_path", "")))
    return ControlFile(_checked(kind, folder), folder, NETWORKS[network], weights, config, variant)


def _of_file(kind: str, path: Path) -> ControlFile:
    if path.suffix != SUFFIX:
        raise _pickled(path)
    keys = tuple(check_safetensors(path))
    if any("brushnet" in key for key in keys):
        raise _refusal(
            said(
                "{name} is a BrushNet, whose places in the network no model here has; use a ControlNet inpaint or an inpainting model.",
                name=path.name,
            )
        )
    adapter = any(key.startswith(ADAPTER_KEYS) for key in keys)
    if not adapter and not any(key.startswith(CONTROLNET_KEYS) for key in keys):
        raise _refusal(said("{name} is no ControlNet and no T2I-Adapter.", name=path.name))
    if "lora_controlnet" in keys:
        raise _refusal(said("{name} is a control LoRA, which can't be put on; use a whole ControlNet.", name=path.name))
    return ControlFile(_checked(kind or _kind_in(path.stem), path), path, adapter, (path,))


def _kind_in(name: str) -> str:
    low = name.lower()
    found = (kind for kind in (*KINDS, *ALIASES) if kind in low)
    first = next(found, "")
    return ALIASES.get(first, first)


def _checked(kind: str, path: Path) -> str:
    if not kind:
        raise _refusal(
            said(
                "{name} does not say what it is shown; name it, as in --control scribble={path} (of {kinds}).",
                name=path.name,
                path=path,
                kinds=", ".join(KINDS),
            )
        )
    return kind


def _pickled(path: Path) -> RequestError:
    return _refusal(
        said(
            "The control network {name} is not in the safetensors format; pickled ones can run code, so they are refused.",
            name=path.name,
        )
    )


def _refusal(sentence: str) -> RequestError:
    return RequestError(sentence, "bad-control")
