"""What the docker says of cues, jobs and the engine, in words."""

from __future__ import annotations

from krita import Document, Node
from scumble_protocol.messages import Handle

from . import points, strokes
from .masks import layer_mask
from .panel import CueRow
from .selections import selection_bounds
from .words import say
from .work import Job

CUE_NAMES = {"add": "Add strokes", "subtract": "Remove strokes", "color": "Colour strokes"}


def cue_rows(document: Document, found: list[points.Segment], source: Node | None = None) -> list[CueRow]:
    """Return a row for each cue that the next edit of `source` would use."""
    rows = [CueRow(f"handle:{name}", _handle_words(number, handle)) for number, (name, handle) in enumerate(found, 1)]
    rows += [CueRow(role, say(CUE_NAMES[role])) for role in strokes.ROLES if strokes.painted_bounds(document, role)]
    if rows and selection_bounds(document) is not None:
        rows.append(CueRow("selection", say("Selection: bounds the edit"), removable=False))
    elif rows and source is not None and layer_mask(source) is not None:
        rows.append(CueRow("mask", say("Transparency mask: bounds the edit"), removable=False))
    return rows


def _handle_words(number: int, handle: Handle) -> str:
    start, end = handle.start, handle.end
    return say("Drag {number}", number=number) + f"   {start.x:.0f}, {start.y:.0f} → {end.x:.0f}, {end.y:.0f}"


def engine_words(phase: str, model: str, device: str) -> str:
    """Say what the engine is doing, with its model's name."""
    if phase == "off":
        return say("Engine off: it starts with the first edit")
    if phase == "starting":
        return say("Engine starting…")
    if phase == "failed":
        return say("No engine")
    word = say("Busy") if phase == "busy" else say("Ready")
    named = say("Scumble's own models") if model == "auto" else model
    return " · ".join(part for part in (word, named, device) if part not in ("", "auto"))


def job_words(job: Job) -> str:
    """Say how far a job is, for the progress bar."""
    run = job.run
    if run is None:
        return say("Starting the engine…")
    if run.phase in ("sent", "queued"):
        return say("Waiting for {count} before it", count=run.ahead) if run.ahead else say("Sent…")
    progress = run.progress
    if progress is None:
        return say("Working…")
    stage = say(progress.stage or "working")
    stage = stage[:1].upper() + stage[1:]
    return (
        f"{stage} · {say('{seconds} s left', seconds=round(progress.seconds_left))}"
        if progress.seconds_left >= 0
        else stage
    )
