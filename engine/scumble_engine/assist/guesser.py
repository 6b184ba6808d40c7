"""Strokes -> words: the three likeliest things that a drawing may show. Loaded when first asked, and let go of when told.

The embedded guesser knows the illustrator's words; a transformers image-text-to-text model can fill the same slot (`Guesser`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from scumble_protocol.errors import RequestError, ScumbleError
from scumble_protocol.messages import AddStrokes, ColorStrokes, Edit

from ..imaging.arrays import Bools, Bytes, array_of
from ..imaging.palette import nearest_color
from .sketch_net import SketchNet, framed
from .small_net import load_net
from .vocabulary import Vocabulary, with_article

WEIGHTS = Path(__file__).parent.parent / "models" / "weights" / "guesser"
COVERED = 32
TOP = 3


@dataclass(frozen=True)
class Guesses:
    """Words, the likeliest first, their probabilities, the colour that was painted ("" = none), and what the painter should know."""

    words: tuple[str, ...]
    probabilities: tuple[float, ...]
    color: str = ""
    note: str = ""

    @property
    def prompt(self) -> str:
        """The likeliest, said as a prompt: "a red hat"."""
        return with_article(f"{self.color} {self.words[0]}".strip()) if self.words else ""


class Guesser(Protocol):
    """What can say what lines show. May raise ScumbleError where it can't be used."""

    def guess(self, lines: Bools, picture: Bytes | None = None) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """Return up to three words and their probabilities for drawn lines (height, width), on a picture of any size, sRGB u8."""
        ...


class EmbeddedGuesser:
    """The small network that comes with the engine."""

    def __init__(self, folder: Path) -> None:
        self._net, facts = load_net(
            folder,
            lambda told: SketchNet(len(told["words"]), told["width"]),
            "install Scumble again, or say what the strokes show",
        )
        self._words: list[str] = facts["words"]

    def guess(self, lines: Bools, picture: Bytes | None = None) -> tuple[tuple[str, ...], tuple[float, ...]]:
        import torch

        drawing = torch.from_numpy(framed(lines))[None, None]
        with torch.no_grad():
            chances = self._net(drawing).softmax(1)[0]
        top = chances.topk(min(TOP, len(self._words)))
        return tuple(self._words[int(i)] for i in top.indices), tuple(float(p) for p in top.values)


@lru_cache(maxsize=1)
def load_guesser(folder: Path = WEIGHTS) -> Guesser:
    """Return the embedded guesser, loaded once; `load_guesser.cache_clear()` lets go of it. Raises EngineError without weights."""
    return EmbeddedGuesser(folder)


def guess_strokes(
    edit: Edit, words: Vocabulary, guesser: Guesser | None = None, picture: Bytes | None = None
) -> Guesses:
    """Guess what an edit's add strokes show (without any, its colour strokes). Raises RequestError when nothing is drawn.

    `guesser`: the painter's own, which is shown the `picture` too; where it can't be used or says nothing that the model knows, the
    embedded one guesses.
    """
    lines, color = drawn_lines(edit), stroke_color(edit)
    if not lines.any():
        raise RequestError("There are no strokes to guess from; draw something first.", "bad-strokes")
    note = ""
    if guesser is not None:
        try:
            found = _known(guesser, lines, words, picture)
            note = "" if found else "The guesser named nothing that the model knows; the engine's own guessed instead."
        except ScumbleError as error:
            found, note = {}, error.sentence
        if found:
            return Guesses(tuple(found), tuple(found.values()), color)
    found = _known(load_guesser(), lines, words)
    return Guesses(tuple(found), tuple(found.values()), color, note)


def _known(guesser: Guesser, lines: Bools, words: Vocabulary, picture: Bytes | None = None) -> dict[str, float]:
    """Return what a guesser says in the model's own words, each once, the likeliest first."""
    found: dict[str, float] = {}
    for word, chance in zip(*guesser.guess(lines, picture), strict=True):
        noun = words.noun(word)
        if noun:
            found[noun] = found.get(noun, 0.0) + chance
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def drawn_lines(edit: Edit) -> Bools:
    """Return all add strokes of an edit, (height, width); where there are none, the outline of its colour strokes."""
    shape = (edit.picture.plane.height, edit.picture.plane.width)
    lines = np.zeros(shape, bool)
    for cue in edit.cues:
        if isinstance(cue, AddStrokes):
            lines |= array_of(cue.alpha)[..., 0] >= COVERED
    if lines.any():
        return lines
    from scipy import ndimage

    painted = np.zeros(shape, bool)
    for cue in edit.cues:
        if isinstance(cue, ColorStrokes):
            painted |= array_of(cue.rgba)[..., 3] >= COVERED
    outline: Bools = painted & ~ndimage.binary_erosion(painted)
    return outline


def stroke_color(edit: Edit) -> str:
    """Return the colour word nearest to what the colour strokes paint (CIE Lab), or nothing where there are none."""
    pixels = [
        array_of(cue.rgba)[array_of(cue.rgba)[..., 3] >= COVERED][:, :3]
        for cue in edit.cues
        if isinstance(cue, ColorStrokes)
    ]
    painted = np.concatenate(pixels) if pixels else np.zeros((0, 3), np.uint8)
    return nearest_color(painted / 255.0) if len(painted) else ""
