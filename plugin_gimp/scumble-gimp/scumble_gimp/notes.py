"""Texts that we keep with layers and paths, as parasites: they are saved in the .xcf and follow undo."""

from __future__ import annotations

from gi.repository import Gimp

RECIPE = "scumble-recipe"  # on a result layer: how it was made (JSON)
BENEATH = "scumble-source"  # on a result layer and on the strokes group: the tattoo of the layer that is edited
STROKES = "scumble-strokes"  # on a stroke layer: "add", "subtract" or "color"; on their group: "group"
USED = "scumble-used"  # on a path: the fingerprint of the anchors that an edit has used


def note(item: Gimp.Item, name: str) -> str:
    """Return the text kept under that name ("" when there is none)."""
    parasite = item.get_parasite(name)
    signed = parasite.get_data() if parasite else ()  # bytes as numbers from -128 to 127
    return bytes(number & 0xFF for number in signed).rstrip(b"\0").decode("utf-8", "replace")


def notes_on(item: Gimp.Item) -> list[str]:
    """Return the names of what is kept with the item, without fetching it."""
    return list(item.get_parasite_list())


def keep_note(item: Gimp.Item, name: str, text: str) -> None:
    """Keep the text with the item: saved with the document, and one step of undo when the item is in one."""
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    item.attach_parasite(Gimp.Parasite.new(name, flags, text.encode()))
