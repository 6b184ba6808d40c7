"""Pulling from a model hub: only what is loaded, gone on with after a cut, checked by hash, with its licence said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hub_server import REVISION, Hub, hub_serving
from published_models import facts
from scumble_engine import cli
from scumble_engine.models import hub as client
from scumble_engine.models import registry
from scumble_protocol.errors import EngineError, RequestError

NAMES = ("sd15", "sd15-inpaint", "pix2pix", "lcm", "sd21", "sdxl", "sdxl-turbo")
READER = {
    "config.json": b"{}",
    "generation_config.json": b"{}",
    "tokenizer.json": b"{}",
    "merges.txt": b"a b",
    "model-00001-of-00002.safetensors": b"one",
    "model-00002-of-00002.safetensors": b"two",
    "model.safetensors.index.json": b'{"weight_map": {}}',
    "pytorch_model.bin": b"pickled",
    "onnx/model.onnx": b"other",
    "README.md": b"words",
}


def repository(name: str) -> dict[str, bytes]:
    """A published repository: its documents as they stand, and a few bytes for every other file that it lists."""
    documents = facts(name)
    files = {place: f"content of {place}".encode() * 50 for place in documents["weights_and_others"]}
    return files | {
        place: json.dumps(content).encode() for place, content in documents.items() if place.endswith(".json")
    }


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    repos = {facts(name)["repo"]: repository(name) for name in NAMES} | {"some/reader": READER}
    cards = {facts(name)["repo"]: {"license": facts(name)["licence"]} for name in NAMES}
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "client"))
    with hub_serving(Hub(repos, cards)) as serving:
        monkeypatch.setenv("HF_ENDPOINT", serving.address)
        yield serving


def repo_of(name: str) -> str:
    repo: str = facts(name)["repo"]
    return repo


def weights(paths: set[str]) -> set[str]:
    return {path for path in paths if path.endswith((".safetensors", ".bin", ".ckpt", ".msgpack", ".onnx"))}


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_loaded_is_asked_for(hub: Hub, name: str, half: bool) -> None:
    found = registry.pull(repo_of(name), half=half)
    assert found.present
    parts = [part for part in ("unet", "vae", "text_encoder", "text_encoder_2") if f"{part}/config.json" in facts(name)]
    taken = weights(hub.files_asked)
    assert {path.split("/")[0] for path in taken} == set(parts)
    assert len(taken) == len(parts), "one file for each part, in one variant"
    has_half = any(".fp16.safetensors" in path for path in facts(name)["weights_and_others"])
    assert all((".fp16." in path) == (half and has_half) for path in taken)
    for path in hub.files_asked:
        assert (found.path / path).read_bytes() == hub.repos[repo_of(name)][path]
    documents = {path for path in facts(name) if path.endswith(".json")}
    assert documents <= hub.files_asked | {"feature_extractor/preprocessor_config.json", "safety_checker/config.json"}


def test_a_language_model_comes_with_its_shards_and_documents_and_nothing_else(hub: Hub) -> None:
    assert registry.pull("some/reader").present
    assert hub.files_asked == set(READER) - {"pytorch_model.bin", "onnx/model.onnx", "README.md"}


def test_a_cut_line_is_gone_on_with_at_once_and_a_dead_one_by_the_next_pull(hub: Hub) -> None:
    unet = "unet/diffusion_pytorch_model.safetensors"
    size = len(hub.repos[repo_of("sd15")][unet])
    hub.cut_after[unet] = [100, 200, 0, 0, 0]
    with pytest.raises(EngineError, match=f"{unet} of .* could not be fetched .*kept: pull again"):
        registry.pull(repo_of("sd15"))
    assert [asked for path, asked in hub.asked if path == unet][:3] == ["", "bytes=100-", "bytes=300-"]
    assert not registry.facts(registry.named(repo_of("sd15"))).present
    before = len(hub.asked)
    planned = client.plan(repo_of("sd15"), False, registry.models_dir())
    assert planned.missing_bytes <= planned.size_bytes - 300
    assert registry.pull(repo_of("sd15")).present
    assert (unet, "bytes=300-") in hub.asked[before:]
    again = {path for path, _ in hub.asked[:before]} & {path for path, _ in hub.asked[before:]}
    assert again == {unet}, "what was whole is not asked for again"
    folder = registry.facts(registry.named(repo_of("sd15"))).path
    assert (folder / unet).stat().st_size == size
    assert not list(folder.glob("**/*.part"))


@pytest.mark.parametrize("path", ["unet/diffusion_pytorch_model.safetensors", "unet/config.json"])
def test_a_file_that_is_not_what_was_listed_is_thrown_away_in_words(hub: Hub, path: str) -> None:
    hub.changed[path] = hub.repos[repo_of("sd15")][path].replace(b"o", b"0", 1)
    with pytest.raises(EngineError, match=rf"{path} of .* \(another hash\), so it was thrown away"):
        registry.pull(repo_of("sd15"))
    folder = registry.facts(registry.named(repo_of("sd15"))).path
    assert not list(folder.glob(f"{path}*"))
    hub.changed.clear()
    assert registry.pull(repo_of("sd15")).present


def test_a_disk_that_is_too_small_is_said_before_anything_comes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: SimpleNamespace(free=10**9))
    with pytest.raises(EngineError, match=r"needs 1\.1 GB on the disk .* 1\.0 GB are free"):
        registry.pull(repo_of("sd15"))
    assert not weights(hub.files_asked)


def test_what_the_hub_does_not_show_or_give_is_a_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="shows no nobody/nothing: check the name"):
        registry.pull("nobody/nothing")
    hub.gated.add("vae/diffusion_pytorch_model.safetensors")
    with pytest.raises(EngineError, match=r"accepted its licence \(creativeml-openrail-m\)"):
        registry.pull(repo_of("sd15"))
    hub.repos["some/pickles"] = {"config.json": b"{}", "pytorch_model.bin": b"\x80"}
    with pytest.raises(RequestError, match="only pickled weights, which can run code"):
        registry.pull("some/pickles")
    hub.repos["some/pictures"] = {"README.md": b"words"}
    with pytest.raises(RequestError, match="holds no model folder"):
        registry.pull("some/pictures")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EngineError, match="could not be asked for at the model hub"):
        registry.pull("some/reader")


def test_paths_that_leave_their_folder_are_not_files_of_a_model(hub: Hub) -> None:
    hub.repos["some/trap"] = {"config.json": b"{}", "../../model.safetensors": b"x", "model.safetensors": b"y"}
    assert registry.pull("some/trap").present
    assert hub.files_asked == {"config.json", "model.safetensors"}


def test_the_command_says_licence_publisher_and_size_and_asks(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["models", "pull", "some/reader"]) == 2
    said = capsys.readouterr()
    assert "some/reader, published by some; licence: none named" in said.out
    assert "say --yes" in said.err
    assert not hub.files_asked
    assert cli.run(["models", "pull", repo_of("lcm"), "--yes", "--half"]) == 0
    said = capsys.readouterr()
    assert "published by SimianLuo; licence: mit" in said.out
    assert "0.0 MB in " in said.out
    assert "is here, in " in said.out
    asked = len(hub.asked)
    assert cli.run(["models", "pull", "lcm"]) == 0
    assert len(hub.asked) == asked


def test_ctrl_c_keeps_what_has_come(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as stopped:
        stopped.setattr(client, "fetch_file", _interrupted_after(3))
        assert cli.run(["models", "pull", "some/reader", "--yes", "--full"]) == 130
    assert "What has come of some/reader is kept; pull again" in capsys.readouterr().err
    assert len(hub.files_asked) == 3
    assert cli.run(["models", "pull", "some/reader", "--yes", "--full"]) == 0
    assert len(hub.asked) == len(hub.files_asked), "each file was asked for once"


def _interrupted_after(files: int) -> object:
    fetch, left = client.fetch_file, [files]

    def interrupted(*given: object) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        fetch(*given)  # type: ignore[arg-type]

    return interrupted


def test_the_receipt_says_what_came_from_where(hub: Hub) -> None:
    found = registry.pull(repo_of("lcm"))
    receipt = json.loads((found.path / client.RECEIPT).read_text())
    assert (receipt["revision"], receipt["licence"]) == (REVISION, "mit")
    (found.path / "unet" / "config.json").unlink()
    assert not registry.facts(registry.named(repo_of("lcm"))).present
