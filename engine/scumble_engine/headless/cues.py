"""Masks and strokes from picture files: one 8-bit plane each, of the picture's size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scumble_protocol.client.host import Marks
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Handle

from .imagefile import read_raster
from .raster import Raster, Samples, top_value

LUMA = (0.2126, 0.7152, 0.0722)  # of sRGB's primaries, Rec. 709


@dataclass(frozen=True)
class CueFiles:
    """What the command line placed: handles in pixels of the picture, and files. Mask and grab: white counts; strokes: alpha counts."""

    handles: tuple[Handle, ...] = ()
    add: Path | None = None
    subtract: Path | None = None
    color: Path | None = None
    mask: Path | None = None
    grab: Path | None = None


@dataclass(frozen=True)
class CuePlanes:
    """The same, read: H×W u8 (colour: H×W×4 u8, 0 where transparent)."""

    handles: tuple[Handle, ...] = ()
    add: Samples | None = None
    subtract: Samples | None = None
    color: Samples | None = None
    mask: Samples | None = None
    grab: Samples | None = None

    def marks(self) -> Marks:
        """Say where there is paint."""
        return Marks(
            self.handles,
            add=_painted(self.add),
            subtract=_painted(self.subtract),
            color=_painted(self.color),
            mask=_painted(self.mask),
            grab=_painted(self.grab),
        )


def read_cues(files: CueFiles, size: Bounds) -> CuePlanes:
    """Read every file. Raises RequestError for one that is missing, damaged, of another size or without what counts in it."""
    return CuePlanes(
        files.handles,
        add=_strokes(files.add, size) if files.add else None,
        subtract=_strokes(files.subtract, size) if files.subtract else None,
        color=_strokes(files.color, size, colored=True) if files.color else None,
        mask=_brightness(_sized(files.mask, size)) if files.mask else None,
        grab=_brightness(_sized(files.grab, size)) if files.grab else None,
    )


def _sized(path: Path, size: Bounds) -> Raster:
    raster = read_raster(path)
    if raster.bounds != size:
        raise RequestError(
            f"{path} is {raster.bounds.width}×{raster.bounds.height} pixels, but the picture is {size.width}×{size.height}; "
            "they must be of one size.",
            "size-mismatch",
        )
    return raster


def _strokes(path: Path, size: Bounds, colored: bool = False) -> Samples:
    raster = _sized(path, size)
    if raster.opaque:
        raise RequestError(
            f"{path} has no transparency, so no stroke can be told from its ground; save it with alpha.", "no-alpha"
        )
    rgba = _eight_bits(raster.samples)
    if not colored:
        return np.ascontiguousarray(rgba[..., 3])
    rgba[rgba[..., 3] == 0] = 0
    return rgba


def _brightness(raster: Raster) -> Samples:
    """Weigh the channels as seen; what is transparent counts as black."""
    rgba = _eight_bits(raster.samples).astype(np.float32)
    luma = rgba[..., :3] @ np.asarray(LUMA, np.float32)
    brightness: Samples = np.rint(luma * rgba[..., 3] / 255).astype(np.uint8)
    return brightness


def _eight_bits(samples: Samples) -> Samples:
    if samples.dtype == np.uint8:
        return samples
    scaled = np.clip(np.nan_to_num(samples.astype(np.float32)) / top_value(samples), 0, 1)
    eight: Samples = np.rint(scaled * 255).astype(np.uint8)
    return eight


def _painted(plane: Samples | None) -> Bounds | None:
    if plane is None:
        return None
    shown = plane[..., 3] if plane.ndim == 3 else plane
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not rows.size:
        return Bounds(0, 0, 0, 0)
    x, y = int(columns[0]), int(rows[0])
    return Bounds(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
