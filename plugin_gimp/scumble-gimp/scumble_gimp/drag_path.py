"""Drag points from a path: each stroke of two anchors is one handle, from where it holds to where that should go. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle

from .wording import _

NUMBERS_AN_ANCHOR = 6  # control point in, anchor, control point out


@dataclass(frozen=True)
class PathStroke:
    """One component of a path as GIMP tells it: six numbers an anchor, document pixels."""

    numbers: tuple[float, ...]
    closed: bool = False

    @property
    def anchors(self) -> tuple[Point, ...]:
        return tuple(
            Point(self.numbers[start + 2], self.numbers[start + 3])
            for start in range(0, len(self.numbers) - NUMBERS_AN_ANCHOR + 1, NUMBERS_AN_ANCHOR)
        )


def handles_of(name: str, strokes: Sequence[PathStroke]) -> tuple[Handle, ...]:
    """Return one handle for each stroke. Raises RequestError for a stroke that is not two anchors."""
    return tuple(_handle(name, number, stroke) for number, stroke in enumerate(strokes, start=1))


def _handle(name: str, number: int, stroke: PathStroke) -> Handle:
    anchors = stroke.anchors
    if len(anchors) == 1:
        sentence = _(
            "Stroke {number} of the path “{name}” has one anchor; add a second one where the point should go, or delete it."
        )
        raise RequestError(sentence.format(number=number, name=name), "bad-path")
    if len(anchors) != 2 or stroke.closed:
        sentence = _(
            "Stroke {number} of the path “{name}” has {anchors} anchors; a drag is two: where to hold, and where that "
            "should go. Begin each drag with Shift+click."
        )
        raise RequestError(sentence.format(number=number, name=name, anchors=len(anchors)), "bad-path")
    return Handle(anchors[0], anchors[1])


def fingerprint(strokes: Iterable[PathStroke]) -> str:
    """Name the anchors of a path, so that one that was used and not changed since can be told (hex)."""
    return hashlib.sha256(repr([stroke.anchors for stroke in strokes]).encode()).hexdigest()
