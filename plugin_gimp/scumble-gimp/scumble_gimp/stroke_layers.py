"""The three layers that the painter scribbles on, in a group of their own. None of them ever enters the engine's input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gi.repository import Gimp
from scumble_protocol.errors import RequestError

from .notes import BENEATH, STROKES, keep_note, note
from .wording import _

KINDS = ("add", "subtract", "color")
GROUP = "group"
OPACITY = 65.0  # per cent: strokes should not hide what they are about


def names() -> dict[str, str]:
    """Return what the layers are called, in the painter's language."""
    return {"add": _("Add (+)"), "subtract": _("Subtract (−)"), "color": _("Colours"), GROUP: _("Scumble strokes")}


def find_group(image: Gimp.Image) -> Gimp.GroupLayer | None:
    """Return the picture's strokes group, if it has one."""
    groups = (layer for layer in image.get_layers() if isinstance(layer, Gimp.GroupLayer))
    return next((group for group in groups if note(group, STROKES) == GROUP), None)


def find_layer(image: Gimp.Image, kind: str) -> Gimp.Layer | None:
    """Return the stroke layer of that kind, if there is one."""
    group = find_group(image)
    layers = group.get_children() if group else []
    return next((layer for layer in layers if note(layer, STROKES) == kind), None)


def is_one(item: Gimp.Item) -> bool:
    """Say whether the item is a stroke layer, or their group."""
    return bool(note(item, STROKES))


def shown(layer: Gimp.Item) -> bool:
    """Say whether the layer and every group around it are visible: strokes that are hidden don't count."""
    parent = layer.get_parent()
    return layer.get_visible() and (parent is None or shown(parent))


@contextmanager
def one_step(image: Gimp.Image) -> Iterator[None]:
    """Make everything inside one step of undo."""
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()
        Gimp.displays_flush()


def make_ready(image: Gimp.Image, source: Gimp.Layer, kind: str) -> Gimp.Layer:
    """Make (or show) the layer for that kind of stroke and choose it, so that the painter's brush lands on it.

    Strokes that an earlier edit has used, and hidden, are cleared. Raises RequestError for an indexed picture.
    """
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise RequestError(_("An indexed picture can't be edited; change it with Image > Mode > RGB."), "indexed")
    with one_step(image):
        group = find_group(image) or _add_group(image)
        if not group.get_visible():
            _clear(group)
        keep_note(group, BENEATH, str(source.get_tattoo()))
        layer = find_layer(image, kind) or _add_layer(image, group, kind)
        layer.set_visible(True)
        group.set_visible(True)
        image.set_selected_layers([layer])
    return layer


def hide(image: Gimp.Image) -> None:
    """Hide the strokes once an edit has used them."""
    group = find_group(image)
    if group and group.get_visible():
        group.set_visible(False)


def _clear(group: Gimp.GroupLayer) -> None:
    for layer in group.get_children():
        layer.fill(Gimp.FillType.TRANSPARENT)


def _add_group(image: Gimp.Image) -> Gimp.GroupLayer:
    group = Gimp.GroupLayer.new(image, names()[GROUP])
    keep_note(group, STROKES, GROUP)
    image.insert_layer(group, None, 0)
    return group


def _add_layer(image: Gimp.Image, group: Gimp.GroupLayer, kind: str) -> Gimp.Layer:
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind_of_pixels = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    size = (image.get_width(), image.get_height())
    layer = Gimp.Layer.new(image, names()[kind], *size, kind_of_pixels, OPACITY, Gimp.LayerMode.NORMAL)
    keep_note(layer, STROKES, kind)
    image.insert_layer(layer, group, KINDS.index(kind))
    layer.set_offsets(0, 0)
    return layer
