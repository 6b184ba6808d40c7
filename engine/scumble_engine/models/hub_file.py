"""One file of the model hub: read on from where it ends, checked by hash, put in its place whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from scumble_protocol.errors import EngineError
from scumble_protocol.wording import said

from .download import CHUNK_BYTES, CONNECT_TIMEOUT_S
from .listing import HubFile, Listing

PARTIAL = ".part"
# A line that goes dead is tried again so often before a pull gives up; what has come is kept.
TRIES = 3
Moved = Callable[[int], None]


def fetch_file(listing: Listing, file: HubFile, folder: Path, moved: Moved) -> None:
    """Have a listed file in its place in a folder; `moved` is told the bytes that come. Raises EngineError when it can't be had."""
    target = folder / file.path
    if target.is_file() and _is(target, file):
        return
    part = target.with_name(target.name + PARTIAL)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _stream(listing, file, part, moved)
        right = _is(part, file)
        if right:
            os.replace(part, target)
        else:
            part.unlink()
    except OSError as exc:
        raise EngineError(
            said("{target} could not be written: {reason}.", target=target, reason=exc.strerror or exc),
            "engine-download",
        ) from exc
    if not right:
        raise EngineError(
            said(
                "{file} of {repo} is not what the model hub says it is (another hash), so it was thrown away; pull again.",
                file=file.path,
                repo=listing.repo,
            ),
            "engine-download",
        )


def _stream(listing: Listing, file: HubFile, part: Path, moved: Moved) -> None:
    """Bring `part` to its full length, going on where it ends. Raises EngineError when no more comes."""
    dead = 0
    while (have := part.stat().st_size if part.is_file() else 0) < file.size_bytes or not part.is_file():
        try:
            _read_on(listing, file, part, have, moved)
            reason: object = "the line ended early"
        except urllib.error.HTTPError as exc:
            raise _refused(listing, exc.code) from exc
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as exc:
            reason = getattr(exc, "reason", exc)
        came = part.stat().st_size if part.is_file() else 0
        dead = 0 if came > have else dead + 1
        if dead == TRIES:
            raise EngineError(
                said(
                    "{file} of {repo} could not be fetched ({reason}). What has come is kept: pull again to go on.",
                    file=file.path,
                    repo=listing.repo,
                    reason=reason,
                ),
                "engine-download",
            )


def _read_on(listing: Listing, file: HubFile, part: Path, have: int, moved: Moved) -> None:
    with urllib.request.urlopen(_request(listing, file, have), timeout=CONNECT_TIMEOUT_S) as stream:
        goes_on = have > 0 and stream.status == http.HTTPStatus.PARTIAL_CONTENT
        if have and not goes_on:
            moved(-have)
        with part.open("ab" if goes_on else "wb") as out:
            left = file.size_bytes - (have if goes_on else 0)
            while left > 0 and (chunk := stream.read(min(CHUNK_BYTES, left))):
                out.write(chunk)
                left -= len(chunk)
                moved(len(chunk))


def _request(listing: Listing, file: HubFile, have: int) -> urllib.request.Request:
    from huggingface_hub import get_token, hf_hub_url

    asked = urllib.request.Request(hf_hub_url(listing.repo, file.path, revision=listing.revision, endpoint=endpoint()))
    if token := get_token():
        asked.add_unredirected_header("Authorization", f"Bearer {token}")  # the hub's own, not for where it sends us on
    if have:
        asked.add_header("Range", f"bytes={have}-")
    return asked


def _is(path: Path, file: HubFile) -> bool:
    """Say whether a file on the disk is the one that was listed: by SHA-256, or by git's hash of it, or by its length alone."""
    if path.stat().st_size != file.size_bytes:
        return False
    known = file.sha256 or file.git_sha1
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(f"blob {file.size_bytes}\0".encode())
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
            digest.update(chunk)
    return not known or digest.hexdigest() == known


def bytes_here(target: Path, file: HubFile) -> int:
    """Return how much of a file is here, in its place or on its way there."""
    places = (target, target.with_name(target.name + PARTIAL))
    return next((min(place.stat().st_size, file.size_bytes) for place in places if place.is_file()), 0)


def endpoint() -> str | None:
    """Return the hub's address where the painter chose another one (HF_ENDPOINT)."""
    return os.environ.get("HF_ENDPOINT")


def _refused(listing: Listing, code: int) -> EngineError:
    if code in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        return EngineError(
            said(
                "{repo} is only given to those who accepted its licence ({licence}) on the model hub and are logged in.",
                repo=listing.repo,
                licence=listing.licence,
            ),
            "engine-download",
        )
    return EngineError(
        said("The model hub refused a file of {repo} ({code}).", repo=listing.repo, code=code), "engine-download"
    )
