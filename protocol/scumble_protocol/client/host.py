"""The few things that only a host can do. Krita, GIMP and the headless host each implement `Host`; nothing else knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..geometry import Bounds
from ..messages import Character, Handle, Slide
from ..pixels import Picture, Plane


@dataclass(frozen=True)
class Canvas:
    """The document and its source layer, as far as planning needs them. Bounds are in document pixels."""

    document: str  # the host's own stable id of the document
    bounds: Bounds  # the canvas, at 0,0
    source: str  # the host's own stable id of the source layer
    source_name: str
    source_bounds: Bounds  # where the source layer has pixels (may leave the canvas)


@dataclass(frozen=True)
class Marks:
    """What the painter placed, before any pixel is read. Handles are in document pixels; bounds are where there is paint."""

    handles: tuple[Handle, ...] = ()
    add: Bounds | None = None
    subtract: Bounds | None = None
    color: Bounds | None = None
    mask: Bounds | None = None  # the selection or layer mask; None = there is none
    grab: Bounds | None = None
    character: Bounds | None = None


@dataclass(frozen=True)
class Snapshot:
    """One reading of everything that an edit needs, cropped to `bounds` (document pixels). All planes have the crop's size."""

    canvas: Canvas
    bounds: Bounds
    picture: Picture
    handles: tuple[Handle, ...] = ()  # document pixels
    add: Plane | None = None
    subtract: Plane | None = None
    color: Plane | None = None
    mask: Plane | None = None
    grab: Plane | None = None
    character: Character | None = None  # document pixels
    slides: tuple[Slide, ...] = ()


@dataclass(frozen=True)
class LayerPlan:
    """What the host should do in one undo step: put `picture` as a new layer `name` at `bounds`, just above `above`."""

    name: str
    bounds: Bounds  # document pixels
    picture: Picture  # RGBA, in the depth and space that was read
    above: str  # Canvas.source
    recipe: str  # JSON, to be kept with the layer
    notes: tuple[str, ...] = ()


class Host(Protocol):
    """Rooms 1 and 8 of the house: read once, place once. Every call raises RequestError with a sentence when it cannot."""

    def canvas(self) -> Canvas:
        """Describe the document and the layer that is the source."""
        ...

    def marks(self) -> Marks:
        """Say where the painter has placed cues, without reading pixels."""
        ...

    def read(self, canvas: Canvas, bounds: Bounds) -> Snapshot:
        """Read picture and cue planes inside `bounds`; helper layers never enter the picture."""
        ...

    def place(self, plan: LayerPlan) -> None:
        """Add the layer in one undo step; refuse when the document or source layer is gone."""
        ...
