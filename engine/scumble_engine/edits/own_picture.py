"""A painter's own picture made pullable: found among what a generator paints, then the generator tuned to it, kept by picture.

What was found is a generator of its own in the user's folder, so that the next pull on the picture begins at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator

import cv2
import numpy as np
import torch
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.wording import said
from torch import Tensor

from ..gan.config import CONFIG
from ..gan.folder import save_generator
from ..gan.invert import PLUS_STEPS, TUNING_STEPS, W_STEPS, Inverted, invert
from ..gan.known import find_generator, generator_names, own_folder
from ..gan.steering import Steered, read_ws, written
from ..models.shelf import Shelf
from .scene import Scene
from .work import Step

STAGES = {"w": ("looking for it", 0), "w+": ("looking closer", W_STEPS), "tuning": ("tuning", W_STEPS + PLUS_STEPS)}
WHOLE = W_STEPS + PLUS_STEPS + TUNING_STEPS
SOFT_DB = 26.0


def own_picture(
    scene: Scene, place: Bounds, generator: Steered, shelf: Shelf
) -> Generator[Step, None, tuple[Steered, Tensor, tuple[str, ...]]]:
    """Find the picture's w; return the tuned generator, w, and a note where it is not quite the picture.

    Raises RequestError, soon, for a picture of something else than the generator paints.
    """
    if place.intersected(scene.whole) != place:
        raise RequestError("The character's place leaves the picture.", "bad-character")
    picture = _pixels(scene, place, generator)
    name = _name_for(picture, generator)
    if name in generator_names():
        kept = shelf.generator(name)
        return kept, read_ws(_kept_ws(name), kept), ()
    found: Inverted | None = None
    for found in invert(generator, picture):
        stage, before = STAGES[found.stage]
        yield Step(before + found.step, WHOLE, stage)
        if found.far:
            raise RequestError(
                said(
                    "This picture is not like anything that the generator “{name}” paints, so it can't be pulled; drag with "
                    "the warp.",
                    name=generator.name,
                ),
                "far-picture",
            )
    assert found is not None
    facts = {"z": list(generator.numbers), "of": generator.name, "ws": written(found.ws)}
    save_generator(own_folder() / name, found.generator, facts, half=False)
    soft = "The generator paints your picture only roughly; what it can't paint is lost where you pull."
    return shelf.generator(name), found.ws, (soft,) if found.psnr_db < SOFT_DB else ()


def _pixels(scene: Scene, place: Bounds, generator: Steered) -> Tensor:
    """Return the picture there (1, 3, S, S) in -1..1."""
    srgb = scene.space.to_srgb(np.ascontiguousarray(scene.colors(place)))
    side = generator.generator.config.resolution
    small = cv2.resize(srgb, (side, side), interpolation=cv2.INTER_AREA)
    return (torch.from_numpy(small).permute(2, 0, 1)[None] * 2 - 1).to(generator.device)


def _name_for(picture: Tensor, generator: Steered) -> str:
    pixels = (picture * 127.5).round().to(torch.int16).cpu().numpy().tobytes()
    return f"{generator.name[:40]}-own-{hashlib.sha256(generator.sha256.encode() + pixels).hexdigest()[:12]}"


def _kept_ws(name: str) -> str:
    facts = json.loads((find_generator(name).folder / CONFIG).read_text(encoding="utf-8"))
    return str(facts.get("ws", ""))
