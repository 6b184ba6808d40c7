"""What an edit must satisfy before anyone works on it, each with one sentence for the painter. Pure; host and engine both ask."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from .errors import RequestError
from .geometry import Point
from .messages import (
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
    Settings,
    Slide,
    SubtractStrokes,
)
from .pixels import Plane
from .wording import said

MAX_TEXT_CHARS = 4000
MAX_HANDLES = 256
MAX_STEPS = 1000
MAX_SEED = 2**32 - 1
MAX_FEATHER_PX = 512.0
MIN_DRAG_PX = 0.5
MAX_WORDS = 64
MAX_SLIDES = 64
MAX_SLIDE = 6.0  # standard deviations: farther off no generator has learnt anything
MAX_WS_CHARS = 2**17

_CHUNK_BYTES = 2**16
_GENERATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # a name, never a path
_ONCE = (Character, Mask, Grab, Instruction, PromptPair, AddStrokes, SubtractStrokes, ColorStrokes)
# cues that ask for a change
_PAINT = (Handle, AddStrokes, SubtractStrokes, ColorStrokes, Instruction, PromptPair, Slide)
_NAMES: dict[type, str] = {
    Character: "character",
    Mask: "mask",
    Grab: "hold mask",
    Instruction: "instruction",
    PromptPair: "pair of prompts",
    AddStrokes: "layer of add strokes",
    SubtractStrokes: "layer of subtract strokes",
    ColorStrokes: "layer of colour strokes",
}


def check_edit(edit: Edit) -> None:
    """Check everything about an edit that needs no model. Raises RequestError with one sentence."""
    _check_counts(edit.cues)
    handles = [cue for cue in edit.cues if isinstance(cue, Handle)]
    _check_handles(handles, edit.picture.plane)
    for cue in edit.cues:
        _check_cue(cue, edit.picture.plane)
    check_settings(edit.settings)


def check_settings(settings: Settings) -> None:
    """Check the numbers. Raises RequestError with one sentence."""
    if not 0 <= settings.strength <= 1:  # false for NaN too
        raise RequestError(
            said("Strength is a number from 0 to 1, not {strength}.", strength=f"{settings.strength:g}"), "bad-strength"
        )
    if not 0 <= settings.steps <= MAX_STEPS:
        raise RequestError(
            said(
                "Steps are a number from 1 to {max_steps}, or 0 for automatic, not {steps}.",
                max_steps=MAX_STEPS,
                steps=settings.steps,
            ),
            "bad-steps",
        )
    if not 0 <= settings.seed <= MAX_SEED:
        raise RequestError(
            said("The seed is a whole number from 0 to {max_seed}, not {seed}.", max_seed=MAX_SEED, seed=settings.seed),
            "bad-seed",
        )
    if not 0 <= settings.feather_px <= MAX_FEATHER_PX:
        raise RequestError(
            said(
                "The feather is 0 to {max_feather_px} pixels wide, not {feather_px}.",
                max_feather_px=f"{MAX_FEATHER_PX:g}",
                feather_px=f"{settings.feather_px:g}",
            ),
            "bad-feather",
        )


def check_text(text: str, what: str = "sentence") -> None:
    """Check words that a painter wrote. Raises RequestError when they are none, too many, or hold what is not text."""
    if not text.strip():
        raise RequestError(said("The {what} is empty: say what should change.", what=what), "empty-text")
    if len(text) > MAX_TEXT_CHARS:
        raise RequestError(
            said(
                "The {what} has {count} characters; {max_text_chars} is the most. Say it more shortly.",
                what=what,
                count=f"{len(text):,}",
                max_text_chars=f"{MAX_TEXT_CHARS:,}",
            ),
            "text-too-long",
        )
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise RequestError(
            said("The {what} holds a character that is not whole. Type it again.", what=what), "bad-text"
        )


def mask_is_empty(plane: Plane) -> bool:
    """Say whether every sample of a plane is zero. Stops at the first that is not; 4 MiB of zeros take about 1 ms."""
    return next(_painted_chunks(plane), None) is None


def _painted_chunks(plane: Plane) -> Iterator[bytes]:
    """Yield the pieces of a plane that are not all zero. In pieces, so that a host's main thread is never kept waiting."""
    view = memoryview(plane.data).cast("B")
    blank = bytes(_CHUNK_BYTES)
    for start in range(0, len(view), _CHUNK_BYTES):
        chunk = view[start : start + _CHUNK_BYTES].tobytes()
        if chunk != blank[: len(chunk)]:
            yield chunk


def notes_for(edit: Edit) -> tuple[str, ...]:
    """Return sentences about what is allowed but worth saying."""
    if any(isinstance(cue, Mask) and mask_is_empty(cue.alpha) for cue in edit.cues):
        return ("The mask is empty, so the edit may change the whole picture.",)
    return ()


def _check_counts(cues: tuple[Cue, ...]) -> None:
    counts = Counter(type(cue) for cue in cues)
    for kind in _ONCE:
        if counts[kind] > 1:
            raise RequestError(
                said("An edit takes one {what}, not {count}.", what=_NAMES[kind], count=counts[kind]),
                "too-many-cues",
            )
    if counts[Instruction] and counts[PromptPair]:
        raise RequestError("Give an instruction or a pair of prompts, not both.", "too-many-cues")
    if counts[Handle] > MAX_HANDLES:
        raise RequestError(
            said(
                "An edit takes at most {max_handles} handles, not {count}.",
                max_handles=MAX_HANDLES,
                count=counts[Handle],
            ),
            "too-many-cues",
        )
    if counts[Grab] and not counts[Handle]:
        raise RequestError("What to hold is marked, but there is no handle to move it: drag one.", "no-handles")
    if counts[Slide] > MAX_SLIDES:
        raise RequestError(said("An edit takes at most {most} slides.", most=MAX_SLIDES), "too-many-cues")
    if counts[Slide] and not counts[Character]:
        raise RequestError("Only a character that a generator painted can be changed by sliders.", "no-character")
    new = any(isinstance(cue, Character) and not cue.ws for cue in cues)
    if not new and not any(counts[kind] for kind in _PAINT):
        raise RequestError(
            "There is nothing to do yet: drag a handle, paint a stroke or say what should change.", "no-cues"
        )


