"""Runs in GIMP's Python: what a painter does to a picture between edits."""

import pictures
from gi.repository import Gimp


def select(image, box, feather):
    picture = Gimp.Image.get_by_id(image)
    picture.select_rectangle(Gimp.ChannelOps.REPLACE, *map(float, box))
    if feather:
        Gimp.Selection.feather(picture, feather)


def add_mask(layer, box):
    """Give a layer a mask: all white, or white in a box only."""
    item = Gimp.Item.get_by_id(layer)
    if item.get_mask():
        item.remove_mask(Gimp.MaskApplyMode.DISCARD)
    mask = item.create_mask(Gimp.AddMaskType.BLACK if box else Gimp.AddMaskType.WHITE)
    item.add_mask(mask)
    if box:
        pictures.write(mask, b"\xff" * (box[2] * box[3]), box, "Y u8")
    item.set_edit_mask(False)


def choose(layer):
    item = Gimp.Item.get_by_id(layer)
    item.get_image().set_selected_layers([item])


def fill(layer, color):
    item = Gimp.Item.get_by_id(layer)
    pictures.write(item, bytes(color) * (item.get_width() * item.get_height()))


def paint_red(layer, box):
    pictures.write(Gimp.Item.get_by_id(layer), bytes((255, 0, 0, 255)) * (box[2] * box[3]), box)


def invert(layer):
    item = Gimp.Item.get_by_id(layer)
    item.append_filter(Gimp.DrawableFilter.new(item, "gegl:invert-gamma", "invert"))


def extend_path(path, points):
    item = Gimp.Item.get_by_id(path)
    stroke = item.bezier_stroke_new_moveto(*map(float, points[0]))
    for point in points[1:]:
        item.bezier_stroke_lineto(stroke, *map(float, point))


def lock(layer):
    Gimp.Item.get_by_id(layer).set_lock_content(True)


def hide(layer):
    Gimp.Item.get_by_id(layer).set_visible(False)


def make_indexed(image):
    Gimp.Image.get_by_id(image).convert_indexed(
        Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, ""
    )


def remove(layer):
    item = Gimp.Item.get_by_id(layer)
    item.get_image().remove_layer(item)


def add_group(image, opacity=100.0):
    picture = Gimp.Image.get_by_id(image)
    group = Gimp.GroupLayer.new(picture, "Folder")
    group.set_opacity(opacity)
    picture.insert_layer(group, None, 0)
    return group.get_id()


def add_layer(image, box=None, color=(0, 0, 0, 255), mode="NORMAL", opacity=100.0, parent=0, name="Layer"):
    """A see-through layer of the picture's size on top (or in a group), with a box of one colour on it."""
    picture = Gimp.Image.get_by_id(image)
    size = (picture.get_width(), picture.get_height())
    layer = Gimp.Layer.new(picture, name, *size, Gimp.ImageType.RGBA_IMAGE, opacity, getattr(Gimp.LayerMode, mode))
    picture.insert_layer(layer, Gimp.Item.get_by_id(parent) if parent else None, 0)
    if box:
        pictures.write(layer, bytes(color) * (box[2] * box[3]), box)
    return layer.get_id()


def quick_mask(image):
    """A red veil over the whole canvas, which GIMP draws into its view of the picture."""
    picture = Gimp.Image.get_by_id(image)
    chosen = picture.get_selected_layers()
    channel = Gimp.Selection.save(picture)
    channel.set_visible(True)
    picture.set_selected_layers(chosen)


def hide_red(image):
    Gimp.Image.get_by_id(image).set_component_visible(Gimp.ChannelType.RED, False)


def keep_note(item, name, text):
    signed = [byte - 256 if byte > 127 else byte for byte in text.encode()]
    Gimp.Item.get_by_id(item).attach_parasite(Gimp.Parasite.new(name, Gimp.PARASITE_PERSISTENT, signed))


def add_channel(image):
    picture = Gimp.Image.get_by_id(image)
    channel = Gimp.Selection.save(picture)
    return channel.get_id()


def images():
    return [image.get_id() for image in Gimp.get_images()]


def active(image):
    return [layer.get_id() for layer in Gimp.Image.get_by_id(image).get_selected_layers()]


def visible(layer):
    return Gimp.Item.get_by_id(layer).get_visible()


WINDOWS = {}


def show(path):
    """Open a picture with a window, as a person would."""
    number = open_file(path)
    WINDOWS[number] = Gimp.Display.new(Gimp.Image.get_by_id(number))
    return number


def close_window(image):
    WINDOWS.pop(image).delete()


def close_all():
    """Close every picture's window without asking, as a person may."""
    for number in range(1, 100):
        if Gimp.Display.id_is_valid(number):
            Gimp.Display.get_by_id(number).delete()


def quit():
    found = Gimp.get_pdb().lookup_procedure("gimp-quit")
    config = found.create_config()
    config.set_property("force", True)
    found.run(config)


def save(image, path):
    from gi.repository import Gio

    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, Gimp.Image.get_by_id(image), Gio.File.new_for_path(path), None)


def open_file(path):
    from gi.repository import Gio

    picture = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    return picture.get_id()
