"""Find a Stable-Diffusion-format model by name, folder, file or hub id, and load its parts with diffusers.

Only safetensors are ever read: pickled weights are refused before anything of them is opened.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.wording import said
from torch import nn

from ..models import registry
from ..models.checkpoint import STUDENT, Checkpoint, open_checkpoint
from ..models.download import sha256_of
from ..models.hub import folder_here
from ..models.libraries import first_line, quiet
from ..models.parts import UNUSED
from ..models.single_file import write_layout

WEIGHTS = Path(__file__).parent.parent / "models" / "weights"
DEFAULT_MODEL = "illustrator"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")

# Pipelines whose parts are a UNet, an autoencoder and CLIP text encoders, whatever they add around them; we run the parts.
PIPELINES = {
    **dict.fromkeys(
        (
            "StableDiffusionPipeline",
            "StableDiffusionImg2ImgPipeline",
            "StableDiffusionInpaintPipeline",
            "StableDiffusionInstructPix2PixPipeline",
            "LatentConsistencyModelPipeline",
            "LatentConsistencyModelImg2ImgPipeline",
        ),
        "StableDiffusionPipeline",
    ),
    **dict.fromkeys(
        (
            "StableDiffusionXLPipeline",
            "StableDiffusionXLImg2ImgPipeline",
            "StableDiffusionXLInpaintPipeline",
            "StableDiffusionXLInstructPix2PixPipeline",
        ),
        "StableDiffusionXLPipeline",
    ),
}


def find_model(name: str) -> Path:
    """Return the folder of an embedded model ("auto" is the illustrator), a folder, or a hub id that was pulled.

    Raises RequestError for a name that is none of them or not here, EngineError where the embedded weights are missing.
    """
    embedded = WEIGHTS / (DEFAULT_MODEL if name == "auto" else name)
    if (embedded / "model_index.json").is_file():
        return embedded
    if name in ("auto", DEFAULT_MODEL):
        raise EngineError(
            "The illustrator's weights are missing from this installation; install it again or name a --model.",
            "engine-no-weights",
        )
    if Path(name).expanduser().exists():
        return Path(name).expanduser()
    known = registry.find(name)
    hub_id = known.where if known is not None else name
    if HUB_ID.fullmatch(hub_id):
        return _from_hub(name, hub_id)
    raise RequestError(
        said("The model {name} is neither an embedded one, nor a folder, nor a hub id (owner/name).", name=f"{name!r}"),
        "unknown-model",
    )


def _from_hub(name: str, hub_id: str) -> Path:
    """Nothing is fetched in an edit: its size and licence are the painter's to see first."""
    folder = folder_here(hub_id, registry.models_dir())
    if folder is None:
        raise RequestError(
            said("The model {name} is not on this machine; fetch it with: scumble models pull {name}.", name=name),
            "unknown-model",
        )
    return folder


def load_pipeline(checkpoint: Checkpoint, dtypes: Mapping[str, torch.dtype]) -> Any:
    """Load a checkpoint's parts on the CPU; `dtypes` by part, "default" for the others.

    Raises RequestError for a class that edits do not know, and for files that can't be read or lack weights.
    """
    import diffusers

    # diffusers instantiates classes of ours by name, but never imports what a folder names.
    from ..models import linear_autoencoder  # noqa: F401

    pipeline_class = getattr(diffusers, _pipeline_class(checkpoint.pipeline_class))
    load = _load_folder if checkpoint.layout is None else _load_file
    try:
        with quiet():
            pipeline = load(checkpoint, pipeline_class, dtypes)
    except (OSError, ValueError, KeyError, IndexError, RuntimeError, AttributeError, NotImplementedError) as exc:
        raise RequestError(
            said(
                "The model {name} could not be loaded: {first_line}",
                name=checkpoint.place.name,
                first_line=first_line(exc),
            ),
            "bad-model",
        ) from exc
    _check_whole(checkpoint, pipeline)
    return pipeline


