"""Krita's raw pixels and the protocol's: channel order, depths, profiles; and conversions, done by Krita itself in a scratch document.

Converting a layer of the painter's own document would add a step to its undo history, even for a layer that is in no document yet.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from krita import Document, InfoObject, Krita, Node
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Depth, Picture, Plane, Space

from .nodes import children
from .qt import QByteArray, QImage
from .words import say

DEPTHS: dict[str, Depth] = {"U8": "u8", "U16": "u16", "F16": "f16", "F32": "f32"}
SAMPLE_BYTES = {"U8": 1, "U16": 2, "F16": 2, "F32": 4}
FULL_ALPHA = {"U8": b"\xff", "U16": b"\xff\xff", "F16": struct.pack("<e", 1), "F32": struct.pack("<f", 1)}
SRGB = "sRGB-elle-V2-srgbtrc.icc"
SRGB_PROFILES = frozenset({SRGB, "sRGB built-in"})
LINEAR_PROFILES = frozenset(
    {"sRGB-elle-V2-g10.icc", "scRGB (linear)", "krita-2.5, lcms sRGB built-in with linear gamma TRC"}
)
UNREADABLE = {"CMYKA": "CMYK", "LABA": "L*a*b*", "XYZA": "XYZ", "YCbCrA": "YCbCr", "A": "alpha"}


@dataclass(frozen=True)
class ColorSpace:
    """What Krita calls a colour space: model "RGBA" or "GRAYA", depth "U8" … "F32", and the profile's name."""

    model: str
    depth: str
    profile: str

    @property
    def pixel_bytes(self) -> int:
        return (4 if self.model == "RGBA" else 2) * SAMPLE_BYTES[self.depth]

    @property
    def as_rgb(self) -> ColorSpace:
        """The space that an edit is made in: itself for RGB; sRGB of the same depth for gray."""
        return self if self.model == "RGBA" else ColorSpace("RGBA", self.depth, SRGB)


SRGB_U8 = ColorSpace("RGBA", "U8", SRGB)


def space_of(thing: Node | Document) -> ColorSpace:
    """Return the colour space of a layer or document. Raises RequestError for one that edits cannot be made in."""
    space = ColorSpace(thing.colorModel(), thing.colorDepth(), thing.colorProfile())
    if space.model not in ("RGBA", "GRAYA") or space.depth not in DEPTHS:
        name = UNREADABLE.get(space.model, space.model)
        raise RequestError(
            say(
                "Scumble works on RGB and grayscale, and this is {name}: convert a copy with Image > Convert Image Color Space.",
                name=name,
            ),
            "bad-colour-space",
        )
    return space


# ---- raw bytes ------------------------------------------------------------------------------------------------------


def swapped(raw: bytes, width: int, height: int, depth: str) -> bytes:
    """Turn Krita's RGBA-model bytes into the protocol's RGBA, or back: integer depths are stored as BGRA, floats as RGBA."""
    if depth in ("F16", "F32"):
        return raw
    layout = QImage.Format.Format_RGBA8888 if depth == "U8" else QImage.Format.Format_RGBA64
    picture = QImage(raw, width, height, width * 4 * SAMPLE_BYTES[depth], layout).rgbSwapped()
    bits = picture.constBits()
    assert bits is not None
    bits.setsize(picture.sizeInBytes())
    return bytes(bits)  # type: ignore[call-overload,no-any-return]


def picture_from(raw: bytes, size: tuple[int, int], space: ColorSpace) -> Picture:
    """Wrap bytes of a space of the RGBA model as a picture. Raises RequestError when their number is not the size's."""
    width, height = size
    check_length(raw, size, space)
    plane = Plane(width, height, 4, DEPTHS[space.depth], swapped(raw, width, height, space.depth))
    named = space_name(space.profile)
    return Picture(plane, named, icc_of(space.profile) if named == "icc" else b"")


