"""Converting what people have: the same pictures come out, and nothing in a file is ever run."""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from engine.gan.checkpoints import write_ada, write_rosinality
from scumble_engine.cli import run
from scumble_engine.gan.convert import convert
from scumble_engine.gan.folder import load_generator
from scumble_protocol.errors import RequestError
from tiny_generator import TINY, tiny_generator

Z = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("protocol", [2, 4])
def test_an_ada_pickle_gives_the_same_pictures(tmp_path: Path, protocol: int) -> None:
    generator = tiny_generator(config=replace(TINY, clamp=256.0))
    write_ada(tmp_path / "net.pkl", generator, protocol)
    assert convert(tmp_path / "net.pkl", tmp_path / "out") == generator.config
    assert torch.allclose(load_generator(tmp_path / "out")(Z), generator(Z), atol=0.05)  # written in fp16
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["config.json", "model.safetensors"]
    assert "torch_utils" not in sys.modules


def test_a_rosinality_checkpoint_gives_the_same_pictures(tmp_path: Path) -> None:
    generator = tiny_generator()
    write_rosinality(tmp_path / "net.pt", generator)
    assert convert(tmp_path / "net.pt", tmp_path / "out") == generator.config
    found = load_generator(tmp_path / "out")
    assert torch.allclose(found(Z), generator(Z), atol=0.05)
    assert torch.allclose(found.mapping.w_avg, generator.mapping.w_avg, atol=1e-3)


class _Hostile:
    """Runs a command when it is unpickled in the usual way."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._mark),)


@pytest.mark.parametrize("suffix", [".pkl", ".pt"])
def test_a_file_with_code_is_refused_by_name_and_runs_nothing(tmp_path: Path, suffix: str) -> None:
    path, mark = tmp_path / f"net{suffix}", tmp_path / "it ran"
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps({"G_ema": _Hostile(mark)}))
    else:
        torch.save({"g_ema": _Hostile(mark)}, path)
    with pytest.raises(RequestError, match="refused"):
        convert(path, tmp_path / "out")
    assert not mark.exists()
    assert not (tmp_path / "out").exists()


def test_code_inside_a_storage_runs_nothing(tmp_path: Path) -> None:
    """A pickle within the pickle: torch's own loader of storages would run it."""
    inner = pickle.dumps(_Hostile(tmp_path / "it ran"))
    outer = b"ctorch.storage\n_load_from_bytes\n(" + b"C" + bytes([len(inner)]) + inner + b"tR."
    (tmp_path / "net.pkl").write_bytes(outer)
    with pytest.raises(RequestError, match="damaged"):
        convert(tmp_path / "net.pkl", tmp_path / "out")
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize("name", ["builtins.eval", "os.system", "torch.load", "functools.partial", "builtins.getattr"])
def test_names_outside_the_list_are_refused_by_name(tmp_path: Path, name: str) -> None:
    module, _, thing = name.rpartition(".")
    (tmp_path / "net.pkl").write_bytes(f"c{module}\n{thing}\n.".encode())
    with pytest.raises(RequestError, match=name):
        convert(tmp_path / "net.pkl", tmp_path / "out")


@pytest.mark.parametrize("write", [write_ada, write_rosinality])
def test_a_truncated_file_is_said_to_be_damaged(tmp_path: Path, write) -> None:
    path = tmp_path / ("net.pkl" if write is write_ada else "net.pt")
    write(path, tiny_generator())
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(RequestError, match=r"net.* damaged"):
        convert(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_generator_of_classes_is_refused_in_words(tmp_path: Path) -> None:
    write_ada(tmp_path / "net.pkl", tiny_generator())
    _patched(tmp_path / "net.pkl", b"c_dim\x94K\x00", b"c_dim\x94K\x0a")
    with pytest.raises(RequestError, match="several classes"):
        convert(tmp_path / "net.pkl", tmp_path / "out")


def test_other_blocks_are_refused_in_words(tmp_path: Path) -> None:
    generator = tiny_generator()
    generator.synthesis.b8.architecture = "resnet"
    write_ada(tmp_path / "net.pkl", generator)
    with pytest.raises(RequestError, match=r"other blocks \(resnet\)"):
        convert(tmp_path / "net.pkl", tmp_path / "out")


def test_a_resolution_with_a_missing_block_is_refused_in_words(tmp_path: Path) -> None:
    generator = tiny_generator()
    del generator.synthesis.b16
    write_ada(tmp_path / "net.pkl", generator)
    with pytest.raises(RequestError, match="no StyleGAN2 generator"):
        convert(tmp_path / "net.pkl", tmp_path / "out")


def test_another_kind_of_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"x")
    with pytest.raises(RequestError, match="neither"):
        convert(tmp_path / "net.onnx", tmp_path / "out")
    with pytest.raises(RequestError, match="no file"):
        convert(tmp_path / "none.pkl", tmp_path / "out")
    (tmp_path / "net.pkl").write_bytes(pickle.dumps({"weights": 3}))
    with pytest.raises(RequestError, match="no generator"):
        convert(tmp_path / "net.pkl", tmp_path / "out")


def _patched(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def test_the_command_converts_and_refuses_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_ada(tmp_path / "net.pkl", tiny_generator())
    words = ["models", "convert", str(tmp_path / "net.pkl"), str(tmp_path / "out")]
    assert run(words) == 0
    assert "32 px" in capsys.readouterr().out
    assert run(words) != 0  # what is there is not replaced
    assert "there already" in capsys.readouterr().err
    (tmp_path / "bad.pkl").write_bytes(b"cos\nsystem\n.")
    assert run(["models", "convert", str(tmp_path / "bad.pkl"), str(tmp_path / "other")]) != 0
    assert "os.system" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
