"""Room 2, the desk: what the painter placed and said becomes one frozen request. Pure: no host, no sockets, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..errors import RequestError
from ..geometry import NOWHERE, Bounds, bounds_of_points
from ..messages import (
    AddStrokes,
    Character,
    ColorStrokes,
    Cue,
    Edit,
    Grab,
    Handle,
    Instruction,
    Mask,
    PromptPair,
    Provenance,
    Settings,
    SubtractStrokes,
)
from ..pixels import Plane
from ..rules import check_edit, mask_is_empty
from ..wording import said
from .host import Canvas, Marks, Snapshot

Words = Instruction | PromptPair

# Inpainting and diffusion models see 512 px at once: a smaller crop would only show them less of what is around.
LEAST_CROP_PX = 512
LEAST_CONTEXT_PX = 128
# Nobody has said how large the thing under a bare handle is, nor its shadow, so a drag without mask or grab looks further: at
# pictures of up to about 1,000 px whole.
BARE_DRAG_CONTEXT_PX = 512
BARE_DRAG_CONTEXT_SHARE = 0.2

EMPTY_STROKES_NOTE = {
    "add": "The add strokes are empty: paint what should appear.",
    "subtract": "The subtract strokes are empty: paint over what should go.",
    "color": "The colour strokes are empty: paint the colours that you want.",
}
EMPTY_MASK_NOTE = "The mask is empty, so everything may change."
EMPTY_GRAB_NOTE = "The grab mask is empty, so the engine finds what the handles hold."
NOTHING_ASKED_NOTE = "Nothing was asked for: drag a point, paint a stroke, or say what should change."


@dataclass(frozen=True)
class Request:
    """One edit as it will be sent (crop pixels), and the reading that it came from (document pixels)."""

    edit: Edit
    snapshot: Snapshot
    words: Words | None = None
    notes: tuple[str, ...] = ()
    made_by: Provenance | None = None  # of a re-run: what made the layer before


# ---- where to look --------------------------------------------------------------------------------------------------


def crop_for(canvas: Canvas, marks: Marks) -> Bounds:
    """Return the part of the canvas (document pixels) that an edit needs: its marks plus context, or all of the source.

    Raises RequestError for handles outside the canvas and for a source without pixels there.
    """
    reach = canvas.bounds.intersected(canvas.source_bounds)
    if reach.empty:
        raise RequestError(
            said("The layer “{source_name}” has no pixels inside the canvas.", source_name=canvas.source_name),
            "empty-source",
        )
    _check_handles_inside(canvas.bounds, marks.handles)
    touched = _touched(marks).intersected(canvas.bounds)
    if touched.empty:
        return reach
    return _inside(_with_context(touched, marks, canvas.bounds), canvas.bounds)


def _check_handles_inside(canvas: Bounds, handles: Iterable[Handle]) -> None:
    for number, handle in enumerate(handles, start=1):
        for point in (handle.start, handle.end):
            if not canvas.contains(point):
                raise RequestError(
                    said(
                        "Handle {number} leaves the picture at {point_x},{point_y}; it is "
                        "{canvas_width}×{canvas_height} pixels.",
                        number=number,
                        point_x=f"{point.x:g}",
                        point_y=f"{point.y:g}",
                        canvas_width=canvas.width,
                        canvas_height=canvas.height,
                    ),
                    "handle-outside",
                )


def _touched(marks: Marks) -> Bounds:
    touched = bounds_of_points(point for handle in marks.handles for point in (handle.start, handle.end))
    for bounds in (marks.add, marks.subtract, marks.color, marks.mask, marks.grab, marks.character):
        touched = touched.united(bounds or NOWHERE)
    return touched


def _with_context(touched: Bounds, marks: Marks, canvas: Bounds) -> Bounds:
    extent = max(touched.width, touched.height)
    margin = max(LEAST_CONTEXT_PX, extent // 2)
    held = (marks.mask or NOWHERE).united(marks.grab or NOWHERE)
    if marks.handles and held.empty:
        share = int(BARE_DRAG_CONTEXT_SHARE * max(canvas.width, canvas.height))
        margin = max(BARE_DRAG_CONTEXT_PX, extent, share)
    crop = touched.grown(margin)
    wider, higher = max(0, LEAST_CROP_PX - crop.width), max(0, LEAST_CROP_PX - crop.height)
    return Bounds(crop.x - wider // 2, crop.y - higher // 2, crop.width + wider, crop.height + higher)


def _inside(crop: Bounds, canvas: Bounds) -> Bounds:
    """Push the crop into the canvas, so that it keeps its size near a border; cut it only where the canvas is smaller."""
    x = max(canvas.x, min(crop.x, canvas.right - crop.width))
    y = max(canvas.y, min(crop.y, canvas.bottom - crop.height))
    return Bounds(x, y, crop.width, crop.height).intersected(canvas)


# ---- what to ask ----------------------------------------------------------------------------------------------------


def build(snapshot: Snapshot, words: Words | None = None, settings: Settings | None = None) -> Request:
    """Turn a reading, words and settings into a request, checked by the same rules that the engine holds.

    Empty strokes and an empty mask are left out and said so in `notes`. Raises RequestError when nothing is asked for
    or when a cue or setting cannot be met.
    """
    strokes, notes = _strokes(snapshot)
    words = words if words is not None and _spoken(words) else None
    settings = settings or Settings()
    character = None if strokes or words else character_for(snapshot, settings)
    slides = snapshot.slides if character or not (snapshot.handles or strokes or words) else ()
    asked: tuple[Cue, ...] = (
        *([character] if character else ()),
        *_handles(snapshot),
        *slides,
        *strokes,
        *((words,) if words else ()),
    )
    if not asked:
        why = notes[0] if len(notes) == 1 else " ".join(notes)  # one alone keeps its parts
        raise RequestError(why or NOTHING_ASKED_NOTE, "nothing-asked")
    bounding, more_notes = _bounding(snapshot)
    edit = Edit(snapshot.picture, (*asked, *bounding), settings)
    check_edit(edit)
    return Request(edit, snapshot, words, (*notes, *more_notes))


def character_for(snapshot: Snapshot, settings: Settings) -> Character | None:
    """Return the character (crop pixels) that an edit of handles, of slides, or of nothing (a new one) is about.

    By itself an edit is about the character only where every handle holds it; "gan" says that it is, "warp" and "latent" that it
    is not.
    """
    character, handles = snapshot.character, snapshot.handles
    if character is None or (handles and settings.method in ("warp", "latent")):
        return None
    if handles and settings.method != "gan" and not all(character.place.contains(one.start) for one in handles):
        return None
    if character.ws and not handles and not snapshot.slides:
        return None
    return replace(character, place=character.place.moved(-snapshot.bounds.x, -snapshot.bounds.y))


def is_blank(plane: Plane) -> bool:
    """Say whether a stroke or mask plane has no paint: every alpha (the last channel) is 0."""
    if plane.channels == 1:
        return mask_is_empty(plane)
    alpha = bytes(plane.data)[plane.channels - 1 :: plane.channels]
    return alpha.count(0) == len(alpha)


def _handles(snapshot: Snapshot) -> list[Handle]:
    dx, dy = -snapshot.bounds.x, -snapshot.bounds.y
    return [Handle(handle.start.moved(dx, dy), handle.end.moved(dx, dy)) for handle in snapshot.handles]


def _strokes(snapshot: Snapshot) -> tuple[list[Cue], list[str]]:
    cues: list[Cue] = []
    notes = []
    for name, plane in (("add", snapshot.add), ("subtract", snapshot.subtract), ("color", snapshot.color)):
        if plane is not None and is_blank(plane):
            notes.append(EMPTY_STROKES_NOTE[name])
        elif plane is not None:
            cues.append(_stroke_cue(name, plane))
    return cues, notes


def _stroke_cue(name: str, plane: Plane) -> Cue:
    if name == "color":
        return ColorStrokes(plane)
    return AddStrokes(plane) if name == "add" else SubtractStrokes(plane)


def _bounding(snapshot: Snapshot) -> tuple[list[Cue], list[str]]:
    cues: list[Cue] = []
    notes = []
    if snapshot.mask is not None and is_blank(snapshot.mask):
        notes.append(EMPTY_MASK_NOTE)
    elif snapshot.mask is not None:
        cues.append(Mask(snapshot.mask))
    if snapshot.grab is not None and is_blank(snapshot.grab):
        notes.append(EMPTY_GRAB_NOTE)
    elif snapshot.grab is not None:
        cues.append(Grab(snapshot.grab))
    return cues, notes


def _spoken(words: Words) -> bool:
    if isinstance(words, Instruction):
        return bool(words.text.strip())
    return bool(words.source.strip() or words.target.strip())
