"""OpenRaster archives in and out. Layers that were there are copied byte for byte; recipes lie beside them in `scumble/`.

Format: OpenRaster 0.0.6, baseline intent: `mimetype` first and stored, stack.xml, layers, merged image, thumbnail.
"""

from __future__ import annotations

import contextlib
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO
from xml.etree import ElementTree
from xml.parsers import expat

from scumble_protocol.client.placement import unused_name
from scumble_protocol.errors import RequestError

from .encode import encode_png, thumbnail
from .pngchunks import HEADER_BYTES, most_bytes, read_header
from .raster import Raster
from .stack import NORMAL, Element, LayerStack

MIMETYPE = b"image/openraster"
VERSION = "0.0.6"
MAX_MEMBER_BYTES = 2**31
MAX_STACK_BYTES = 2**23
COPY_BYTES = 2**20
MADE_ANEW = frozenset({"mimetype", "stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"})


@dataclass(frozen=True)
class NewLayer:
    """A layer to be written: its PNG, the place of its corner, and its recipe ("" for none)."""

    name: str
    png: bytes
    x: int = 0
    y: int = 0
    recipe: str = ""


@dataclass(frozen=True, eq=False)
class OpenRasterFile:
    """An .ora file, read when asked. Raises RequestError with a sentence when it isn't as it should be."""

    path: Path

    def __post_init__(self) -> None:
        if "mimetype" not in self._members or self.member("mimetype", 100).strip() != MIMETYPE:
            raise RequestError(f"{self.path} is an archive, but not an OpenRaster picture.", "not-a-picture")

    @cached_property
    def stack(self) -> LayerStack:
        text = self.member("stack.xml", MAX_STACK_BYTES)
        try:
            if _declares_a_type(text):
                raise self._damaged("its stack.xml declares entities")
            return LayerStack(ElementTree.fromstring(text), self.png, str(self.path))
        except (ElementTree.ParseError, expat.ExpatError, LookupError, ValueError, RecursionError) as error:
            raise self._damaged("its stack.xml can't be read") from error

    def recipe(self, layer: Element) -> str:
        """Return the recipe kept with a layer."""
        member = recipe_member(layer.get("src", ""))
        if member not in self._members:
            raise RequestError(f"The layer “{layer.get('name')}” of {self.path} carries no recipe.", "no-recipe")
        return self.member(member, MAX_STACK_BYTES * 8).decode("utf-8", "replace")

    def recipe_or_none(self, layer: Element) -> str:
        """Return the recipe kept with a layer, "" where it carries none."""
        return self.recipe(layer) if recipe_member(layer.get("src", "")) in self._members else ""

    def png(self, name: str) -> bytes:
        """Return a layer's PNG, whole. Raises ValueError for what is none, RequestError for more bytes than its pixels can need."""
        with self._opened(name) as member:
            start = member.read(HEADER_BYTES)
            if self._members[name].file_size > most_bytes(read_header(start)):
                raise self._damaged(f"its “{name}” is too large")
            return start + member.read()

    def member(self, name: str, limit: int = MAX_MEMBER_BYTES) -> bytes:
        """Return one file of the archive, whole."""
        with self._opened(name) as member:
            if self._members[name].file_size > limit:
                raise self._damaged(f"its “{name}” is too large")
            return member.read()

    def copy_members(self, target: zipfile.ZipFile) -> None:
        """Copy all files but those that a new layer changes, piece by piece: what is in them is nobody's business here."""
        for name, info in self._members.items():
            if name not in MADE_ANEW and not info.is_dir():
                entry = _entry(name, info.compress_type)
                entry.file_size = info.file_size
                with self._opened(name) as member, target.open(entry, "w") as copy:
                    shutil.copyfileobj(member, copy, COPY_BYTES)

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        if name not in self._members:
            raise self._damaged(f"it has no “{name}”")
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as member:
                yield member
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise self._damaged(f"its “{name}” can't be read") from error

    def unused_src(self) -> str:
        """Return a path for a new layer's PNG."""
        number = 1
        while f"data/scumble{number}.png" in self._members:
            number += 1
        return f"data/scumble{number}.png"

    @cached_property
    def _members(self) -> dict[str, zipfile.ZipInfo]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return {info.filename: info for info in archive.infolist()}
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
            raise self._damaged("it is no whole archive") from error

    def _damaged(self, why: str) -> RequestError:
        return RequestError(f"{self.path} is damaged or cut short: {why}.", "damaged-picture")


