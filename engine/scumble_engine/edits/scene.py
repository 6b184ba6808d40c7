"""An edit opened up for working on: arrays instead of planes, one bound for what may change. No kind of edit is known here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import AddStrokes, Cue, Edit, Mask, SubtractStrokes
from scumble_protocol.pixels import Depth, Plane
from scumble_protocol.wording import said

from ..imaging.arrays import Array, Bools, Bytes, Floats, array_of, plane_of, unit_floats
from ..imaging.blend import apply_layer
from ..imaging.color import ColorSpace, space_of
from ..imaging.mask import allowed, cut
from .work import Sketch

AnyCue = TypeVar("AnyCue", bound=Cue)
SKETCH_SIDE_PX = 1024


@dataclass(frozen=True)
class Scene:
    """The sent picture as samples, (height, width, channels) in its own depth, and what its numbers mean.

    `may`: float32 (height, width), 0 where nothing may change; None = everything may.
    """

    samples: Array
    depth: Depth
    space: ColorSpace
    may: Floats | None

    @property
    def whole(self) -> Bounds:
        return Bounds(0, 0, self.samples.shape[1], self.samples.shape[0])

    def colors(self, bounds: Bounds) -> Floats:
        """Return (h, w, 3) unit floats in the picture's own space; a gray picture's gray, three times."""
        part = cut(self.samples, bounds)
        count = 1 if part.shape[2] <= 2 else 3
        values = unit_floats(part[..., :count])
        return np.repeat(values, 3, axis=2) if count == 1 else values

    def opacity(self, bounds: Bounds) -> Floats | None:
        """Return the picture's own alpha there, (h, w); None where it has none or is opaque."""
        if self.samples.shape[2] in (1, 3):
            return None
        alpha = unit_floats(cut(self.samples, bounds)[..., -1])
        return None if (alpha >= 1.0).all() else alpha

    def may_in(self, bounds: Bounds) -> Floats | None:
        return None if self.may is None else cut(self.may, bounds)

    def inside(self, bounds: Bounds) -> Bools:
        """Return where in `bounds` something may change, (h, w)."""
        may = self.may_in(bounds)
        return np.ones((bounds.height, bounds.width), bool) if may is None else may > 0

    def small_srgb8(self, bounds: Bounds, side_px: int) -> tuple[Bytes, float]:
        """Return the part in `bounds` as u8 sRGB with its longer side at most `side_px`, and the scale (<= 1)."""
        part = cut(self.samples, bounds)
        scale = min(1.0, side_px / max(bounds.width, bounds.height))
        size = (max(1, round(bounds.width * scale)), max(1, round(bounds.height * scale)))
        part = np.ascontiguousarray(part.astype(np.float32) if part.dtype == np.float16 else part)
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else part
        small = small.reshape(size[1], size[0], -1)
        count = 1 if small.shape[2] <= 2 else 3
        values = unit_floats(small[..., :count])
        return self.space.to_srgb8(np.repeat(values, 3, axis=2) if count == 1 else values), scale


def open_scene(edit: Edit) -> Scene:
    """Read an edit's picture and mask. Raises RequestError for a profile that cannot be used or a mask of another size."""
    plane = edit.picture.plane
    mask = only(edit, Mask)
    alpha = None if mask is None else channel(mask.alpha, plane, "mask")
    may = allowed(alpha, plane.height, plane.width, edit.settings.feather_px)
    return Scene(array_of(plane), plane.depth, space_of(edit.picture), may)


def of_kind(edit: Edit, kind: type[AnyCue]) -> list[AnyCue]:
    """Return the cues of one type, in their order."""
    return [cue for cue in edit.cues if isinstance(cue, kind)]


def only(edit: Edit, kind: type[AnyCue]) -> AnyCue | None:
    """Return the one cue of a type, or None. Raises RequestError when there are several."""
    found = of_kind(edit, kind)
    if len(found) > 1:
        raise RequestError(
            said("An edit takes one {kind} at most, not {count}.", kind=kind.__name__, count=len(found)),
            "bad-edit",
        )
    return found[0] if found else None


def joined_strokes(edit: Edit, kind: type[AddStrokes] | type[SubtractStrokes]) -> Bytes:
    """Return all strokes of a kind as one, (height, width) u8. Raises RequestError for some of another size than the picture's."""
    plane = edit.picture.plane
    joined = np.zeros((plane.height, plane.width), np.uint8)
    for cue in of_kind(edit, kind):
        np.maximum(joined, channel(cue.alpha, plane, "stroke layer"), out=joined)
    return joined


def channel(plane: Plane, picture: Plane, what: str) -> Bytes:
    """View a one-channel u8 cue of the picture's size as (height, width). Raises RequestError."""
    if (plane.width, plane.height) != (picture.width, picture.height):
        raise RequestError(
            said(
                "The {what} is {plane_width}×{plane_height} but the picture is {picture_width}×{picture_height}.",
                what=what,
                plane_width=plane.width,
                plane_height=plane.height,
                picture_width=picture.width,
                picture_height=picture.height,
            ),
            "bad-edit",
        )
    if plane.channels != 1 or plane.depth != "u8":
        raise RequestError(said("The {what} must have one 8-bit channel.", what=what), "bad-edit")
    return array_of(plane)[..., 0]


def sketch(scene: Scene, bounds: Bounds, layer: Plane) -> Sketch:
    """Return a preview of a layer: sRGB u8, with its longer side at most SKETCH_SIDE_PX."""
    straight = unit_floats(array_of(layer))
    scale = min(1.0, SKETCH_SIDE_PX / max(layer.width, layer.height))
    if scale < 1.0:
        size = (max(1, round(layer.width * scale)), max(1, round(layer.height * scale)))
        straight = np.concatenate([straight[..., :3] * straight[..., 3:], straight[..., 3:]], axis=-1)
        straight = cv2.resize(straight, size, interpolation=cv2.INTER_AREA)
        straight[..., :3] /= np.maximum(straight[..., 3:], 1e-6)
    alpha = np.rint(np.clip(straight[..., 3:], 0, 1) * 255).astype(np.uint8)
    colors = scene.space.to_srgb8(np.ascontiguousarray(straight[..., :3]))
    return Sketch(bounds, plane_of(np.concatenate([colors, alpha], axis=-1), "u8"))


def flattened(picture: Array, layer: Array, bounds: Bounds) -> Floats:
    """Return the opaque picture with the layer over it, as unit floats (for benchmarks and tests)."""
    return apply_layer(unit_floats(picture[..., :3]), unit_floats(layer), bounds)
