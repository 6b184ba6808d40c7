"""Planes as numpy arrays and back, and the array types that imaging speaks. No colour here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scumble_protocol.pixels import Depth, Plane

Array = NDArray[Any]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

DTYPES: dict[str, str] = {"u8": "u1", "u16": "<u2", "f16": "<f2", "f32": "<f4"}


def array_of(plane: Plane) -> Array:
    """View a plane as (height, width, channels), read-only, without a copy."""
    flat = np.frombuffer(plane.data, dtype=DTYPES[plane.depth])
    return flat.reshape(plane.height, plane.width, plane.channels)


def plane_of(array: Array, depth: Depth) -> Plane:
    """Copy (height, width, channels) samples, already of that depth, to a plane."""
    height, width, channels = array.shape
    data = np.ascontiguousarray(array, dtype=DTYPES[depth]).tobytes()
    return Plane(width, height, channels, depth, data)


def sample_max(depth: Depth) -> float:
    """Return what stands for 1.0 at that depth: 255, 65535, or 1 for floats."""
    return {"u8": 255.0, "u16": 65535.0}.get(depth, 1.0)


def unit_floats(samples: Array) -> Floats:
    """Scale samples of any depth to float32 with 1.0 as white; NaN and infinity become finite numbers."""
    if samples.dtype.kind == "u":
        scaled: Floats = samples.astype(np.float32) / np.float32(np.iinfo(samples.dtype).max)
        return scaled
    finite: Floats = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=65504.0, neginf=-65504.0)
    return finite


def from_unit(values: Floats, depth: Depth) -> Array:
    """Bring float32 values back to a depth: integers are rounded and clipped, floats only cast."""
    if depth in ("u8", "u16"):
        top = sample_max(depth)
        whole: Array = np.clip(np.rint(values * np.float32(top)), 0, top).astype(DTYPES[depth])
        return whole
    limit = 65504.0 if depth == "f16" else np.finfo(np.float32).max
    finite: Array = np.clip(values, -limit, limit).astype(DTYPES[depth])
    return finite
