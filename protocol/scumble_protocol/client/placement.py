"""Room 8, the easel: what came back becomes a named layer at its place in the document, with its recipe. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ..errors import ProtocolError
from ..geometry import Bounds
from ..messages import (
    AddStrokes,
    Character,
    ColorStrokes,
    Edit,
    Handle,
    Instruction,
    PromptPair,
    Provenance,
    Result,
    Slide,
    SubtractStrokes,
)
from ..pixels import Picture
from ..wording import said
from .host import LayerPlan
from .packing import PackedPlane
from .recipe import Recipe, pack_planes, picture_sha256, to_json
from .request import Request

LONGEST_NAME = 60


@dataclass(frozen=True)
class Draft:
    """What of a recipe is known before there is a result, and takes a while to work out."""

    picture_sha256: str
    packed: dict[str, PackedPlane]


def draft_recipe(request: Request) -> Draft:
    """Hash the picture and pack the cues. Pure, and slow for large crops: made beside the waiting, not on a host's main thread."""
    return Draft(picture_sha256(request.edit.picture), pack_planes(request.snapshot))


def plan_layer(request: Request, result: Result, draft: Draft | None) -> LayerPlan:
    """Say which layer to add, where and under which name; without a draft it gets no recipe (previews).

    Raises ProtocolError for a layer that doesn't fit the request.
    """
    _check_fit(request.edit, result)
    sent, corner = request.edit.picture, request.snapshot.bounds
    return LayerPlan(
        name=layer_name(request.edit),
        bounds=result.bounds.moved(corner.x, corner.y),
        picture=Picture(result.plane, sent.space, sent.icc),
        above=request.snapshot.canvas.source,
        recipe=to_json(recipe_of(request, result, draft)) if draft else "",
        notes=(*request.notes, *_other_means(request.made_by, result.provenance), *result.notes),
    )


def _other_means(before: Provenance | None, now: Provenance) -> tuple[str, ...]:
    """Say when a layer is made again by something else than what made it first: then its pixels may differ."""
    means = {"model": "model", "weights_sha256": "weights", "device": "device", "engine_version": "engine version"}
    changed = [word for name, word in means.items() if before and getattr(before, name) != getattr(now, name)]
    if not changed:
        return ()
    what = " and ".join(changed)
    return (said("Since this layer was made, the {what} changed, so the new layer may differ.", what=what),)


def recipe_of(request: Request, result: Result, draft: Draft) -> Recipe:
    """Write down what was asked and what answered it."""
    snapshot, painted = request.snapshot, result.character
    begun = any(isinstance(cue, Character) for cue in request.edit.cues)
    if painted is not None:
        painted = replace(painted, place=painted.place.moved(snapshot.bounds.x, snapshot.bounds.y))
    return Recipe(
        source_name=snapshot.canvas.source_name,
        region=snapshot.bounds,
        picture_sha256=draft.picture_sha256,
        settings=request.edit.settings,
        provenance=result.provenance,
        handles=snapshot.handles,
        words=request.words,
        reading=result.reading,
        character=painted,
        begun=snapshot.character if begun else None,
        slides=snapshot.slides if begun else (),
        **draft.packed,
    )


def _check_fit(edit: Edit, result: Result) -> None:
    sent, plane, bounds = edit.picture.plane, result.plane, result.bounds
    inside = bounds.intersected(Bounds(0, 0, sent.width, sent.height)) == bounds
    if not inside or (plane.width, plane.height) != (bounds.width, bounds.height):
        raise ProtocolError("The engine answered with a layer that does not fit the picture; nothing was changed.")
    if plane.channels != 4 or plane.depth != sent.depth:
        raise ProtocolError("The engine answered in another pixel format than it was sent; nothing was changed.")


# ---- names ----------------------------------------------------------------------------------------------------------


def layer_name(edit: Edit) -> str:
    """Name a layer by its cues, as a painter would: "Drag 2 handles", "Erase", "Say: make the apple green"."""
    kinds = {type(cue) for cue in edit.cues}
    slides = [f"{cue.name} {cue.amount:+g}" for cue in edit.cues if isinstance(cue, Slide)]
    if Character in kinds and Handle not in kinds:
        return _shortened("Character: " + ", ".join(slides) if slides else "Character")
    parts = [_drag_part(sum(isinstance(cue, Handle) for cue in edit.cues))] if Handle in kinds else []
    names = {AddStrokes: "Add", SubtractStrokes: "Erase", ColorStrokes: "Colour"}
    parts += [name for kind, name in names.items() if kind in kinds]
    parts += [_words_part(cue) for cue in edit.cues if isinstance(cue, (Instruction, PromptPair))]
    name = ", ".join(part if number == 0 else part[0].lower() + part[1:] for number, part in enumerate(parts))
    return _shortened(name)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _drag_part(handles: int) -> str:
    return f"Drag {handles} handle{'s' if handles != 1 else ''}"


def _words_part(words: Instruction | PromptPair) -> str:
    text = words.text if isinstance(words, Instruction) else f"{words.source} → {words.target}"
    return "Say: " + " ".join(text.split())


def unused_name(name: str, taken: Collection[str]) -> str:
    """Return the name, or "name 2", "name 3" … when the document has it already."""
    if name not in taken:
        return name
    number = 2
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"
