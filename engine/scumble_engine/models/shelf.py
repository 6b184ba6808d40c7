"""The models that a worker has at hand: each is loaded when first asked for, kept, and named in what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..assist.namer import OwnGuesser
    from ..assist.reader import OwnReader
    from ..diffusion.model import DiffusionModel
    from ..gan.known import KnownGenerator
    from ..gan.steering import Steered
    from .photo_fill import Fill


@dataclass(frozen=True)
class Shelf:
    """`model`: "auto", a registry name, a folder, a file or a hub id. `loras`: FILE or FILE:WEIGHT;
    `controls`: PATH or KIND=PATH.

    `device`: auto, cpu, cuda, cuda:N or mps.

    `reader`, `guesser`: folders or hub ids of transformers models that the painter chose ("" = the engine's own ways).
    """

    model: str = "auto"
    device: str = "auto"
    reader: str = ""
    guesser: str = ""
    loras: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()

    @cached_property
    def fill(self) -> Fill:
        """The inpainting model for photographs, or the classical fill where its weights are missing (it says which it is)."""
        from .photo_fill import load_fill

        return load_fill()

    @cached_property
    def own_reader(self) -> OwnReader | None:
        """What reads instructions instead of the rules; its weights are loaded when it first reads."""
        from ..assist.own_model import OwnModel
        from ..assist.reader import OwnReader

        return OwnReader(OwnModel("reader", self.reader, self.device, self._unload_guesser)) if self.reader else None

    @cached_property
    def own_guesser(self) -> OwnGuesser | None:
        """What names strokes instead of the embedded guesser; its weights are loaded when it first guesses."""
        from ..assist.namer import OwnGuesser
        from ..assist.own_model import OwnModel

        return OwnGuesser(OwnModel("guesser", self.guesser, self.device, self._unload_reader)) if self.guesser else None

    def _unload_guesser(self) -> None:
        if self.own_guesser is not None:
            self.own_guesser.own.unload()

    def _unload_reader(self) -> None:
        if self.own_reader is not None:
            self.own_reader.own.unload()

    def generator(self, name: str) -> Steered:
        """The StyleGAN2 generator of that name; the last few are kept. Raises RequestError for one that is not here."""
        from ..gan.known import find_generator

        known = find_generator(name)
        return _generator(known, known.changed, self.device)

    @cached_property
    def diffusion(self) -> DiffusionModel:
        """The text-to-image model that language, brush and latent drag edits run on. Raises RequestError or EngineError."""
        from ..diffusion.model import load_model

        return load_model(self.model, self.device, self.loras, self.controls)


@lru_cache(maxsize=2)
def _generator(known: KnownGenerator, changed: int, device: str) -> Steered:
    """`changed` is part of the key: weights that were replaced are read anew."""
    from ..device import find_device
    from ..gan.steering import steered

    return steered(known, find_device(device))
