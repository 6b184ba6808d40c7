"""The shipped network names grounds behind things that it never saw, and the things that it did see."""

from __future__ import annotations

import torch
from scumble_engine.assist.scene_net import FOLDER, load_scene_net
from scumble_engine.demo import illustration
from scumble_engine.diffusion.model import load_model
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.evaluate import SHIPPED
from scumble_engine.training.networks import load_parts
from scumble_engine.training.recipe import SMALL_RECIPE
from scumble_engine.training.scene_net import Scenes, score


def test_grounds_are_named_behind_unseen_drawings(bank: SpriteBank) -> None:
    reader = load_scene_net(SHIPPED / FOLDER)
    assert reader is not None
    figures = score(reader.net, Scenes(SMALL_RECIPE, load_parts(SHIPPED), bank, 5).next(128))
    assert figures["ground"] >= 0.9


def test_the_examples_mushroom_is_named() -> None:
    reader, model = load_scene_net(SHIPPED / FOLDER), load_model("illustrator", "cpu")
    assert reader is not None
    pixels = torch.tensor(illustration()).permute(2, 0, 1)[None].float() / 255
    small = torch.nn.functional.interpolate(pixels, size=(128, 128), mode="area")
    assert reader.read(model.encode(small)).thing == "mushroom"