def raw_from(picture: Picture) -> bytes:
    """Return an RGBA picture's samples in Krita's order."""
    plane = picture.plane
    depth = next(name for name, ours in DEPTHS.items() if ours == plane.depth)
    return swapped(bytes(plane.data), plane.width, plane.height, depth)


def check_length(raw: bytes, size: tuple[int, int], space: ColorSpace) -> None:
    """Raise RequestError unless the bytes fill the size: setPixelData and pixelData never report an error."""
    if len(raw) != size[0] * size[1] * space.pixel_bytes:
        raise RequestError(say("Krita gave other pixels than were asked for; try the edit again."), "bad-pixels")


def is_opaque(raw: bytes, space: ColorSpace) -> bool:
    """Say whether every pixel's alpha is full."""
    full, size = FULL_ALPHA[space.depth], space.pixel_bytes
    first, count = size - len(full), len(raw) // size
    return all(raw[first + i :: size].count(byte) == count for i, byte in enumerate(full))


# ---- profiles -------------------------------------------------------------------------------------------------------


def space_name(profile: str) -> Space:
    if profile in SRGB_PROFILES:
        return "srgb"
    return "srgb-linear" if profile in LINEAR_PROFILES else "icc"


@lru_cache(maxsize=16)
def icc_of(profile: str) -> bytes:
    """Return a profile's bytes. Krita's scripting knows only names, so a picture of one pixel is exported to carry it out."""
    with scratch(Bounds(0, 0, 1, 1), ColorSpace("RGBA", "U16", profile)) as document, _folder() as folder:
        path = folder / "profile.png"
        options = InfoObject()
        for name in ("forceSRGB", "saveSRGBProfile", "saveAsHDR"):
            options.setProperty(name, False)
        if not document.exportImage(str(path), options):
            raise RequestError(say("The colour profile “{name}” can't be read.", name=profile), "bad-profile")
        return embedded_profile(path.read_bytes())


def is_profile_of(picture: Picture, profile: str) -> bool:
    """Say whether a picture's numbers are in this profile."""
    named = space_name(profile)
    return picture.space == named and (named != "icc" or picture.icc == icc_of(profile))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="scumble-") as name:
        yield Path(name)


def embedded_profile(png: bytes) -> bytes:
    """Return the profile inside a PNG (its iCCP chunk: name, 0, method, zlib stream), b"" when there is none."""
    at = 8
    while at + 8 <= len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"iCCP":
            body = png[at + 8 : at + 8 + length]
            return zlib.decompress(body[body.index(b"\0") + 2 :])
        at += 12 + length
    return b""


# ---- scratch documents ----------------------------------------------------------------------------------------------


@contextmanager
def scratch(bounds: Bounds, space: ColorSpace) -> Iterator[Document]:
    """Lend an unseen document of this size and space, closed at the end. Opening and closing take Krita about 0.2 s."""
    document = Krita.instance().createDocument(
        bounds.width, bounds.height, "Scumble", space.model, space.depth, space.profile, 72.0
    )
    document.setBatchmode(True)
    try:
        yield document
    finally:
        document.setModified(False)
        document.close()


def converted(raw: bytes, size: tuple[int, int], source: ColorSpace, target: ColorSpace) -> bytes:
    """Convert raw bytes from one of Krita's colour spaces to another."""
    check_length(raw, size, source)
    if source == target:
        return raw
    whole = Bounds(0, 0, *size)
    with scratch(whole, source) as document:
        return _through(document, raw, size, target)


def _through(document: Document, raw: bytes, size: tuple[int, int], target: ColorSpace) -> bytes:
    """Convert on the only layer of a scratch document. A function of its own: its wrapper must go before the document does."""
    node = children(document.rootNode())[0]
    node.setPixelData(QByteArray(raw), 0, 0, *size)
    node.setColorSpace(target.model, target.depth, target.profile)
    document.waitForDone()
    return node.pixelData(0, 0, *size).data()