def _declares_a_type(text: bytes) -> bool:
    """Say whether there is a document type, where entities are declared, in any encoding. Expands nothing. Raises ParseError."""
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda name, *_: found.append(name)
    parser.StartElementHandler = lambda name, attributes: _stop()
    with contextlib.suppress(_Enough):
        parser.Parse(text, True)
    return bool(found)


class _Enough(Exception):
    """The root has begun: no document type can follow."""


def _stop() -> None:
    raise _Enough


# ---- writing --------------------------------------------------------------------------------------------------------


def recipe_member(src: str) -> str:
    """Return where the recipe of the layer with that `src` lies in the archive."""
    return f"scumble/{PurePosixPath(src).stem}.json"


def write_new(file: BinaryIO, merged: Raster, layers: tuple[NewLayer, ...]) -> None:
    """Write an archive of these layers, bottom first; `merged` is what they show together."""
    image = ElementTree.Element("image", version=VERSION, w=str(merged.bounds.width), h=str(merged.bounds.height))
    stack = ElementTree.SubElement(image, "stack")
    with zipfile.ZipFile(file, "w") as target:
        target.writestr(_entry("mimetype"), MIMETYPE)
        for number, layer in enumerate(layers):
            src = f"data/layer{number}.png"
            stack.insert(0, layer_element(layer, src))
            _write_layer(target, layer, src)
        _finish(target, image, merged)


def write_with_layer(file: BinaryIO, source: OpenRasterFile, layer: NewLayer, instead_of: str = "") -> str:
    """Write a copy of `source` with the layer on top, or just above `instead_of`, which gets hidden. Return its name."""
    name, src = unused_name(layer.name, source.stack.names()), source.unused_src()
    layer = NewLayer(name, layer.png, layer.x, layer.y, layer.recipe)
    grown = source.stack.with_layer(layer_element(layer, src), layer.png, instead_of)
    with zipfile.ZipFile(file, "w") as target:
        target.writestr(_entry("mimetype"), MIMETYPE)
        source.copy_members(target)
        _write_layer(target, layer, src)
        _finish(target, grown.image, grown.composite())
    return name


def layer_element(layer: NewLayer, src: str) -> Element:
    """Describe a layer as stack.xml does."""
    places = {"name": layer.name, "src": src, "x": str(layer.x), "y": str(layer.y)}
    shown = {"opacity": "1.0", "visibility": "visible", "composite-op": NORMAL}
    return ElementTree.Element("layer", places | shown)


def _write_layer(target: zipfile.ZipFile, layer: NewLayer, src: str) -> None:
    target.writestr(_entry(src), layer.png)
    if layer.recipe:
        target.writestr(_entry(recipe_member(src), zipfile.ZIP_DEFLATED), layer.recipe)


def _finish(target: zipfile.ZipFile, image: Element, merged: Raster) -> None:
    ElementTree.indent(image)
    text = ElementTree.tostring(image, encoding="UTF-8", xml_declaration=True)
    target.writestr(_entry("stack.xml", zipfile.ZIP_DEFLATED), text)
    target.writestr(_entry("mergedimage.png"), encode_png(merged))
    target.writestr(_entry("Thumbnails/thumbnail.png"), thumbnail(merged))


def _entry(name: str, compress_type: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    """Name a member with a fixed date, so that the same content gives the same file."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = compress_type
    info.external_attr = 0o644 << 16
    return info