def _load_folder(checkpoint: Checkpoint, pipeline_class: Any, dtypes: Mapping[str, torch.dtype]) -> Any:
    # What no edit uses is not asked for: a safety checker would look at the whole result again, which never leaves this machine.
    unused = dict.fromkeys(UNUSED & set(pipeline_class._optional_components))
    options: dict[str, Any] = {"add_watermarker": False} if checkpoint.xl else {"requires_safety_checker": False}
    options |= {"use_safetensors": True, "local_files_only": True, "variant": checkpoint.variant or None}
    return pipeline_class.from_pretrained(checkpoint.place, dtype=dict(dtypes), **options, **unused)


def _load_file(checkpoint: Checkpoint, pipeline_class: Any, dtypes: Mapping[str, torch.dtype]) -> Any:
    from diffusers import AutoencoderKL

    assert checkpoint.layout is not None
    options: dict[str, Any] = {"add_watermarker": False} if checkpoint.xl else {}
    with TemporaryDirectory(prefix="scumble-layout-") as configs:
        write_layout(Path(configs), checkpoint.layout)
        local = {"config": configs, "local_files_only": True}
        vae = AutoencoderKL.from_single_file(
            str(checkpoint.place), subfolder="vae", torch_dtype=dtypes.get("vae", dtypes["default"]), **local
        )
        return pipeline_class.from_single_file(
            str(checkpoint.place), vae=vae, torch_dtype=dtypes["default"], **local, **options
        )


def _check_whole(checkpoint: Checkpoint, pipeline: Any) -> None:
    """Refuse files with fewer numbers than their parts need: the libraries would start those at random, with a warning only."""
    for part, module in pipeline.components.items():
        if isinstance(module, nn.Module):
            needed = sum(weight.numel() for weight in module.parameters())
            if any(weight.is_meta for weight in module.parameters()) or checkpoint.numbers.get(part, 0) < needed:
                raise RequestError(
                    said(
                        "The model {name} lacks weights of its {part}; fetch it again.",
                        name=checkpoint.place.name,
                        part=part,
                    ),
                    "bad-model",
                )


def load_student(folder: Path, dtype: torch.dtype) -> Any:
    """Load the few-step UNet that lies beside a model's own (`student/`, safetensors only), or return None."""
    from diffusers import UNet2DConditionModel

    if not (folder / STUDENT / "config.json").is_file():
        return None
    try:
        with quiet():
            return UNet2DConditionModel.from_pretrained(
                folder / STUDENT, dtype=dtype, use_safetensors=True, local_files_only=True
            )
    except (OSError, ValueError, RuntimeError) as exc:
        raise RequestError(
            said(
                "The student of {folder_name} could not be loaded: {first_line}",
                folder_name=folder.name,
                first_line=first_line(exc),
            ),
            "bad-model",
        ) from exc


def open_known(place: Path, half: bool) -> Checkpoint:
    """Look at a checkpoint, short of loading it. Raises RequestError for one of a class that edits do not know, or without a part."""
    checkpoint = open_checkpoint(place, half)
    _pipeline_class(checkpoint.pipeline_class)
    for part in ("unet", "vae", "scheduler", "text_encoder", "tokenizer"):
        if part not in checkpoint.configs:
            raise RequestError(
                said(
                    "The model folder {place_name} names no {part}, which edits need.", place_name=place.name, part=part
                ),
                "bad-model",
            )
    return checkpoint


def _pipeline_class(name: str) -> str:
    if name not in PIPELINES:
        raise RequestError(
            said(
                "A {name} model can't be edited with; use a Stable Diffusion 1, 2 or XL model in the diffusers format.",
                name=name,
            ),
            "unknown-class",
        )
    return PIPELINES[name]


def folder_sha256(folder: Path) -> str:
    """Return one digest over all weight files of a folder, by name and content; a single file's own."""
    if folder.is_file():
        return sha256_of(folder)
    digest = hashlib.sha256()
    for file in sorted(folder.glob("**/*.safetensors")):
        digest.update(str(file.relative_to(folder)).encode())
        digest.update(bytes.fromhex(sha256_of(file)))
    return digest.hexdigest()
