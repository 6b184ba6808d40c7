"""How a family of models, or one folder, wants to be asked: its numbers, its words, and which ways of editing suit it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VOCABULARY, SEEING = "vocabulary.json", "scene_net"


@dataclass(frozen=True)
class Profile:
    """`can`: what it does, its own best first; edits look for their ways in that order. `steps` and `guidance` of a language edit
    (Xu et al. 2023 for LCM: 2.3, 8 steps for easy edits, and their app's), `repaint_guidance` of what is painted anew; `negative`:
    what is said where nothing is meant; `unconditional`: whether guidance needs a second branch; `guided_sigmas`: at which noise
    levels σ = √((1−ᾱ)/ᾱ) it does (Kynkäänniemi et al. 2024, "Applying guidance in a limited interval", SDXL's). `nears_colors`:
    whether a recolouring only nears the colour that is named. `vocabulary`: all it was taught
    (None: open); `seeing`: a folder with the network that says what its pictures show."""

    can: tuple[str, ...] = ("attends", "shows", "denoises")
    steps: int = 8
    preview_steps: int = 3
    guidance: float = 2.3
    repaint_guidance: float = 3.0
    negative: str = ""
    unconditional: bool = True
    guided_sigmas: tuple[float, float] = (0.28, 5.42)
    nears_colors: bool = False
    vocabulary: Mapping[str, Any] | None = None
    seeing: Path | None = None


def profile_of(folder: Path) -> Profile:
    """Return the profile of a model's folder: one with a vocabulary was taught by `scumble_engine.training`, others are open."""
    told = folder / VOCABULARY
    if not told.is_file():
        return Profile()
    # Its attention maps are not sharp (right colour in 2 of 6 recolourings by them, in 4 of 5 by contrast), so it is not said to attend.
    seeing = folder / SEEING
    return Profile(
        can=("illustrates", "shows", "denoises"),
        nears_colors=True,
        vocabulary=json.loads(told.read_text()),
        seeing=seeing if seeing.is_dir() else None,
    )
