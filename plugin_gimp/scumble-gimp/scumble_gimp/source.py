"""Which layer an edit is about, and why it can't be when it can't: one clear sentence each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gi.repository import Gimp
from scumble_protocol.errors import RequestError

from . import stroke_layers
from .notes import BENEATH, RECIPE, note
from .wording import _


def source_of(image: Gimp.Image | None, chosen: Sequence[Gimp.Item] | None = None) -> Gimp.Layer:
    """Return the layer to edit: the chosen one, or the one that the chosen stroke layer is about.

    Raises RequestError, with what to do, for no picture, no layer, and layers that can't be a source.
    """
    check_picture(image)
    assert image is not None
    layer = _chosen_layer(image, list(chosen) if chosen else image.get_selected_drawables())
    if stroke_layers.is_one(layer):
        layer = _remembered(image, layer)
    check_layer(layer)
    return layer


def check_picture(image: Gimp.Image | None) -> None:
    """Raise RequestError when there is no picture, or none that takes a layer of full colour or gray."""
    if image is None or not image.is_valid():
        raise RequestError(_("No picture is open; open one and choose the layer to edit."), "no-document")
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise RequestError(_("An indexed picture can't be edited; change it with Image > Mode > RGB."), "indexed")
    if not image.get_layers():
        raise RequestError(_("The picture has no layer; add one with something to edit on it."), "no-layer")
    if image.get_floating_sel() is not None:
        raise RequestError(_("Anchor the floating selection first (Layer > Anchor Layer)."), "floating")


def _chosen_layer(image: Gimp.Image, chosen: list[Gimp.Item]) -> Gimp.Layer:
    if not chosen:
        raise RequestError(_("No layer is chosen; click the layer to edit in the Layers dialog."), "no-layer")
    if len(chosen) > 1:
        raise RequestError(_("Several layers are chosen; choose the one to edit."), "no-layer")
    item = chosen[0]
    if item.is_layer_mask():
        return Gimp.Layer.from_mask(item)
    if not isinstance(item, Gimp.Layer):
        sentence = _("“{name}” is a channel; choose a layer to edit in the Layers dialog.")
        raise RequestError(sentence.format(name=item.get_name()), "bad-layer")
    return item


def _remembered(image: Gimp.Image, strokes: Gimp.Item) -> Gimp.Layer:
    group = strokes if strokes.is_group_layer() else strokes.get_parent()
    layer = by_tattoo(image, note(group, BENEATH)) if group else None
    if layer is None:
        raise RequestError(
            _("The layer that these strokes are about is gone; choose the layer to edit."), "source-gone"
        )
    return layer


def by_tattoo(image: Gimp.Image, tattoo: str) -> Gimp.Layer | None:
    """Return the layer with that tattoo (GIMP's number for it, which is saved with the picture), if it is still there."""
    is_one = re.fullmatch("[0-9]{1,10}", tattoo) and int(tattoo) < 2**32
    return image.get_layer_by_tattoo(int(tattoo)) if is_one else None


def check_layer(layer: Gimp.Layer) -> None:
    """Raise RequestError for a layer that can't be a source."""
    for wrong, sentence in (
        (layer.is_group_layer(), _("“{name}” is a layer group; choose one of the layers in it.")),
        (_is_vector(layer), _("“{name}” is a vector layer; rasterize it, or choose another layer.")),
        (layer.get_lock_content(), _("“{name}” is locked; unlock its pixels, or choose another layer.")),
        (not stroke_layers.shown(layer), _("“{name}” is hidden; show it, or choose another layer.")),
    ):
        if wrong:
            raise RequestError(sentence.format(name=layer.get_name()), "bad-layer")


def _is_vector(layer: Gimp.Layer) -> bool:
    """Vector layers came with GIMP 3.2, and text layers behave as one: their pixels are drawn anew at any moment."""
    is_vector = getattr(layer, "is_vector_layer", lambda: False)
    return bool(is_vector())


def beneath(layer: Gimp.Layer) -> Gimp.Layer | None:
    """Return the layer that this result was made from, if it is one and that layer is still there."""
    return by_tattoo(layer.get_image(), note(layer, BENEATH)) if note(layer, RECIPE) else None
