"""Mixed edits: each part is done as it would be alone, on the picture that the part before it left; one layer comes of all.

Laying one layer over another and that over the picture is the same as laying the two together over it, so nothing is lost.
A drag and words done jointly in the latents saved an encoding, and was measured worse (20.9 dB to the truth where the thing had
been, against 22.5 dB in turn).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Cue, Edit, Provenance, Purpose
from scumble_protocol.pixels import Plane

from ..imaging.arrays import Floats, array_of, from_unit, plane_of, unit_floats
from ..imaging.blend import finish, over, premultiplied
from ..imaging.mask import cut
from ..models.shelf import Shelf
from .scene import Scene, open_scene, sketch
from .work import Layer, Sketch, Step, Work

# One part of a mixed edit: its cues, and what does it.
Part = tuple[tuple[Cue, ...], Callable[[Edit, Shelf, Purpose], Work]]


def in_turn(edit: Edit, shelf: Shelf, purpose: Purpose, parts: Sequence[Part]) -> Work:
    """Do the parts in their order. Raises RequestError as they do alone."""
    started, scene = time.perf_counter(), open_scene(edit)
    (cues, first), *others = parts
    done = yield from first(replace(edit, cues=cues), shelf, purpose)
    for cues, do in others:
        left = replace(edit.picture, plane=laid_over(edit.picture.plane, done))
        layer = yield from _with(scene, done, do(replace(edit, picture=left, cues=cues), shelf, purpose))
        done = joined(scene, done, layer)
    return replace(done, provenance=replace(done.provenance, seconds=time.perf_counter() - started))


def _with(scene: Scene, below: Layer, work: Work) -> Generator[Step | Sketch, None, Layer]:
    """Do a part, and show its previews over the layer below."""
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            layer: Layer = end.value
            return layer
        if isinstance(event, Sketch):
            size = (event.bounds.width, event.bounds.height)
            straight = cv2.resize(unit_floats(array_of(event.plane)), size, interpolation=cv2.INTER_LINEAR)
            colors = scene.space.from_srgb(np.ascontiguousarray(straight[..., :3]))
            event = sketch(scene, *_together(scene, below, premultiplied(colors, straight[..., 3]), event.bounds))
        yield event


def joined(scene: Scene, below: Layer, above: Layer) -> Layer:
    """Return both layers as one; what made it is told of both."""
    bounds, plane = _together(scene, below, _premultiplied(above.plane), above.bounds)
    made = _both_made(below.provenance, above.provenance)
    return Layer(bounds, plane, made, (*below.notes, *above.notes), above.reading or below.reading)


def _together(scene: Scene, below: Layer, top: Floats, place: Bounds) -> tuple[Bounds, Plane]:
    bounds = below.bounds.united(place)
    whole = np.zeros((bounds.height, bounds.width, 4), np.float32)
    cut(whole, below.bounds.moved(-bounds.x, -bounds.y))[...] = _premultiplied(below.plane)
    here = cut(whole, place.moved(-bounds.x, -bounds.y))
    here[...] = over(top, here)
    return finish(whole, bounds, None, scene.depth)


def _premultiplied(layer: Plane) -> Floats:
    straight = unit_floats(array_of(layer))
    return premultiplied(straight[..., :3], straight[..., 3])


def _both_made(first: Provenance, then: Provenance) -> Provenance:
    named = then if then.model else first
    return replace(
        named,
        method=f"{first.method}+{then.method}",
        steps=max(first.steps, then.steps),
        forwards=first.forwards + then.forwards,
        autoencoder_passes=first.autoencoder_passes + then.autoencoder_passes,
        peak_bytes=max(first.peak_bytes, then.peak_bytes),
    )


def laid_over(picture: Plane, layer: Layer) -> Plane:
    """Return the picture, with its own channels and depth, with a layer laid over it."""
    samples = array_of(picture).copy()
    here = cut(samples, layer.bounds)
    count = 1 if picture.channels <= 2 else 3
    own, top = unit_floats(here), _premultiplied(layer.plane)
    alpha = own[..., -1] if picture.channels in (2, 4) else np.ones(own.shape[:2], np.float32)
    both = over(top, premultiplied(np.repeat(own[..., :1], 3, axis=2) if count == 1 else own[..., :3], alpha))
    straight = np.where(both[..., 3:] > 0, both[..., :3] / np.maximum(both[..., 3:], 1e-6), 0.0)[..., :count]
    values = straight if picture.channels in (1, 3) else np.concatenate([straight, both[..., 3:]], axis=2)
    here[...] = np.where(top[..., 3:] > 0, from_unit(values.astype(np.float32), picture.depth), here)
    return plane_of(samples, picture.depth)