def _check_handles(handles: list[Handle], plane: Plane) -> None:
    starts: dict[tuple[int, int], int] = {}
    for number, handle in enumerate(handles, 1):
        for point in (handle.start, handle.end):
            _check_inside(point, number, plane)
        if handle.start.distance(handle.end) < MIN_DRAG_PX:
            raise RequestError(
                said("Handle {number} ends where it starts: drag it to where it should go.", number=number),
                "handle-still",
            )
        pixel = (math.floor(handle.start.x), math.floor(handle.start.y))
        if pixel in starts:
            raise RequestError(
                said(
                    "Handles {first} and {number} start on the same pixel: move or remove one.",
                    first=starts[pixel],
                    number=number,
                ),
                "handles-same",
            )
        starts[pixel] = number


def _check_inside(point: Point, number: int, plane: Plane) -> None:
    if not (math.isfinite(point.x) and math.isfinite(point.y)):
        raise RequestError(
            said("Handle {number} is at no place: its position is not a number.", number=number), "handle-nowhere"
        )
    if not (0 <= point.x < plane.width and 0 <= point.y < plane.height):
        raise RequestError(
            said(
                "Handle {number} is outside the picture: ({point_x}, {point_y}) is not within "
                "{plane_width}×{plane_height}.",
                number=number,
                point_x=f"{point.x:g}",
                point_y=f"{point.y:g}",
                plane_width=plane.width,
                plane_height=plane.height,
            ),
            "handle-outside",
        )


def _check_cue(cue: Cue, picture: Plane) -> None:
    if isinstance(cue, Mask | Grab | AddStrokes | SubtractStrokes):
        _check_plane(cue.alpha, 1, _NAMES[type(cue)], picture)
    if isinstance(cue, ColorStrokes):
        _check_plane(cue.rgba, 4, _NAMES[ColorStrokes], picture)
    if isinstance(cue, AddStrokes | SubtractStrokes) and mask_is_empty(cue.alpha):
        raise RequestError(
            said("The {what} is empty: paint where the change should be.", what=_NAMES[type(cue)]), "empty-strokes"
        )
    if isinstance(cue, ColorStrokes) and _transparent(cue.rgba):
        raise RequestError(
            said("The {what} is empty: paint where the change should be.", what=_NAMES[ColorStrokes]), "empty-strokes"
        )
    if isinstance(cue, Grab) and mask_is_empty(cue.alpha):
        raise RequestError(
            "The hold mask is empty: mark what the handles should move, or leave it out.", "empty-strokes"
        )
    if isinstance(cue, Instruction):
        check_text(cue.text, "instruction")
    if isinstance(cue, PromptPair):
        _check_pair(cue)
    if isinstance(cue, Character):
        check_character(cue)
    if isinstance(cue, Slide):
        check_slide(cue)


def check_character(character: Character) -> None:
    """Check a character short of reading its w. Raises RequestError with one sentence."""
    if not _GENERATOR.fullmatch(character.generator) or len(character.ws) > MAX_WS_CHARS:
        raise RequestError("What this layer says of its generator is damaged.", "bad-character")
    if character.place.empty:
        raise RequestError("The character has no place: it is less than a pixel large.", "bad-character")


def check_slide(slide: Slide) -> None:
    """Check a slider's number. Raises RequestError with one sentence."""
    if not abs(slide.amount) <= MAX_SLIDE or not slide.name or len(slide.name) > 64:
        raise RequestError(
            said("A slider goes from -{most} to {most}.", most=f"{MAX_SLIDE:g}"),
            "bad-slide",
        )


def _transparent(rgba: Plane) -> bool:
    return not any(chunk[3::4].strip(b"\0") for chunk in _painted_chunks(rgba))  # a chunk holds whole pixels


def _check_pair(pair: PromptPair) -> None:
    check_text(pair.source, "prompt for what the picture shows")
    check_text(pair.target, "prompt for what it should show")
    for words in (pair.blend, pair.keep):
        if len(words) > MAX_WORDS or any(len(word) > MAX_TEXT_CHARS for word in words):
            raise RequestError(
                said("At most {max_words} words can be tied or kept in a pair of prompts.", max_words=MAX_WORDS),
                "text-too-long",
            )


def _check_plane(plane: Plane, channels: int, name: str, picture: Plane) -> None:
    if (plane.width, plane.height) != (picture.width, picture.height):
        raise RequestError(
            said(
                "The {name} is {plane_width}×{plane_height} pixels but the picture is "
                "{picture_width}×{picture_height}; they must be of one size.",
                name=name,
                plane_width=plane.width,
                plane_height=plane.height,
                picture_width=picture.width,
                picture_height=picture.height,
            ),
            "size-mismatch",
        )
    if plane.channels != channels or plane.depth != "u8":
        raise RequestError(
            said(
                "The {name} must have {channels} channel{plural} of 8 bits, not {plane_channels} of {plane_depth}.",
                name=name,
                channels=channels,
                plural="s" * (channels > 1),
                plane_channels=plane.channels,
                plane_depth=plane.depth,
            ),
            "bad-pixels",
        )
