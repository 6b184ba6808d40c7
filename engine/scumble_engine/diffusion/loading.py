"""Find a Stable-Diffusion-format model by name, folder or hub id, check it, and load its diffusers pipeline.

Only safetensors are ever read: a folder with pickled weights is refused before anything of it is opened.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import torch
from scumble_protocol.errors import EngineError, RequestError

from ..models import registry
from ..models.libraries import first_line, quiet
from ..models.loader import check_folder

WEIGHTS = Path(__file__).parent.parent / "models" / "weights"
DEFAULT_MODEL = "illustrator"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")

# Pipelines whose parts are a UNet, an autoencoder and CLIP text encoders, whatever they add around them.
PIPELINES = {
    "StableDiffusionPipeline": "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline": "StableDiffusionPipeline",
    "LatentConsistencyModelPipeline": "StableDiffusionPipeline",
    "StableDiffusionXLPipeline": "StableDiffusionXLPipeline",
    "StableDiffusionXLImg2ImgPipeline": "StableDiffusionXLPipeline",
}


def find_model(name: str) -> Path:
    """Return the folder of an embedded model ("auto" is the illustrator), a folder, or a hub id (downloaded when need be).

    Raises RequestError for a name that is none of them, EngineError when a hub model can't be had.
    """
    embedded = WEIGHTS / (DEFAULT_MODEL if name == "auto" else name)
    if (embedded / "model_index.json").is_file():
        return embedded
    if name in ("auto", DEFAULT_MODEL):
        raise EngineError(
            "The illustrator's weights are missing from this installation; install it again or name a --model.",
            "engine-no-weights",
        )
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    known = registry.find(name)
    if HUB_ID.fullmatch(known.where if known is not None else name):
        return _from_hub(known.where if known is not None else name)
    raise RequestError(
        f"The model {name!r} is neither an embedded one, nor a folder, nor a hub id (owner/name).", "unknown-model"
    )


def _from_hub(hub_id: str) -> Path:
    from diffusers import DiffusionPipeline

    try:
        return Path(DiffusionPipeline.download(hub_id, use_safetensors=True))
    except Exception as exc:
        raise EngineError(
            f"The model {hub_id} could not be fetched ({type(exc).__name__}); check the name and the connection, or give a folder.",
            "engine-no-hub",
        ) from exc


def load_pipeline(folder: Path, dtype: torch.dtype) -> Any:
    """Load a checked folder's components on the CPU. Raises RequestError for a folder of another kind or with missing files."""
    import diffusers

    # diffusers instantiates classes of ours by name, but never imports what a folder names.
    from ..models import linear_autoencoder  # noqa: F401

    pipeline_class = getattr(diffusers, _pipeline_class(check_folder(folder).pipeline_class))
    # A safety checker would look at the whole result again, and ours never leaves the painter's machine.
    options: dict[str, Any] = (
        {} if "XL" in pipeline_class.__name__ else {"safety_checker": None, "requires_safety_checker": False}
    )
    options |= {"dtype": dtype, "use_safetensors": True, "local_files_only": True, "low_cpu_mem_usage": False}
    try:
        with quiet():
            return pipeline_class.from_pretrained(folder, **options)
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as exc:
        raise RequestError(
            f"The model folder {folder.name} could not be loaded: {first_line(exc)}", "bad-model"
        ) from exc


def load_student(folder: Path, dtype: torch.dtype) -> Any:
    """Load the few-step UNet that lies beside a model's own (`student/`, safetensors only), or return None."""
    from diffusers import UNet2DConditionModel

    if not (folder / "student" / "config.json").is_file():
        return None
    try:
        with quiet():
            return UNet2DConditionModel.from_pretrained(
                folder / "student", dtype=dtype, use_safetensors=True, local_files_only=True, low_cpu_mem_usage=False
            )
    except (OSError, ValueError, RuntimeError) as exc:
        raise RequestError(f"The student of {folder.name} could not be loaded: {first_line(exc)}", "bad-model") from exc


def _pipeline_class(name: str) -> str:
    if name not in PIPELINES:
        raise RequestError(
            f"A {name} model can't be edited with; use a Stable Diffusion 1, 2 or XL model in the diffusers format.",
            "unknown-class",
        )
    return PIPELINES[name]


def folder_sha256(folder: Path) -> str:
    """Return one digest over all weight files of a folder, by name and content."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("**/*.safetensors")):
        digest.update(str(file.relative_to(folder)).encode())
        with file.open("rb") as stream:
            digest.update(
                hashlib.file_digest(stream, "sha256").digest() if hasattr(hashlib, "file_digest") else stream.read()
            )
    return digest.hexdigest()
