"""Raw pixels as they travel: a plane of interleaved samples, and a picture, which is a plane with its colour space.

No numpy here: hosts may not have it. Engine code turns a plane into an array with `numpy.frombuffer`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from .errors import RequestError
from .wording import said

Depth = Literal["u8", "u16", "f16", "f32"]
Space = Literal["srgb", "srgb-linear", "icc"]

SAMPLE_BYTES: dict[str, int] = {"u8": 1, "u16": 2, "f16": 2, "f32": 4}
CHANNEL_COUNTS = (1, 2, 3, 4)
MAX_SIDE_PX = 65_536
MAX_PLANE_BYTES = 2**30
MAX_ICC_BYTES = 4 * 2**20

Buffer = bytes | bytearray | memoryview


def plane_bytes(width: int, height: int, channels: int, depth: str) -> int:
    """Return how many bytes such a plane holds, after checking every number.

    Raises RequestError for a side, channel count, depth or total outside the limits.
    """
    if depth not in SAMPLE_BYTES:
        raise RequestError(
            said(
                "Pixels of depth {depth} are not known; use one of {names}.",
                depth=f"{depth!r}",
                names=", ".join(SAMPLE_BYTES),
            ),
            "bad-pixels",
        )
    if channels not in CHANNEL_COUNTS:
        raise RequestError(said("A picture has 1 to 4 channels, not {channels}.", channels=channels), "bad-pixels")
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise RequestError(
            said(
                "A picture's sides are 1 to {max_side_px} pixels, not {width}×{height}.",
                max_side_px=MAX_SIDE_PX,
                width=width,
                height=height,
            ),
            "bad-pixels",
        )
    size = width * height * channels * SAMPLE_BYTES[depth]
    if size > MAX_PLANE_BYTES:
        raise RequestError(
            said(
                "{width}×{height} pixels ({size} MiB) are too many for one edit.",
                width=width,
                height=height,
                size=f"{size / 2**20:.0f}",
            ),
            "too-large",
        )
    return size


@dataclass(frozen=True)
class Plane:
    """Samples row by row, channels interleaved, little-endian, no padding.

    `channels`: 1 mask or gray, 2 gray + alpha, 3 RGB, 4 RGBA; alpha is straight (not premultiplied).
    Integer samples span 0..max; float samples are 0..1 nominally and may exceed it. Raises RequestError when sizes disagree.
    """

    width: int
    height: int
    channels: int
    depth: Depth
    data: Buffer

    def __post_init__(self) -> None:
        expected = plane_bytes(self.width, self.height, self.channels, self.depth)
        size = self.data.nbytes if isinstance(self.data, memoryview) else len(self.data)
        if size != expected:
            raise RequestError(
                said(
                    "A {width}×{height} plane needs {expected} bytes but came with {size}.",
                    width=self.width,
                    height=self.height,
                    expected=expected,
                    size=size,
                ),
                "bad-pixels",
            )

    def sha256(self) -> str:
        """Return the hex digest of shape, depth and samples."""
        digest = hashlib.sha256(f"{self.width}x{self.height}x{self.channels}:{self.depth}:".encode())
        digest.update(self.data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Picture:
    """A plane of colour and the space its numbers are in; results come back in the same depth and space.

    `space`: "srgb" (sRGB transfer curve), "srgb-linear" (its primaries, linear light), or "icc" (then `icc` is the profile).
    """

    plane: Plane
    space: Space = "srgb"
    icc: bytes = b""

    def __post_init__(self) -> None:
        if self.space not in ("srgb", "srgb-linear", "icc"):
            raise RequestError(said("The colour space {space} is not known.", space=f"{self.space!r}"), "bad-pixels")
        if (self.space == "icc") != bool(self.icc) or len(self.icc) > MAX_ICC_BYTES:
            raise RequestError("The picture's colour profile is missing, not wanted, or too large.", "bad-pixels")
