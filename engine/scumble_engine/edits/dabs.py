"""Colour strokes with an instruction: the words do all that they do alone, and the strokes say in which colours, and where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import ColorStrokes, Cue, Edit, Instruction, Mask, Purpose

from ..assist.guesser import stroke_color
from ..assist.phrases import Phrase, describe
from ..assist.prompts import new_thing
from ..imaging.arrays import Bytes, plane_of
from ..imaging.mask import bounds_of, cut
from ..models.shelf import Shelf
from .brush import brush, strokes_of
from .free_place import LEAST
from .language import language
from .reading import known_words
from .scene import only
from .turns import in_turn
from .work import Step, Work


def say_and_color(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Do what the words say, then paint the strokes' colours. Raises RequestError as both do alone."""
    strokes = strokes_of(edit)
    yield Step(0, 1, "loading")
    words: tuple[Cue, ...] = tuple(cue for cue in edit.cues if not isinstance(cue, ColorStrokes))
    colors = tuple(cue for cue in edit.cues if not isinstance(cue, Instruction))
    told = only(edit, Instruction)
    assert told is not None
    thing = new_thing(told.text, known_words(shelf.diffusion))
    if thing is not None:
        words = _told_there(edit, words, thing, strokes.color[..., 3])
    return (yield from in_turn(edit, shelf, purpose, ((words, language), (colors, brush))))


def _told_there(edit: Edit, cues: tuple[Cue, ...], thing: Phrase, painted: Bytes) -> tuple[Cue, ...]:
    """Ask for a thing in the strokes' colour, where they are: around a dab there is room for it."""
    colored = thing if thing.color else replace(thing, color=stroke_color(edit))
    kept = tuple(cue for cue in cues if not isinstance(cue, Instruction))
    said = Instruction(f"add {describe(colored)}")
    if only(edit, Mask) is not None:
        return (*kept, said)
    room = np.zeros((*painted.shape, 1), np.uint8)
    cut(room, _room_around(bounds_of(painted), room))[...] = 255
    return (*kept, said, Mask(plane_of(room, "u8")))


def _room_around(dab: Bounds, picture: Bytes) -> Bounds:
    height, width = picture.shape[:2]
    side = min(max(dab.width, dab.height, round(LEAST * min(height, width))), height, width)
    x = min(max(0, dab.x + (dab.width - side) // 2), width - side)
    y = min(max(0, dab.y + (dab.height - side) // 2), height - side)
    return Bounds(x, y, side, side)
