"""The one named boundary between a picture's colour space and the sRGB that models see.

Works on unit floats (1.0 = white); Little CMS (through imagecodecs) does every profile. Nothing else converts colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scumble_protocol.errors import RequestError
from scumble_protocol.pixels import Picture, Space
from scumble_protocol.wording import said

from .arrays import Bytes, Floats


@dataclass(frozen=True)
class ColorSpace:
    """What a picture's numbers mean: its space, its profile, and whether it is gray (1 or 2 channels).

    A gray picture's layer is RGBA with R = G = B: each equals the gray sample, in the picture's own gray encoding.
    """

    space: Space
    icc: bytes
    gray: bool

    def to_srgb(self, values: Floats) -> Floats:
        """Convert (height, width, 3) of this space (R = G = B when gray) to sRGB floats; out-of-gamut values are kept."""
        if self.space == "srgb":
            return values
        if self.space == "srgb-linear":
            return _encode_srgb(values)
        return self._convert(values, self.icc, self._srgb, into_srgb=True)

    def from_srgb(self, values: Floats) -> Floats:
        """Convert (height, width, 3) sRGB floats to this space; a gray picture gets its luminance, three times."""
        if self.space != "icc":
            values = _gray(values) if self.gray else values
            return _decode_srgb(values) if self.space == "srgb-linear" else values
        return self._convert(values, self._srgb, self.icc, into_srgb=False)

    def to_srgb8(self, values: Floats) -> Bytes:
        """Convert to sRGB and round to u8, clipping what sRGB cannot hold."""
        rounded: Bytes = np.clip(np.rint(self.to_srgb(values) * 255.0), 0, 255).astype(np.uint8)
        return rounded

    @cached_property
    def _srgb(self) -> bytes:
        import imagecodecs

        return bytes(imagecodecs.cms_profile("srgb"))

    def _convert(self, values: Floats, source: bytes, target: bytes, into_srgb: bool) -> Floats:
        import imagecodecs

        host = "gray" if self.gray else "rgb"
        spaces = (host, "rgb") if into_srgb else ("rgb", host)
        samples = values[..., :1] if spaces[0] == "gray" else values
        try:
            result: Any = imagecodecs.cms_transform(
                np.ascontiguousarray(samples[..., 0] if spaces[0] == "gray" else samples, dtype=np.float32),
                source,
                target,
                colorspace=spaces[0],
                outcolorspace=spaces[1],
                outdtype=np.dtype(np.float32),
                intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
            )
        except (imagecodecs.CmsError, ValueError) as exc:
            raise RequestError(
                "The picture's colour profile cannot be used; convert the picture to sRGB.", "bad-pixels"
            ) from exc
        flat = np.asarray(result, dtype=np.float32)
        flat = flat[..., None] if flat.ndim == 2 else flat
        return np.repeat(flat, 3, axis=-1) if flat.shape[-1] == 1 else flat


def space_of(picture: Picture) -> ColorSpace:
    """Read what a picture's numbers mean. Raises RequestError for a profile that does not fit its channels."""
    gray = picture.plane.channels <= 2
    if picture.space == "icc":
        kind = picture.icc[16:20]
        if kind not in (b"RGB ", b"GRAY"):
            name = kind.decode("ascii", "replace").strip() or "unknown"
            raise RequestError(
                said("The picture's colour profile is {name}; convert the picture to RGB or gray.", name=name),
                "bad-pixels",
            )
        if (kind == b"GRAY") != gray:
            raise RequestError(
                "The picture's colour profile does not fit its channels; convert the picture.", "bad-pixels"
            )
    return ColorSpace(picture.space, picture.icc, gray)


def _encode_srgb(linear: Floats) -> Floats:
    """IEC 61966-2-1, odd-symmetric below zero so that nothing is lost."""
    size = np.abs(linear)
    encoded: Floats = np.where(size <= 0.0031308, 12.92 * size, 1.055 * np.power(size, 1 / 2.4) - 0.055)
    return np.copysign(encoded, linear).astype(np.float32)


def _decode_srgb(encoded: Floats) -> Floats:
    size = np.abs(encoded)
    linear: Floats = np.where(size <= 0.04045, size / 12.92, np.power((size + 0.055) / 1.055, 2.4))
    return np.copysign(linear, encoded).astype(np.float32)


def _gray(values: Floats) -> Floats:
    """Rec. 709 luma of the encoded values: fills are already gray but for the model's small tints."""
    luma = values @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    return np.repeat(luma[..., None], 3, axis=-1).astype(np.float32)
