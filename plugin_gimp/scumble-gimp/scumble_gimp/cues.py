"""What the painter has placed so far, in words: for the dialog and the panel. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from scumble_protocol.client.host import Marks

from .wording import _, counted


@dataclass(frozen=True)
class CueLine:
    """One cue: its kind ("drag", "add", "subtract", "color", "mask" or "grab") and a line about it."""

    kind: str
    text: str


def cue_lines(marks: Marks, by_layer_mask: bool = False) -> list[CueLine]:
    """Return a line for each cue that is there; strokes that are blank are none. `by_layer_mask`: it is what bounds the edit."""
    bound = _("Only what the layer mask shows may change") if by_layer_mask else _("Only the selection may change")
    lines = []
    if marks.handles:
        lines.append(CueLine("drag", counted(len(marks.handles), "{number} drag point", "{number} drag points")))
    for kind, bounds, text in (
        ("add", marks.add, _("Strokes that add something")),
        ("subtract", marks.subtract, _("Strokes over what should go")),
        ("color", marks.color, _("Strokes of colour")),
        ("mask", marks.mask, bound),
        ("grab", marks.grab, _("The selection is what moves")),
    ):
        if bounds is not None and not bounds.empty:
            lines.append(CueLine(kind, text))
    return lines


def found_sentence(lines: list[CueLine]) -> str:
    """Say on one line what an edit would take from the canvas."""
    found = [line.text for line in lines]
    if not found:
        return _("Nothing is placed on the canvas yet: say below what should change, or draw a path or strokes first.")
    return _("On the canvas: {cues}.").format(cues="; ".join(found))
