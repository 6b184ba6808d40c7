"""Fetching a repository of the model hub: asked what it holds, then only what a load reads, resumed, and checked by hash.

A folder here is whole or not seen: its receipt is written last. Which files are wanted is listing.py's.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scumble_protocol.errors import EngineError
from scumble_protocol.wording import said

from .download import CONNECT_TIMEOUT_S, Report
from .hub_file import bytes_here, endpoint, fetch_file
from .libraries import first_line
from .listing import CONFIG, INDEX, NO_LICENCE, HubFile, Listing, size_of, size_said, wanted

RECEIPT = "scumble.json"
# Left free on the disk for everything else.
SPARE_BYTES = 2**30


@dataclass(frozen=True)
class Pull:
    """What would be fetched, and how much of it is not here yet."""

    listing: Listing
    files: tuple[HubFile, ...]
    folder: Path

    @property
    def size_bytes(self) -> int:
        return size_of(self.files)

    @property
    def missing_bytes(self) -> int:
        return size_of(self.files) - sum(bytes_here(self.folder / file.path, file) for file in self.files)


def folder_here(repo: str, models: Path) -> Path | None:
    """Return a repository's folder if it was pulled whole, or lies in the hub client's own cache; None otherwise. Asks no network."""
    pulled = folder_of(repo, models)
    return pulled if _is_whole(pulled) else _in_client_cache(repo)


def folder_of(repo: str, models: Path) -> Path:
    """Return where a pull puts a repository."""
    return models / repo.replace("/", "--")


def _is_whole(folder: Path) -> bool:
    try:
        files = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return all((folder / path).is_file() for path in files)


def _in_client_cache(repo: str) -> Path | None:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    found = (try_to_load_from_cache(repo, name) for name in (INDEX, CONFIG))
    return next((Path(place).parent for place in found if isinstance(place, str)), None)


def plan(repo: str, half: bool, models: Path) -> Pull:
    """Ask the hub what a repository holds and choose what of it is fetched. Raises EngineError or RequestError."""
    listing = ask(repo)
    index = None
    if listing.root == INDEX:
        folder = folder_of(repo, models)
        asked = next(file for file in listing.files if file.path == INDEX)
        fetch_file(listing, asked, folder, lambda _got: None)
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    return Pull(listing, wanted(listing, index, half), folder_of(repo, models))


def ask(repo: str) -> Listing:
    """Return what the hub says of a repository. Raises EngineError when it can't be asked or does not show it."""
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RepositoryNotFoundError
    except ImportError as exc:
        raise EngineError(
            "Fetching from the model hub needs the engine's extra packages: pip install scumble[engine]."
        ) from exc
    try:
        info = HfApi(endpoint=endpoint()).model_info(repo, files_metadata=True, timeout=CONNECT_TIMEOUT_S)
    except RepositoryNotFoundError as exc:
        raise EngineError(
            said("The model hub shows no {repo}: check the name, or log in where it is private.", repo=repo),
            "engine-download",
        ) from exc
    except Exception as exc:  # the client's, its HTTP library's and the operating system's
        raise _unreachable(repo, exc) from exc
    files = (
        HubFile(
            one.rfilename,
            one.lfs.size if one.lfs else one.size or 0,
            one.lfs.sha256 if one.lfs else "",
            "" if one.lfs else one.blob_id or "",
        )
        for one in info.siblings or []
    )
    licence = getattr(info.card_data, "license", None)
    if licence == "other":
        licence = getattr(info.card_data, "license_name", None)
    publisher = info.author or repo.split("/")[0]
    return Listing(repo, info.sha or "main", str(licence or NO_LICENCE), publisher, tuple(filter(_safe, files)))


def _safe(file: HubFile) -> bool:
    """A path that leaves its folder would be a trap."""
    place = PurePosixPath(file.path)
    return not place.is_absolute() and ".." not in place.parts and "\\" not in file.path and ":" not in file.path


def fetch(pull: Pull, report: Report) -> None:
    """Fetch what is missing of a plan; what an earlier pull left is gone on with.

    Raises EngineError when the disk is too small, the line stays dead, or a file is not what the hub says it is.
    """
    _check_disk(pull)
    done, total = pull.size_bytes - pull.missing_bytes, max(1, pull.size_bytes)
    for file in pull.files:

        def moved(got: int, file: HubFile = file) -> None:
            nonlocal done
            done += got
            report(f"{file.path}, {size_said(done)} of {size_said(total)}", min(1.0, done / total))

        fetch_file(pull.listing, file, pull.folder, moved)
    told = {
        "repo": pull.listing.repo,
        "revision": pull.listing.revision,
        "licence": pull.listing.licence,
        "publisher": pull.listing.publisher,
        "files": {file.path: file.sha256 or file.git_sha1 for file in pull.files},
    }
    (pull.folder / RECEIPT).write_text(json.dumps(told, indent=1), encoding="utf-8")


def _check_disk(pull: Pull) -> None:
    place = next(each for each in (pull.folder, *pull.folder.parents) if each.exists())
    free = shutil.disk_usage(place).free
    if pull.missing_bytes + SPARE_BYTES > free:
        raise EngineError(
            said(
                "{repo} needs {need} on the disk of {place}, and {free} are free there; set SCUMBLE_MODELS_DIR to a larger one.",
                repo=pull.listing.repo,
                need=size_said(pull.missing_bytes + SPARE_BYTES),
                place=place,
                free=size_said(free),
            ),
            "engine-disk-full",
        )


def _unreachable(repo: str, exc: Exception) -> EngineError:
    return EngineError(
        said(
            "{repo} could not be asked for at the model hub ({reason}); check the connection.",
            repo=repo,
            reason=first_line(exc),
        ),
        "engine-download",
    )
