"""The composer's stock from the cache: colouring every sprite takes longer than composing thousands of scenes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scumble_engine.imaging.palette import PALETTE
from scumble_engine.training import bank, palette
from scumble_engine.training.bank import SpriteBank, build_bank
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.sprites import SpritePack, cache_folder, load_pack


def keep_bank(recipe: Recipe, folder: Path | None = None) -> SpriteBank:
    """Return the recipe's sprites in all colours, built on first use (some 10 s for the small size) and kept.

    Raises RuntimeError when the drawings have to be fetched and cannot be.
    """
    return kept(load_pack(recipe.styles, recipe.concepts, 128), folder or cache_folder() / "banks")


def kept(pack: SpritePack, folder: Path) -> SpriteBank:
    """Return the pack's bank, from `folder` where it was built before by the same code from the same drawings."""
    path = folder / f"{_fingerprint(pack)}.safetensors"
    if not path.exists():
        _save(build_bank(pack), path)
    with safe_open(path, "pt") as file:
        natural = tuple(json.loads(file.metadata()["natural"]))
    stacks = load_file(path)
    index = {(sprite.concept, sprite.style): row for row, sprite in enumerate(pack.sprites)}
    return SpriteBank(pack.sprites, natural, stacks["full"], stacks["half"], index)


def _save(stock: SpriteBank, path: Path) -> None:
    """Write whole or not at all: another process may look for it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({"full": stock.full, "half": stock.half}, part, metadata={"natural": json.dumps(stock.natural)})
    part.rename(path)


def _fingerprint(pack: SpritePack) -> str:
    digest = hashlib.sha256(json.dumps([asdict(sprite) for sprite in pack.sprites]).encode())
    digest.update(pack.pixels.numpy().tobytes())
    for source in (bank.__file__, palette.__file__):
        digest.update(Path(source).read_bytes())
    digest.update(json.dumps(PALETTE).encode())
    return digest.hexdigest()[:16]
