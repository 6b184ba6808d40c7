"""Pixels in and out of GIMP's buffers. Formats are named with the picture's own colour space, so nothing is converted."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
from gi.repository import Babl, Gegl, Gimp  # noqa: E402
from scumble_protocol.client.sight import hides_something, open_bounds  # noqa: E402
from scumble_protocol.errors import RequestError  # noqa: E402
from scumble_protocol.geometry import Bounds  # noqa: E402
from scumble_protocol.pixels import Picture, Plane, Space  # noqa: E402

from .encoding import Encoding, encoding_of  # noqa: E402
from .wording import _  # noqa: E402


def bounds_of(drawable: Gimp.Drawable) -> Bounds:
    """Return where the drawable lies in the document."""
    _ok, x, y = drawable.get_offsets()
    return Bounds(x, y, drawable.get_width(), drawable.get_height())


# ---- reading --------------------------------------------------------------------------------------------------------


def read_picture(image: Gimp.Image, layer: Gimp.Layer, bounds: Bounds) -> Picture:
    """Read the layer's own pixels in its own depth and profile. Gray pictures are read as their sRGB colours."""
    encoding = encoding_of(image.get_precision().value_nick)
    data = samples(layer, bounds, _format(layer, encoding))
    space, icc = _space(image, encoding)
    return Picture(Plane(bounds.width, bounds.height, 4, encoding.depth, data), space, icc)


def samples(drawable: Gimp.Drawable, bounds: Bounds, babl_format: str) -> bytes:
    """Read samples at those document pixels; beyond the drawable's edge they are 0, which is transparent."""
    at = bounds_of(drawable)
    rectangle = Gegl.Rectangle.new(bounds.x - at.x, bounds.y - at.y, bounds.width, bounds.height)
    data: bytes = drawable.get_buffer().get(rectangle, 1.0, babl_format, Gegl.AbyssPolicy.NONE)
    return data


def read_alpha(layer: Gimp.Layer, bounds: Bounds) -> Plane:
    return Plane(bounds.width, bounds.height, 1, "u8", samples(layer, bounds, "A u8"))


def read_colors(layer: Gimp.Layer, bounds: Bounds) -> Plane:
    return Plane(bounds.width, bounds.height, 4, "u8", samples(layer, bounds, "R'G'B'A u8"))


def read_mask(channel: Gimp.Channel, bounds: Bounds) -> Plane:
    """Read a selection or layer mask. GIMP keeps them linear: "Y'" would turn 77 into 149."""
    return Plane(bounds.width, bounds.height, 1, "u8", samples(channel, bounds, "Y u8"))


# ---- where there is paint -------------------------------------------------------------------------------------------


def paint_in(drawable: Gimp.Drawable, babl_format: str) -> Bounds:
    """Return where samples of that one-byte format are not 0, in document pixels."""
    return open_bounds(bounds_of(drawable), lambda band: samples(drawable, band, babl_format))


def is_all_white(mask: Gimp.Channel) -> bool:
    """Say whether a layer mask hides nothing at all, as a new one does."""
    return not hides_something(bounds_of(mask), lambda band: samples(mask, band, "Y u8"))


# ---- writing --------------------------------------------------------------------------------------------------------


def new_layer(image: Gimp.Image, name: str, bounds: Bounds, picture: Picture) -> Gimp.Layer:
    """Return a layer that holds the picture, not yet in the document. Raises RequestError when its depth has changed."""
    encoding = encoding_of(image.get_precision().value_nick)
    if encoding.depth != picture.plane.depth or _space(image, encoding) != (picture.space, picture.icc):
        raise RequestError(
            _("The picture's precision or profile was changed while the edit ran; make the edit again."), "changed"
        )
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, name, bounds.width, bounds.height, kind, 100.0, Gimp.LayerMode.NORMAL)
    layer.set_offsets(bounds.x, bounds.y)
    _blend_in_own_curve(layer, encoding)
    buffer = layer.get_buffer()
    area = Gegl.Rectangle.new(0, 0, bounds.width, bounds.height)
    buffer.set(area, _format(layer, encoding), bytes(picture.plane.data))
    buffer.flush()  # without it, another reader of the buffer sees zeros
    layer.update(0, 0, bounds.width, bounds.height)
    return layer


def _blend_in_own_curve(layer: Gimp.Layer, encoding: Encoding) -> None:
    """Let GIMP blend in the curve that the samples are kept in: the way to linear light and back changes the last bits."""
    spaces = {
        "linear": Gimp.LayerColorSpace.RGB_LINEAR,
        "non-linear": Gimp.LayerColorSpace.RGB_NON_LINEAR,
        "perceptual": Gimp.LayerColorSpace.RGB_PERCEPTUAL,
    }
    layer.set_blend_space(spaces[encoding.curve])
    layer.set_composite_space(spaces[encoding.curve])


# ---- formats and profiles -------------------------------------------------------------------------------------------


def _format(drawable: Gimp.Drawable, encoding: Encoding) -> str:
    """Return babl's name for our encoding in the drawable's own colour space (gray is taken to sRGB)."""
    if drawable.is_gray():
        return encoding.babl
    name: str = Babl.get_name(Babl.format_with_space(encoding.babl, Babl.format_get_space(drawable.get_format())))
    return name


def _space(image: Gimp.Image, encoding: Encoding) -> tuple[Space, bytes]:
    """Return the wire's words for the space of what `_format` reads."""
    profile = None if image.get_base_type() == Gimp.ImageBaseType.GRAY else image.get_color_profile()
    if profile is None:
        return ("srgb-linear" if encoding.curve == "linear" else "srgb"), b""
    return "icc", bytes(_with_curve(profile, encoding).get_icc_profile())


def _with_curve(profile: Gimp.ColorProfile, encoding: Encoding) -> Any:
    if encoding.curve == "linear":
        return profile.new_linear_from_color_profile()
    return profile.new_srgb_trc_from_color_profile() if encoding.curve == "perceptual" else profile
