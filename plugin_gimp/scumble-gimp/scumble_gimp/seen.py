"""What an edit sees: all that shows up to and including its layer, as the painter sees it; never strokes, nor what lies above.

The groups around the layer count as if they were open (their own opacity, mode and mask left out), as a result is placed inside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gi.repository import Gimp
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Depth, Picture, Plane, plane_bytes

from . import pixels, stroke_layers
from .encoding import encoding_of

FULL_ALPHA: dict[Depth, bytes] = {"u8": b"\xff", "u16": b"\xff\xff", "f16": b"\x00\x3c", "f32": b"\x00\x00\x80\x3f"}
OPAQUE = 100.0
# The whole canvas as GIMP has it is at hand at once; for less of it, a copy of those pixels alone is put together anew.
LARGE_SHARE = 0.25


def read_seen(image: Gimp.Image, source: Gimp.Layer, bounds: Bounds) -> Picture:
    """Read what shows at `bounds` (document pixels) up to the source, in the picture's own depth and profile.

    A plain source that nothing shows beneath is read alone. Filters on layers are in it. Gray is read as its sRGB colours.
    """
    plane_bytes(bounds.width, bounds.height, 4, encoding_of(image.get_precision().value_nick).depth)
    if _is_plain(source):
        alone = pixels.read_picture(image, source, bounds)
        if is_opaque(alone.plane) or not _shows_beneath(image, source):
            return alone
    put_together = _canvas_itself if _canvas_serves(image, source, bounds) else _copy_up_to
    with put_together(image, source, bounds) as (layer, at):
        return pixels.read_picture(image, layer, at)


def is_opaque(plane: Plane) -> bool:
    """Say whether every pixel's alpha, the last of its samples, is full."""
    full, count = FULL_ALPHA[plane.depth], plane.width * plane.height
    size = plane.channels * len(full)
    data = bytes(plane.data)
    return all(data[size - len(full) + i :: size].count(byte) == count for i, byte in enumerate(full))


def _is_plain(layer: Gimp.Layer) -> bool:
    """Say whether the layer shows its own pixels as they are."""
    normal = layer.get_mode().value_nick == Gimp.LayerMode.NORMAL.value_nick
    return normal and layer.get_opacity() == OPAQUE and layer.get_mask() is None and not layer.get_filters()


# ---- what else shows ------------------------------------------------------------------------------------------------


def _shows_beneath(image: Gimp.Image, source: Gimp.Layer) -> bool:
    return any(layer.get_visible() for _above, beneath in _floors(image, source) for layer in beneath)


def _canvas_serves(image: Gimp.Image, source: Gimp.Layer, bounds: Bounds) -> bool:
    """Say whether GIMP's own view of the canvas is what the edit sees, and most of it is wanted."""
    large = bounds.width * bounds.height >= LARGE_SHARE * image.get_width() * image.get_height()
    if not large or source.get_parent() is not None or any(channel.get_visible() for channel in image.get_channels()):
        return False
    ((above, _beneath),) = _floors(image, source)
    return not any(layer.get_visible() for layer in above + _strokes_in(image)) and _all_components_show(image)


def _strokes_in(image: Gimp.Image) -> list[Gimp.Layer]:
    group = stroke_layers.find_group(image)
    return [group] if group else []


def _floors(image: Gimp.Image, source: Gimp.Layer) -> Iterator[tuple[list[Gimp.Layer], list[Gimp.Layer]]]:
    """Yield (above, beneath) for the source and for each group around it, without our strokes' group."""
    item: Gimp.Layer | None = source
    while item is not None:
        parent = item.get_parent()
        siblings, place = parent.get_children() if parent else image.get_layers(), image.get_item_position(item)
        yield _without_strokes(siblings[:place]), _without_strokes(siblings[place + 1 :])
        item = parent


def _without_strokes(layers: list[Gimp.Layer]) -> list[Gimp.Layer]:
    return [layer for layer in layers if not stroke_layers.is_one(layer)]


# ---- putting it together --------------------------------------------------------------------------------------------


@contextmanager
def _canvas_itself(image: Gimp.Image, _source: Gimp.Layer, bounds: Bounds) -> Iterator[tuple[Gimp.Layer, Bounds]]:
    layer = Gimp.Layer.new_from_visible(image, image, "")
    try:
        yield layer, bounds
    finally:
        layer.delete()


@contextmanager
def _copy_up_to(image: Gimp.Image, source: Gimp.Layer, bounds: Bounds) -> Iterator[tuple[Gimp.Layer, Bounds]]:
    """Lend what a copy of the picture shows once all that the edit does not see is taken out. Pixels are shared until they change."""
    copy = image.duplicate()
    try:
        copy.undo_disable()
        _take_out(copy, _twin(image, source, copy))
        copy.resize(bounds.width, bounds.height, -bounds.x, -bounds.y)
        yield Gimp.Layer.new_from_visible(copy, copy, ""), Bounds(0, 0, bounds.width, bounds.height)
    finally:
        copy.delete()


def _twin(image: Gimp.Image, source: Gimp.Layer, copy: Gimp.Image) -> Gimp.Layer:
    """Return the layer of the copy that stands where the source does."""
    parent = source.get_parent()
    siblings = _twin(image, parent, copy).get_children() if parent else copy.get_layers()
    return siblings[image.get_item_position(source)]


def _take_out(copy: Gimp.Image, twin: Gimp.Layer) -> None:
    above = [layer for floor, _beneath in _floors(copy, twin) for layer in floor]
    for layer in above + _strokes_in(copy):
        copy.remove_layer(layer)
    for channel in copy.get_channels():
        channel.set_visible(False)
    for component in _components(copy):
        copy.set_component_visible(component, True)
    twin.set_visible(True)
    _open_groups(twin.get_parent())


def _open_groups(group: Gimp.GroupLayer | None) -> None:
    while group is not None:
        for effect in group.get_filters():
            effect.delete()
        group.set_visible(True)
        group.set_mode(Gimp.LayerMode.PASS_THROUGH)
        group.set_opacity(OPAQUE)
        if group.get_mask() is not None:
            group.remove_mask(Gimp.MaskApplyMode.DISCARD)
        group = group.get_parent()


def _components(image: Gimp.Image) -> tuple[Gimp.ChannelType, ...]:
    kind = Gimp.ChannelType
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    return (kind.GRAY, kind.ALPHA) if gray else (kind.RED, kind.GREEN, kind.BLUE, kind.ALPHA)


def _all_components_show(image: Gimp.Image) -> bool:
    return all(image.get_component_visible(component) for component in _components(image))
