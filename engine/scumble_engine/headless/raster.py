"""Samples in memory with their colour space, and the one way in which a layer is laid over another. No files here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Depth, Picture, Plane, Space

Samples = NDArray[Any]
Blend = Callable[[Samples, Samples], Samples]

DEPTHS: dict[str, Depth] = {"uint8": "u8", "uint16": "u16", "float16": "f16", "float32": "f32"}
DTYPES = {"u8": "<u1", "u16": "<u2", "f16": "<f2", "f32": "<f4"}
BAND_ROWS = 128


@dataclass(frozen=True)
class Raster:
    """`samples`: H×W×4, straight alpha, u8, u16, f16 or f32. `opaque`: the file had no alpha, so what is made of it has none."""

    samples: Samples
    space: Space = "srgb"
    icc: bytes = b""
    opaque: bool = False
    notes: tuple[str, ...] = ()

    @property
    def bounds(self) -> Bounds:
        return Bounds(0, 0, self.samples.shape[1], self.samples.shape[0])

    @property
    def depth(self) -> Depth:
        return DEPTHS[self.samples.dtype.name]


def top_value(samples: Samples) -> float:
    """Return the sample that means full: the largest integer, or 1 for floats."""
    return float(np.iinfo(samples.dtype).max) if samples.dtype.kind == "u" else 1.0


def picture_in(samples: Samples, bounds: Bounds, space: Space, icc: bytes) -> Picture:
    """Cut a picture out of samples. What is fully transparent has no colour: it becomes 0, as a compositor would give it."""
    cut = samples[bounds.y : bounds.bottom, bounds.x : bounds.right].copy()
    cut[cut[..., 3] == 0] = 0
    return Picture(plane_of(cut), space, icc)


def plane_of(samples: Samples) -> Plane:
    """Turn H×W or H×W×C samples into a plane."""
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    depth = DEPTHS[samples.dtype.name]
    return Plane(width, height, channels, depth, samples.astype(DTYPES[depth], copy=False).tobytes())


def samples_of(plane: Plane) -> Samples:
    """View a plane as H×W×C samples."""
    flat = np.frombuffer(plane.data, dtype=DTYPES[plane.depth])
    return flat.reshape(plane.height, plane.width, plane.channels)


# ---- laying over ----------------------------------------------------------------------------------------------------

# Separable blend modes, W3C Compositing and Blending 1, section 10.1: B(backdrop, source) on 0..1.
BLENDS: dict[str, Blend] = {
    "svg:src-over": lambda b, s: s,
    "svg:multiply": lambda b, s: b * s,
    "svg:screen": lambda b, s: b + s - b * s,
    "svg:darken": np.minimum,
    "svg:lighten": np.maximum,
    "svg:difference": lambda b, s: np.abs(b - s),
    "svg:overlay": lambda b, s: np.where(b <= 0.5, 2 * b * s, 1 - 2 * (1 - b) * (1 - s)),
    "svg:hard-light": lambda b, s: np.where(s <= 0.5, 2 * b * s, 1 - 2 * (1 - b) * (1 - s)),
}


def lay_over(base: Samples, layer: Samples, at: Bounds, opacity: float = 1.0, mode: str = "svg:src-over") -> None:
    """Composite `layer` (whose place on `base` is `at`) onto `base`, in place; both H×W×4 of one depth.

    Where the layer's alpha is 0, `base` stays bit for bit. Raises RequestError for a mode that is not known here.
    """
    if mode not in BLENDS:
        raise RequestError(f"The blend mode {mode!r} is not known here; merge that layer first.", "blend-mode")
    seen = at.intersected(Bounds(0, 0, base.shape[1], base.shape[0]))
    for top in range(seen.y, seen.bottom, BAND_ROWS):
        band = Bounds(seen.x, top, seen.width, min(BAND_ROWS, seen.bottom - top))
        source = layer[band.y - at.y : band.bottom - at.y, band.x - at.x : band.right - at.x]
        _lay_band(base[band.y : band.bottom, band.x : band.right], source, opacity, mode)


def _lay_band(base: Samples, source: Samples, opacity: float, mode: str) -> None:
    shown = source[..., 3] > 0
    if opacity <= 0 or not shown.any():
        return
    full = top_value(base)
    if opacity >= 1 and mode == "svg:src-over":
        covering = source[..., 3] >= full
        base[covering] = source[covering]
        shown &= ~covering
    base[shown] = _mixed(base[shown], source[shown], full, opacity, BLENDS[mode])


def _mixed(below: Samples, above: Samples, full: float, opacity: float, blend: Blend) -> Samples:
    """Blend N×4 pixels (W3C Compositing 1, equations of 5.1 and 10: straight alpha in, straight alpha out)."""
    b, s = below.astype(np.float64) / full, above.astype(np.float64) / full
    alpha_b, alpha_s = b[:, 3:], s[:, 3:] * min(opacity, 1.0)
    color_s = (1 - alpha_b) * s[:, :3] + alpha_b * blend(b[:, :3], s[:, :3])
    alpha = alpha_s + alpha_b * (1 - alpha_s)
    color = (alpha_s * color_s + (1 - alpha_s) * alpha_b * b[:, :3]) / np.maximum(alpha, 1e-12)
    mixed = np.concatenate([color, alpha], axis=1)
    if below.dtype.kind == "u":
        mixed = np.rint(np.clip(mixed, 0, 1) * full)
    return mixed.astype(below.dtype)


def flattened(source: Raster, layer: Samples, at: Bounds) -> Raster:
    """Return the source with the layer merged into it: same size, depth and profile, bit-equal where the layer's alpha is 0."""
    samples = source.samples.copy()
    lay_over(samples, layer, at)
    return Raster(samples, source.space, source.icc, source.opaque)
