"""Runs in GIMP's Python: makes pictures of every kind that a painter may have, and reads them back for the test."""

import base64
import hashlib
from pathlib import Path

from gi.repository import Gegl, Gimp

RGBA = "R'G'B'A u8"
GRAY_TYPES = {(True, True): Gimp.ImageType.GRAYA_IMAGE, (True, False): Gimp.ImageType.GRAY_IMAGE}
COLOR_TYPES = {(False, True): Gimp.ImageType.RGBA_IMAGE, (False, False): Gimp.ImageType.RGB_IMAGE}


def make(
    width=96,
    height=80,
    precision="U8_NON_LINEAR",
    gray=False,
    alpha=True,
    profile="",
    offset=(0, 0),
    layer=None,
    path="",
    in_group=False,
):
    """Make a picture with one layer: a soft gradient, or the raw RGBA file at `path`. Returns ids."""
    base = Gimp.ImageBaseType.GRAY if gray else Gimp.ImageBaseType.RGB
    image = Gimp.Image.new_with_precision(width, height, base, getattr(Gimp.Precision, precision))
    if profile == "adobe":
        image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
    w, h = layer or (width, height)
    kind = (GRAY_TYPES | COLOR_TYPES)[(gray, alpha)]
    background = Gimp.Layer.new(image, "Background", w, h, kind, 100.0, Gimp.LayerMode.NORMAL)
    group = Gimp.GroupLayer.new(image, "Folder") if in_group else None
    if group:
        image.insert_layer(group, None, 0)
    image.insert_layer(background, group, 0)
    background.set_offsets(*offset)
    write(background, Path(path).read_bytes() if path else gradient(w, h))
    image.set_selected_layers([background])
    return {"image": image.get_id(), "layer": background.get_id()}


def gradient(width, height):
    row = [bytes((60 + 150 * x // width, 90, 200 - 120 * x // width, 255)) for x in range(width)]
    return b"".join(row) * height


def write(layer, data, box=None, babl=RGBA):
    x, y, w, h = box or (0, 0, layer.get_width(), layer.get_height())
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(x, y, w, h), babl, data)
    buffer.flush()
    layer.update(x, y, w, h)


def native(layer):
    """The layer's own bytes, as a digest."""
    item = Gimp.Item.get_by_id(layer)
    area = Gegl.Rectangle.new(0, 0, item.get_width(), item.get_height())
    return hashlib.sha256(item.get_buffer().get(area, 1.0, None, Gegl.AbyssPolicy.NONE)).hexdigest()


def pixel(layer, x, y, babl=RGBA):
    """One pixel of a layer, by its own coordinates, as a list of bytes."""
    item = Gimp.Item.get_by_id(layer)
    data = item.get_buffer().get(Gegl.Rectangle.new(x, y, 1, 1), 1.0, babl, Gegl.AbyssPolicy.NONE)
    return list(data)


def composite(image, babl=None):
    """What the painter sees, as base64 of the picture's own bytes."""
    picture = Gimp.Image.get_by_id(image)
    copy = picture.duplicate()
    flat = copy.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    area = Gegl.Rectangle.new(0, 0, copy.get_width(), copy.get_height())
    left, top = flat.get_offsets()[1:]
    area.x, area.y = -left, -top
    data = flat.get_buffer().get(area, 1.0, babl, Gegl.AbyssPolicy.NONE)
    copy.delete()
    return base64.b64encode(data).decode()


def layers(image, parent=None):
    """The names of the layers from the top down; groups as [name, [...]]."""
    items = parent.get_children() if parent else Gimp.Image.get_by_id(image).get_layers()
    return [[i.get_name(), layers(image, i)] if i.is_group() else i.get_name() for i in items]


def layer_named(image, name):
    picture = Gimp.Image.get_by_id(image)
    return picture.get_layer_by_name(name).get_id()


def close(image):
    picture = Gimp.Image.get_by_id(image)
    if picture:
        picture.delete()
