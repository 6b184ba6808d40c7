"""A document in memory that implements `Host`, and a session that answers as it is told: what the client's tests stand on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from scumble_protocol.client.host import Canvas, LayerPlan, Marks, Snapshot
from scumble_protocol.client.packing import painted_bounds
from scumble_protocol.errors import RequestError, ScumbleError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, Event, Handle, Provenance, Purpose, Result
from scumble_protocol.pixels import Depth, Picture, Plane


def patterned(width: int, height: int, channels: int = 4, depth: Depth = "u8") -> Plane:
    """Return a plane whose samples differ from place to place."""
    size = width * height * channels * {"u8": 1, "u16": 2, "f16": 2, "f32": 4}[depth]
    return Plane(width, height, channels, depth, bytes(i * 7 % 251 for i in range(size)))


def painted(width: int, height: int, at: Bounds, channels: int = 1, value: int = 255) -> Plane:
    """Return a u8 plane that is 0 but for `at`."""
    samples = bytearray(width * height * channels)
    for y in range(at.y, at.bottom):
        start = (y * width + at.x) * channels
        samples[start : start + at.width * channels] = bytes([value]) * (at.width * channels)
    return Plane(width, height, channels, "u8", bytes(samples))


def cut(plane: Plane, bounds: Bounds) -> Plane:
    """Return the part of a u8 plane inside `bounds`."""
    rows = []
    for y in range(bounds.y, bounds.bottom):
        start = (y * plane.width + bounds.x) * plane.channels
        rows.append(bytes(plane.data[start : start + bounds.width * plane.channels]))
    return Plane(bounds.width, bounds.height, plane.channels, plane.depth, b"".join(rows))


@dataclass
class FakeHost:
    """A canvas of `picture`'s size; cue planes have the canvas's size and are cropped when read."""

    picture: Plane
    handles: tuple[Handle, ...] = ()
    add: Plane | None = None
    subtract: Plane | None = None
    color: Plane | None = None
    mask: Plane | None = None
    grab: Plane | None = None
    closed: bool = False
    placed: list[LayerPlan] = field(default_factory=list)
    reads: list[Bounds] = field(default_factory=list)

    def canvas(self) -> Canvas:
        bounds = Bounds(0, 0, self.picture.width, self.picture.height)
        return Canvas("document-1", bounds, "layer-1", "Background", bounds)

    def marks(self) -> Marks:
        planes = {name: getattr(self, name) for name in ("add", "subtract", "color", "mask", "grab")}
        bounds = {name: painted_bounds(plane) for name, plane in planes.items() if plane is not None}
        return Marks(self.handles, **bounds)

    def read(self, canvas: Canvas, bounds: Bounds) -> Snapshot:
        self.reads.append(bounds)
        planes = {name: getattr(self, name) for name in ("add", "subtract", "color", "mask", "grab")}
        planes = {name: cut(plane, bounds) for name, plane in planes.items() if plane is not None}
        return Snapshot(canvas, bounds, Picture(cut(self.picture, bounds)), self.handles, **planes)

    def place(self, plan: LayerPlan) -> None:
        if self.closed:
            raise RequestError("The document was closed before the edit was done.", "document-gone")
        self.placed.append(plan)


@dataclass
class FakeSession:
    """Remembers what was sent; hands out `events` (with the job's id filled in) at the next poll."""

    sent: list[tuple[str, Edit, Purpose]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    waiting: list[Event] = field(default_factory=list)
    broken: ScumbleError | None = None

    def submit(self, edit: Edit, purpose: Purpose = "final") -> str:
        job = f"job-{len(self.sent) + 1}"
        self.sent.append((job, edit, purpose))
        return job

    def cancel(self, job: str) -> None:
        self.cancelled.append(job)

    def answer(self, *events: Event, job: str = "job-1") -> None:
        self.waiting += [replace(event, job=job) for event in events]

    def poll(self) -> Iterable[Event]:
        if self.broken:
            raise self.broken
        events, self.waiting = self.waiting, []
        return events


PROVENANCE = Provenance("0.1", "warp", "photo-fill", "6f1f3530", "", 1, 7, "cpu")


def layer_result(bounds: Bounds, depth: Depth = "u8", notes: tuple[str, ...] = ()) -> Result:
    """Return a result whose layer fills `bounds` (crop pixels)."""
    return Result("", bounds, patterned(bounds.width, bounds.height, 4, depth), PROVENANCE, notes)
