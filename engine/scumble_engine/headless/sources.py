"""What an edit starts from: a picture file, or an OpenRaster file (its visible stack, or what lies under one of its layers)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from scumble_protocol.client.host import LayerPlan
from scumble_protocol.client.recipe import from_json
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Character
from scumble_protocol.pixels import Depth, Picture

from . import pngchunks
from .encode import check_fits_png, encode_png
from .imagefile import read_raster, sniff
from .openraster import NewLayer, OpenRasterFile, write_new, write_with_layer
from .raster import DEPTHS, Raster, flattened, picture_in, samples_of


class Source(Protocol):
    """A document that can be read in crops and written with a layer more."""

    @property
    def path(self) -> Path: ...

    @property
    def bounds(self) -> Bounds: ...

    @property
    def depth(self) -> Depth: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    def picture(self, bounds: Bounds) -> Picture:
        """Read what is visible inside `bounds`."""
        ...

    def flat(self) -> Raster:
        """Return all of what is visible."""
        ...

    def character(self) -> Character | None:
        """Return what a generator painted of it last, in its pixels, where that is still to be seen."""
        ...

    def write_layered(self, file: BinaryIO, plan: LayerPlan) -> str:
        """Write an OpenRaster file with the layer added, and return the layer's name there."""
        ...


def open_source(path: Path, beneath: str = "") -> Source:
    """Open a picture or .ora; `beneath` takes only what lies under the layer of that name. Raises RequestError."""
    if sniff(path) == "OpenRaster":
        return LayeredSource(path, beneath)
    return PictureSource(path)


@dataclass(frozen=True)
class PictureSource:
    """A flat picture file."""

    path: Path

    @cached_property
    def raster(self) -> Raster:
        return read_raster(self.path)

    @property
    def bounds(self) -> Bounds:
        return self.raster.bounds

    @property
    def depth(self) -> Depth:
        return self.raster.depth

    @property
    def notes(self) -> tuple[str, ...]:
        return self.raster.notes

    def picture(self, bounds: Bounds) -> Picture:
        return picture_in(self.raster.samples, bounds, self.raster.space, self.raster.icc)

    def flat(self) -> Raster:
        return self.raster

    def character(self) -> Character | None:
        if sniff(self.path) != "PNG":
            return None
        found = pngchunks.text(self.path.read_bytes(), pngchunks.RECIPE_KEY)
        return _character(found or "")

    def write_layered(self, file: BinaryIO, plan: LayerPlan) -> str:
        source = NewLayer(self.path.stem, self._png())
        write_new(file, flattened(self.raster, samples_of(plan.picture.plane), plan.bounds), (source, new_layer(plan)))
        return plan.name

    def _png(self) -> bytes:
        """Return the source as a layer: the file's own bytes where they are RGB of 8 or 16 bits, upright."""
        if sniff(self.path) == "PNG":
            data = self.path.read_bytes()
            header = pngchunks.read_header(data)
            if header.color_type in pngchunks.COLOR and header.bits >= 8 and pngchunks.orientation(data) == 1:
                return data
        return encode_png(self.raster)


@dataclass(frozen=True)
class LayeredSource:
    """An OpenRaster file. With `beneath`, the picture is what lies under that layer, and the new layer goes right above it."""

    path: Path
    beneath: str = ""

    @cached_property
    def file(self) -> OpenRasterFile:
        return OpenRasterFile(self.path)

    @property
    def bounds(self) -> Bounds:
        return self.file.stack.bounds

    @property
    def depth(self) -> Depth:
        return DEPTHS[self.file.stack.dtype.name]

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    def picture(self, bounds: Bounds) -> Picture:
        raster = self._composite(bounds)
        return picture_in(raster.samples, raster.bounds, raster.space, raster.icc)

    def flat(self) -> Raster:
        raster = self._composite(self.bounds)
        opaque = bool(np.all(raster.samples[..., 3] == np.iinfo(raster.samples.dtype).max))
        return Raster(raster.samples, raster.space, raster.icc, opaque)

    def write_layered(self, file: BinaryIO, plan: LayerPlan) -> str:
        return write_with_layer(file, self.file, new_layer(plan), self.beneath)

    def character(self) -> Character | None:
        found = (_character(self.file.recipe_or_none(layer)) for layer in self.file.stack.visible())
        return next((each for each in found if each), None)

    def recipe(self) -> str:
        """Return the recipe of the layer that this source lies beneath."""
        return self.file.recipe(self.file.stack.layer(self.beneath))

    def layer_picture(self) -> tuple[Bounds, Picture]:
        """Return place and pixels of the layer that this source lies beneath."""
        stack = self.file.stack
        return stack.layer_picture(stack.layer(self.beneath))

    def _composite(self, bounds: Bounds) -> Raster:
        stack = self.file.stack
        return stack.composite(bounds, stack.layer(self.beneath) if self.beneath else None)


def new_layer(plan: LayerPlan) -> NewLayer:
    """Encode a plan's picture as a layer of an archive. Raises RequestError for float samples."""
    raster = Raster(samples_of(plan.picture.plane), plan.picture.space, plan.picture.icc)
    check_fits_png(raster)
    return NewLayer(plan.name, encode_png(raster), plan.bounds.x, plan.bounds.y, plan.recipe)


def _character(recipe: str) -> Character | None:
    """Return what a layer with that recipe shows of a generator; a recipe that can't be read says nothing."""
    try:
        return from_json(recipe).character if recipe else None
    except RequestError:
        return None


@dataclass(frozen=True)
class BlankSource:
    """A picture that is not there yet: white, of 8 bits; what is written has the new layer alone."""

    path: Path
    width: int
    height: int
    notes: tuple[str, ...] = ()
    depth: Depth = "u8"

    @property
    def bounds(self) -> Bounds:
        return Bounds(0, 0, self.width, self.height)

    def flat(self) -> Raster:
        return Raster(np.full((self.height, self.width, 4), 255, np.uint8), opaque=True)

    def picture(self, bounds: Bounds) -> Picture:
        return picture_in(self.flat().samples, bounds, "srgb", b"")

    def character(self) -> Character | None:
        return None

    def write_layered(self, file: BinaryIO, plan: LayerPlan) -> str:
        write_new(file, flattened(self.flat(), samples_of(plan.picture.plane), plan.bounds), (new_layer(plan),))
        return plan.name
