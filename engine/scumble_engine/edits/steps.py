"""The five steps of an edit as values, and the walk from one to the next; what each kind does in a step is the table's (ways.py)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, PromptPair, Purpose
from scumble_protocol.pixels import Plane
from torch import Tensor

from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Floats
from ..models.shelf import Shelf
from .model_window import ModelWindow
from .work import Sketch, Step


@dataclass(frozen=True)
class Reading:
    """Read: what is asked for, on the window of the picture in which it may happen."""

    edit: Edit
    shelf: Shelf
    purpose: Purpose
    window: ModelWindow
    pair: PromptPair

    @property
    def model(self) -> DiffusionModel:
        return self.shelf.diffusion

    @property
    def seed(self) -> int:
        return self.edit.settings.seed

    @property
    def strength(self) -> float:
        return self.edit.settings.strength

    @property
    def keeps_detail(self) -> bool:
        """Whether the picture's own fine detail stays everywhere: a recolouring changes no shape."""
        return self.pair.kind == "recolor"

    @property
    def free(self) -> bool:
        """Whether the painter selected nothing, so that the engine says where."""
        return self.window.scene.may is None

    @property
    def steps(self) -> int:
        """Return how many steps the delta loop takes: what the painter says, else what the model likes."""
        usual = self.model.profile.steps if self.purpose == "final" else self.model.profile.preview_steps
        return self.edit.settings.steps or usual


@dataclass(frozen=True)
class Placed:
    """Place: the window that the model sees. `figure` (h, w) of it: the matte of the thing that is meant (None: none was found);
    `x0`: the window's latents; `delta`: what the search for the place found already."""

    window: ModelWindow
    figure: Floats | None = None
    x0: Tensor | None = None
    delta: Tensor | None = None


@dataclass(frozen=True)
class Emptied:
    """A window without its figure: `srgb` (h, w, 3) of the window's own size, and how far it covers the picture, (h, w) 0..1."""

    srgb: Floats
    alpha: Floats


@dataclass(frozen=True)
class Painted:
    """Paint: two pictures of the model's, (h, w, 3), or latents: a change D of `x0`; the ground without a figure, if one was taken
    out; or a `patch` (h, w, 3) in the picture's own space."""

    x0: Tensor | None = None
    delta: Tensor | None = None
    emptied: Emptied | None = None
    patch: Floats | None = None
    before: Floats | None = None
    after: Floats | None = None


Value = TypeVar("Value")
Doing = Generator[Step | Sketch, None, Value]
# Finish: a layer's bounds and pixels, and notes on it.
Done = tuple[Bounds, Plane, tuple[str, ...]]


@dataclass(frozen=True)
class Way:
    """How one kind of edit goes. `otherwise`: what is done where its place finds no figure. `quick`: not too slow for a preview."""

    place: Callable[[Reading, Placed | None], Doing[Placed]]
    paint: Callable[[Reading, Placed], Doing[Painted]]
    finish: Callable[[Reading, Placed, Painted], Done]
    otherwise: Way | None = None
    quick: bool = True


def walk(reading: Reading, way: Way) -> Doing[Done]:
    """Go from a reading to a layer."""
    placed = yield from way.place(reading, None)
    while placed.figure is None and way.otherwise is not None:
        way = way.otherwise
        placed = yield from way.place(reading, placed)
    painted = yield from way.paint(reading, placed)
    return way.finish(reading, placed, painted)
