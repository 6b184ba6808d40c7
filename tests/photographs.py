"""Small pictures and edits for the photograph tests: a red thing on a grainy ramp, at any depth, with what may be asked of it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scumble_engine.edits import choose
from scumble_engine.edits.work import Layer, Sketch, Step
from scumble_engine.imaging.arrays import DTYPES, array_of, plane_of
from scumble_engine.models.photo_fill import ClassicalFill
from scumble_engine.models.shelf import Shelf
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Cue, Edit, Grab, Handle, Mask, Purpose, Settings, SubtractStrokes
from scumble_protocol.pixels import Depth, Picture, Plane, Space

Array = NDArray[Any]
DEPTHS: tuple[Depth, ...] = ("u8", "u16", "f16", "f32")
THING = (40.0, 48.0)


def classical_shelf() -> Shelf:
    """Return a shelf whose fill needs no weights."""
    shelf = Shelf()
    shelf.__dict__["fill"] = ClassicalFill()
    return shelf


def photograph(depth: Depth = "u8", channels: int = 3, height: int = 96, width: int = 128, seed: int = 0) -> Array:
    """Return (height, width, channels) samples: a grainy ramp with a red disc of radius 14 at THING; opaque alpha, if any."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0.25, 0.6, width)[None, :, None] + np.array([0.0, 0.05, 0.1])
    values = ramp + rng.normal(0, 0.01, (height, width, 3))
    values[disc(14, height=height, width=width) > 0] = (0.8, 0.1, 0.15)
    values = values[..., :1] if channels <= 2 else values
    if channels in (2, 4):
        values = np.concatenate([values, np.ones((height, width, 1))], axis=2)
    top = {"u8": 255, "u16": 65535}.get(depth, 1)
    return (np.clip(values, 0, 1) * top).round(0 if top > 1 else 6).astype(DTYPES[depth])


def disc(radius: int, centre: tuple[float, float] = THING, height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """Return a u8 mask, 255 in a disc."""
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (int(centre[0]), int(centre[1])), radius, 255, -1)
    return mask


def picture(samples: Array, space: Space = "srgb", icc: bytes = b"") -> Picture:
    depth: Depth = {"uint8": "u8", "uint16": "u16", "float16": "f16", "float32": "f32"}[str(samples.dtype)]  # type: ignore[assignment]
    return Picture(plane_of(samples, depth), space, icc)


def one_channel(mask: Array) -> Plane:
    return plane_of(np.asarray(mask, np.uint8)[..., None], "u8")


def mask_of(mask: Array) -> Mask:
    return Mask(one_channel(mask))


def grab_of(mask: Array) -> Grab:
    return Grab(one_channel(mask))


def strokes_of(mask: Array) -> SubtractStrokes:
    return SubtractStrokes(one_channel(mask))


def handle(x0: float, y0: float, x1: float, y1: float) -> Handle:
    return Handle(Point(x0, y0), Point(x1, y1))


def perform(
    image: Picture,
    cues: list[Cue],
    shelf: Shelf | None = None,
    purpose: Purpose = "final",
    settings: Settings | None = None,
) -> tuple[Layer, list[Step], list[Sketch]]:
    """Run an edit to its end through the engine's own door; return the layer and all that it said on the way."""
    work = choose.perform(Edit(image, tuple(cues), settings or Settings()), shelf or classical_shelf(), purpose)
    said: list[Step | Sketch] = []
    while True:
        try:
            said.append(next(work))
        except StopIteration as end:
            layer: Layer = end.value
            steps = [each for each in said if isinstance(each, Step)]
            return layer, steps, [each for each in said if isinstance(each, Sketch)]


def full_layer(layer: Layer, height: int = 96, width: int = 128) -> Array:
    """Return the layer's samples at the picture's size, transparent outside its bounds."""
    samples = array_of(layer.plane)
    whole = np.zeros((height, width, 4), samples.dtype)
    bounds = layer.bounds
    whole[bounds.y : bounds.bottom, bounds.x : bounds.right] = samples
    return whole


def laid_over(samples: Array, layer: Layer) -> Array:
    """Return what a host shows: the layer over the opaque picture, rounded at the picture's depth, untouched where alpha is 0."""
    height, width = samples.shape[:2]
    top = {"uint8": 255.0, "uint16": 65535.0}.get(str(samples.dtype), 1.0)
    over = full_layer(layer, height, width).astype(np.float64) / top
    alpha = over[..., 3:]
    count = 1 if samples.shape[2] <= 2 else 3
    below = samples[..., :count].astype(np.float64) / top
    mixed = (over[..., :count] * alpha + below * (1 - alpha)) * top
    mixed = np.rint(mixed) if top > 1 else mixed
    return np.where(alpha > 0, mixed, samples[..., :count]).astype(samples.dtype)
