"""What an edit yields while it works and returns at the end. The worker turns these into messages; edits know no job ids."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Character, PromptPair, Provenance
from scumble_protocol.pixels import Plane


@dataclass(frozen=True)
class Step:
    """`done` of `of` steps are behind us; `stage` is a word or two for the painter."""

    done: int
    of: int
    stage: str


@dataclass(frozen=True)
class Sketch:
    """A preview: sRGB u8 RGBA of any size, to be shown over `bounds` (pixels of the sent picture)."""

    bounds: Bounds
    plane: Plane


@dataclass(frozen=True)
class Layer:
    """The finished layer: RGBA in the sent picture's depth and space, alpha 0 wherever nothing may change."""

    bounds: Bounds
    plane: Plane
    provenance: Provenance
    notes: tuple[str, ...] = ()
    reading: PromptPair | None = None
    character: Character | None = None


# Each `yield` is a place where a cancelled job stops: the worker closes the generator there.
Work = Generator[Step | Sketch, None, Layer]
