from __future__ import annotations

from pathlib import Path

import pytest
import torch
from scumble_engine.training.checkpoint import (
    SHARD_BYTES,
    load_state,
    moments,
    named,
    numbered,
    save_state,
    take_up,
    take_up_moments,
)
from torch import nn


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


def test_a_run_goes_on_from_what_is_named_as_it_always_was(tmp_path: Path) -> None:
    """Runs of days are stopped and taken up again, so names on disk don't change: `<net>.<parameter>`, `ema.<i>`, `adam.<i>.<what>`."""
    net = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    means = [value.detach() / 2 for value in net.parameters()]
    save_state(tmp_path / "state", named({"unet": net}) | numbered(means) | moments(optimizer), {"seen": 1})
    found = load_state(tmp_path / "state")
    assert found is not None
    adam = {f"adam.{i}.{what}" for i in (0, 1) for what in ("step", "exp_avg", "exp_avg_sq")}
    assert found[0].keys() == {"unet.weight", "unet.bias", "ema.0", "ema.1"} | adam
    fresh = nn.Linear(3, 2)
    again = torch.optim.Adam(fresh.parameters(), lr=0.2)
    take_up(named({"unet": fresh}), found[0])
    take_up_moments(again, found[0])
    assert torch.equal(fresh.weight, net.weight)
    assert again.param_groups[0]["lr"] == 0.2
    assert all(torch.equal(found[0][name], value) for name, value in moments(again).items())


def test_a_state_that_lacks_a_parameter_is_not_taken_up() -> None:
    with pytest.raises(KeyError, match=r"unet\.bias"):
        take_up(named({"unet": nn.Linear(3, 2)}), {"unet.weight": torch.zeros(2, 3)})
