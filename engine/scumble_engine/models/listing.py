"""What a repository of the model hub holds, and which of its files a load here would read: pure functions of its listing.

Only these are fetched: safetensors in one variant and the documents beside them, of the parts that edits use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

from .parts import parts_of, pick_variant, shard_list_of, weights_of

INDEX, CONFIG = "model_index.json", "config.json"
ADAPTER = "adapter_model.safetensors"
# Configs, tokenizers and chat templates; ".json" without the lists of shards, which come with their weights.
DOCUMENTS = (".json", ".txt", ".model", ".jinja")
SHARD_LIST = ".index.json"
PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
NO_LICENCE = "none named"


@dataclass(frozen=True)
class HubFile:
    """One file as the hub lists it. `sha256` is known of large files, `git_sha1` (git's hash of its blob) of the others."""

    path: str
    size_bytes: int
    sha256: str = ""
    git_sha1: str = ""


@dataclass(frozen=True)
class Listing:
    """A repository at one commit (`revision`), with the licence that its card names and who publishes it."""

    repo: str
    revision: str
    licence: str
    publisher: str
    files: tuple[HubFile, ...]

    @property
    def root(self) -> str:
        """The document that says what a repository is: a pipeline's index, or one model's config.

        Raises RequestError where there is neither.
        """
        names = {file.path for file in self.files}
        found = next((name for name in (INDEX, CONFIG) if name in names), None)
        if found is None:
            raise RequestError(
                said(
                    "{repo} holds no model folder of diffusers or transformers (no {index}, no {config}).",
                    repo=self.repo,
                    index=INDEX,
                    config=CONFIG,
                ),
                "bad-model",
            )
        return found


def wanted(listing: Listing, index: Mapping[str, Any] | None, half: bool) -> tuple[HubFile, ...]:
    """Return the files that a load reads, documents first; `index` is the content of a model_index.json, None where there is none.

    With `half` the half-precision files are taken if there are any. Raises RequestError for a part that has pickled weights only.
    """
    folders = [""] if index is None else [part.name for part in parts_of(index)]
    names = {folder: _names_in(listing, folder) for folder in folders}
    variant = pick_variant(names.values(), half)
    taken = {INDEX} if index is not None else set()
    for folder, there in names.items():
        weights = weights_of(there, variant)
        if not weights and any(PurePosixPath(name).suffix in PICKLED for name in there):
            raise _pickled(listing, folder)
        shards = shard_list_of(there, variant)
        documents = [name for name in there if name.endswith(DOCUMENTS) and not name.endswith(SHARD_LIST)]
        also = [name for name in (shards, ADAPTER) if name in there]
        taken |= {str(PurePosixPath(folder) / name) for name in (*documents, *weights, *also) if name}
    chosen = (file for file in listing.files if file.path in taken)
    return tuple(sorted(chosen, key=lambda file: (file.size_bytes, file.path)))


def size_of(files: Iterable[HubFile]) -> int:
    """Return how many bytes these files have together."""
    return sum(file.size_bytes for file in files)


def size_said(size_bytes: float) -> str:
    """Say a size as download pages do: decimal gigabytes or megabytes."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"


def _names_in(listing: Listing, folder: str) -> list[str]:
    places = (PurePosixPath(file.path) for file in listing.files)
    return [place.name for place in places if str(place.parent) == (folder or ".")]


def _pickled(listing: Listing, folder: str) -> RequestError:
    return RequestError(
        said(
            "{repo} has only pickled weights{part}, which can run code when they are loaded, so they are not fetched.",
            repo=listing.repo,
            part=f" ({folder})" if folder else "",
        ),
        "bad-model",
    )
