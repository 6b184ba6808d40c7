"""The network that sees ground and style is kept whole, and damage is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from scumble_engine.assist.scene_net import SceneNet, SceneReader, load_scene_net, save_scene_net
from scumble_protocol.errors import EngineError


def made(folder: Path) -> SceneReader:
    torch.manual_seed(0)
    net = SceneNet(4, (2, 3, 2), 8).eval()
    reader = SceneReader(net, ("cat", "dog"), ("on grass", "at sea", "at night"), ("flat", "3d"))
    save_scene_net(reader, folder, {"ground": 0.5})
    return reader


def test_what_is_loaded_answers_as_what_was_saved(tmp_path: Path) -> None:
    reader, again = made(tmp_path), load_scene_net(tmp_path)
    assert again is not None
    pictures = torch.randn(12, 4, 16, 16, generator=torch.Generator().manual_seed(1)).split(1)
    answers = [reader.read(one) for one in pictures]
    assert [again.read(one) for one in pictures] == answers
    assert len(set(answers)) > 1


def test_a_model_without_it_sees_nothing(tmp_path: Path) -> None:
    assert load_scene_net(tmp_path) is None


@pytest.mark.parametrize("damage", ["weights", "answers", "gone"])
def test_damage_is_said(tmp_path: Path, damage: str) -> None:
    made(tmp_path)
    if damage == "weights":
        (tmp_path / "model.safetensors").write_bytes(b"\0" * 100)
    elif damage == "answers":
        (tmp_path / "config.json").write_text(
            '{"grounds": ["on grass"], "things": ["cat"], "styles": ["flat"], "channels": 4, "width": 8}'
        )
    else:
        (tmp_path / "model.safetensors").unlink()
    with pytest.raises(EngineError, match="install Scumble again"):
        load_scene_net(tmp_path)
