"""A small stock of drawings made here, so that the composer's tests need no registry."""

from __future__ import annotations

import pytest
import torch
from scumble_engine.training.bank import SpriteBank, build_bank
from scumble_engine.training.captions import Describer
from scumble_engine.training.concepts import SMALL, Concept
from scumble_engine.training.sprites import Sprite, SpritePack

CONCEPTS: tuple[Concept, ...] = tuple(
    concept for concept in SMALL if concept.name in ("apple", "star", "cloud", "tree")
)
COLORS = {"apple": (210, 40, 40), "star": (250, 205, 40), "cloud": (244, 244, 244), "tree": (60, 160, 60)}


def drawing(concept: str, style: str) -> torch.Tensor:
    """Return (4, 128, 128): a disc or a square of the concept's colour with a dark square in the middle."""
    y, x = torch.meshgrid(torch.arange(128) - 63.5, torch.arange(128) - 63.5, indexing="ij")
    inside = (x**2 + y**2 < 58**2) if style == "flat" else (x.abs().maximum(y.abs()) < 52)
    rgba = torch.zeros(4, 128, 128, dtype=torch.uint8)
    rgba[:3] = torch.tensor(COLORS[concept], dtype=torch.uint8).view(3, 1, 1)
    rgba[:3, 56:72, 56:72] = 20
    rgba[3] = inside * 255
    return rgba


@pytest.fixture(scope="session")
def bank() -> SpriteBank:
    """Four concepts in two styles."""
    lines = [
        Sprite(c.name, style, c.name, "drawn-here", "1", "MIT", "0" * 64) for c in CONCEPTS for style in ("flat", "3d")
    ]
    return build_bank(SpritePack(tuple(lines), torch.stack([drawing(line.concept, line.style) for line in lines])))


@pytest.fixture(scope="session")
def describer(bank: SpriteBank) -> Describer:
    return Describer(CONCEPTS, bank)
