from __future__ import annotations

from pathlib import Path

import torch
from scumble_engine.training.checkpoint import SHARD_BYTES, load_state, save_state


def test_state_comes_back_equal_in_small_files(tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(0)
    tensors = {f"layer.{i}": torch.randn(300, 1000, generator=draw) for i in range(20)}
    tensors["wide"] = torch.randn(5000, 1100, generator=draw)  # 22 MB, more than one shard holds
    tensors["step"] = torch.tensor(7.0)
    save_state(tmp_path / "state", tensors, {"seen": 12})
    found = load_state(tmp_path / "state")
    assert found is not None
    assert found[1] == {"seen": 12}
    assert found[0].keys() == tensors.keys()
    assert all(torch.equal(found[0][name], value) for name, value in tensors.items())
    sizes = [path.stat().st_size for path in (tmp_path / "state").glob("*.safetensors")]
    assert max(sizes) < SHARD_BYTES + 10_000
    assert len(sizes) > 2


def test_a_second_state_replaces_the_first_whole(tmp_path: Path) -> None:
    save_state(tmp_path / "state", {f"t{i}": torch.ones(5_000_000) for i in range(3)}, {"seen": 1})
    save_state(tmp_path / "state", {"t0": torch.zeros(3)}, {"seen": 2})
    found = load_state(tmp_path / "state")
    assert found is not None
    assert list(found[0]) == ["t0"]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_no_state_is_none(tmp_path: Path) -> None:
    assert load_state(tmp_path / "nothing") is None
