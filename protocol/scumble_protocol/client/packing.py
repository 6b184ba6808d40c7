"""Strokes and masks as they stand in a recipe: cropped to their paint, zlib, base64. Unpacked only at a size that is known to be right."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass

from ..errors import RequestError
from ..geometry import Bounds
from ..pixels import Plane, plane_bytes


@dataclass(frozen=True)
class PackedPlane:
    """A u8 plane that is 0 but for `at` (x, y, width, height); `data` are the samples there."""

    at: tuple[int, ...]
    channels: int
    data: str

    def check(self, width: int, height: int, channels: int) -> None:
        """Raise ValueError when it is not of such a plane. Unpacks nothing."""
        bounds = Bounds(*self.at) if len(self.at) == 4 else None
        if bounds is None or self.channels != channels:
            raise ValueError("a plane is of another kind")
        if not bounds.empty and bounds.intersected(Bounds(0, 0, width, height)) != bounds:
            raise ValueError("a plane leaves its region")


def pack(plane: Plane) -> PackedPlane:
    """Pack a u8 plane. Takes a good part of a second for large ones."""
    bounds = painted_bounds(plane)
    data = base64.b64encode(zlib.compress(_cut(plane, bounds), 6)).decode("ascii")
    return PackedPlane((bounds.x, bounds.y, bounds.width, bounds.height), plane.channels, data)


def unpack(packed: PackedPlane, width: int, height: int) -> Plane:
    """Return the plane at its full size. Raises RequestError when its samples are damaged."""
    try:
        packed.check(width, height, packed.channels)
        bounds = Bounds(*packed.at)
        area = 0 if bounds.empty else bounds.width * bounds.height
        cut = _inflated(base64.b64decode(packed.data, validate=True), area * packed.channels)
    except (ValueError, zlib.error) as error:
        raise RequestError("The layer's recipe is damaged and can't be used.", "bad-recipe") from error
    if not area:
        return Plane(width, height, packed.channels, "u8", bytes(plane_bytes(width, height, packed.channels, "u8")))
    return Plane(width, height, packed.channels, "u8", _spread(cut, bounds, width, height, packed.channels))


def _spread(cut: bytes, bounds: Bounds, width: int, height: int, channels: int) -> bytes:
    samples = bytearray(plane_bytes(width, height, channels, "u8"))
    row_bytes, length = width * channels, bounds.width * channels
    for row, y in enumerate(range(bounds.y, bounds.bottom)):
        start = y * row_bytes + bounds.x * channels
        samples[start : start + length] = cut[row * length : (row + 1) * length]
    return bytes(samples)


def _inflated(data: bytes, size: int) -> bytes:
    """Inflate no more than the size that was promised."""
    cut = zlib.decompressobj().decompress(data, size + 1)
    if len(cut) != size:
        raise ValueError("a plane's samples do not fill its bounds")
    return cut


def painted_bounds(plane: Plane) -> Bounds:
    """Return the smallest bounds of a u8 plane that hold every sample that is not 0 (empty when there is none)."""
    samples, row_bytes = bytes(plane.data), plane.width * plane.channels
    rows = [samples[y * row_bytes : (y + 1) * row_bytes] for y in range(plane.height)]
    painted = [y for y, row in enumerate(rows) if row.strip(b"\0")]
    if not painted:
        return Bounds(0, 0, 0, 0)
    top, bottom = painted[0], painted[-1] + 1
    left = min(row_bytes - len(rows[y].lstrip(b"\0")) for y in painted) // plane.channels
    right = -(-max(len(rows[y].rstrip(b"\0")) for y in painted) // plane.channels)
    return Bounds(left, top, right - left, bottom - top)


def _cut(plane: Plane, bounds: Bounds) -> bytes:
    samples, row_bytes = memoryview(plane.data).cast("B"), plane.width * plane.channels
    left, length = bounds.x * plane.channels, bounds.width * plane.channels
    starts = (y * row_bytes + left for y in range(bounds.y, bounds.bottom))
    return b"".join(samples[start : start + length] for start in starts)
