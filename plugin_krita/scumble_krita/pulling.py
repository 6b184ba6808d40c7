"""The live look while a handle is pulled: the engine warps what lies under the pointer, and only the newest pull counts."""

from __future__ import annotations

from dataclasses import replace

from scumble_protocol.client.host import Snapshot
from scumble_protocol.client.request import build, crop_for
from scumble_protocol.client.run import EditRun
from scumble_protocol.errors import ScumbleError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Handle, Settings
from scumble_protocol.pixels import Picture, Plane

from .canvas import KritaHost
from .nodes import open_document
from .overlay import Look
from .qt import QImage
from .spaces import SRGB_U8, space_of
from .work import Work

LAYOUTS = {"u8": QImage.Format.Format_RGBA8888, "u16": QImage.Format.Format_RGBA64}


def image_of(plane: Plane) -> QImage:
    """Make an image of an RGBA plane of 8 or 16 bits."""
    row_bytes = plane.width * 4 * (2 if plane.depth == "u16" else 1)
    return QImage(bytes(plane.data), plane.width, plane.height, row_bytes, LAYOUTS[plane.depth]).copy()


class Pulling:
    """Reads the canvas once a pull, then asks again and again with the handle where the pointer is."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._host: KritaHost | None = None
        self._snapshot: Snapshot | None = None
        self._shown: EditRun | None = None
        self._look: Look | None = None

    def follow(self, source: str, handles: tuple[Handle, ...], grab: bool) -> None:
        """Ask for a look at these handles, the last of which is being pulled. Does nothing without a ready engine."""
        state = self._work.state
        if state is None or "Handle" not in state.cues:
            return
        try:
            snapshot = self._reading(source, handles, grab)
            inside = tuple(h for h in handles if snapshot.bounds.contains(h.start) and snapshot.bounds.contains(h.end))
            request = build(replace(snapshot, handles=inside), None, Settings(method="warp"))
        except ScumbleError:
            return  # half a pull need not make sense; Edit says what is wrong
        assert self._host is not None
        self._work.preview(self._host, request)

    def look(self) -> Look | None:
        """Return the newest look that has come back."""
        live = self._work.live
        if live is not None and live.phase == "previewed" and live is not self._shown and live.layer is not None:
            self._shown = live
            self._look = Look(image_of(live.layer.picture.plane), live.layer.bounds)
        return self._look

    def stop(self) -> None:
        """Forget the pull and its look."""
        self._work.stop_preview()
        self._host = self._snapshot = self._shown = self._look = None

    def _reading(self, source: str, handles: tuple[Handle, ...], grab: bool) -> Snapshot:
        if self._snapshot is not None and self._snapshot.bounds.contains(handles[-1].end):
            return self._snapshot
        self._host = host = KritaHost.of_active(source, grab)
        canvas, marks = host.canvas(), host.marks()
        bounds = crop_for(canvas, replace(marks, handles=handles, add=None, subtract=None, color=None))
        snapshot = replace(host.read(canvas, bounds), add=None, subtract=None, color=None)
        self._snapshot = replace(snapshot, picture=_rough(host.document, snapshot, bounds))
        return self._snapshot


def _rough(document_key: str, snapshot: Snapshot, bounds: Bounds) -> Picture:
    """Return the picture in sRGB of 8 bits, as Krita shows it, so that looks can be painted without conversion."""
    document = open_document(document_key)
    if space_of(document) == SRGB_U8:
        return snapshot.picture
    shown = document.projection(bounds.x, bounds.y, bounds.width, bounds.height)
    image = shown.convertToFormat(QImage.Format.Format_RGBA8888)
    bits = image.constBits()
    assert bits is not None
    bits.setsize(image.sizeInBytes())
    return Picture(Plane(bounds.width, bounds.height, 4, "u8", bytes(bits)))  # type: ignore[call-overload]
