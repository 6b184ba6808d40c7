"""Which pixel format to read a picture in, so that it keeps its depth and profile. Pure: names and values, no GIMP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scumble_protocol.errors import RequestError
from scumble_protocol.pixels import Depth

from .wording import _

Curve = Literal["linear", "non-linear", "perceptual"]

# What the wire has no type for travels as 32-bit float: of 32-bit integers the highest 24 bits, of doubles the same.
DEPTHS: dict[str, Depth] = {"u8": "u8", "u16": "u16", "u32": "f32", "half": "f16", "float": "f32", "double": "f32"}
BABL_TYPES: dict[Depth, str] = {"u8": "u8", "u16": "u16", "f16": "half", "f32": "float"}
BABL_MODELS: dict[Curve, str] = {"linear": "RGBA", "non-linear": "R'G'B'A", "perceptual": "R~G~B~A"}


@dataclass(frozen=True)
class Encoding:
    """How samples are written: their depth and their transfer curve. Always four channels, alpha straight."""

    depth: Depth
    curve: Curve

    @property
    def babl(self) -> str:
        """The name of the format in babl, GIMP's pixel library, without a colour space."""
        return f"{BABL_MODELS[self.curve]} {BABL_TYPES[self.depth]}"


def encoding_of(precision: str) -> Encoding:
    """Read the short name of a GIMP precision ("u16-non-linear"). Raises RequestError for one that is not known."""
    kind, _dash, curve = precision.partition("-")
    if kind not in DEPTHS or curve not in BABL_MODELS:
        raise RequestError(
            _("Pixels of precision “{name}” can't be edited; change it with Image > Precision.").format(name=precision),
            "bad-pixels",
        )
    known: dict[str, Curve] = {name: name for name in BABL_MODELS}
    return Encoding(DEPTHS[kind], known[curve])
