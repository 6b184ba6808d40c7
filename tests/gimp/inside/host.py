"""Runs in GIMP's Python: our GimpHost, called as the client calls it."""

import base64
import json
import time
from dataclasses import replace

from gi.repository import Gimp
from scumble_gimp import notes, staleness, stroke_layers
from scumble_gimp.canvas import Choices, GimpHost
from scumble_gimp.results import Results
from scumble_gimp.source import source_of
from scumble_protocol.client.host import LayerPlan
from scumble_protocol.client.recipe import Recipe, picture_sha256, to_json
from scumble_protocol.client.staleness import StaleWatch
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Provenance, Settings
from scumble_protocol.pixels import Picture, Plane

MADE_BY = Provenance("0", "warp", "none", "", "", 0, 7, "cpu")


def host(image, **choices):
    picture = Gimp.Image.get_by_id(image)
    return GimpHost(picture, source_of(picture), Choices(**choices))


def canvas(image):
    seen = host(image).canvas()
    return {"source": seen.source_name, "bounds": box(seen.bounds), "source_bounds": box(seen.source_bounds)}


def marks(image, **choices):
    seen = host(image, **choices).marks()
    found = {name: box(getattr(seen, name)) for name in ("add", "subtract", "color", "mask", "grab")}
    return found | {"handles": [[h.start.x, h.start.y, h.end.x, h.end.y] for h in seen.handles]}


def read(image, bounds, **choices):
    seen = host(image, **choices)
    shot = seen.read(seen.canvas(), Bounds(*bounds))
    planes = {name: plane(getattr(shot, name)) for name in ("add", "subtract", "color", "mask", "grab")}
    return planes | {
        "picture": plane(shot.picture.plane),
        "space": shot.picture.space,
        "icc": len(shot.picture.icc),
        "sha": shot.picture.plane.sha256(),
    }


def place_what_was_read(image, bounds, name="Copy", see_through=(), **choices):
    """Read a region and put it back as a layer, as a model that changes nothing would do; some rows may be see-through."""
    seen = host(image, **choices)
    shot = seen.read(seen.canvas(), Bounds(*bounds))
    picture = replace(shot.picture, plane=with_clear_rows(shot.picture.plane, see_through))
    recipe = json.dumps({"made": "by a test"})
    seen.place(LayerPlan(name, shot.bounds, picture, shot.canvas.source, recipe))
    return seen.placed.get_id()


def place_as_made(image, bounds):
    """Place what was read as a result, with a true recipe of it."""
    seen = host(image)
    shot = seen.read(seen.canvas(), Bounds(*bounds))
    recipe = Recipe("Background", shot.bounds, picture_sha256(shot.picture), Settings(seed=7), MADE_BY)
    seen.place(LayerPlan("Made", shot.bounds, shot.picture, shot.canvas.source, to_json(recipe)))
    return seen.placed.get_id()


def with_clear_rows(plane, rows):
    data, row_bytes = bytearray(plane.data), len(plane.data) // plane.height
    for row in rows:
        data[row * row_bytes : (row + 1) * row_bytes] = bytes(row_bytes)
    return replace(plane, data=bytes(data))


def refusal(image=None, layer=None, bounds=None, **choices):
    """The sentence that says why this can't be done ("" when it can)."""
    picture = Gimp.Image.get_by_id(image) if image else None
    try:
        chosen = [Gimp.Item.get_by_id(layer)] if layer else None
        seen = GimpHost(picture, source_of(picture, chosen), Choices(**choices))
        seen.marks()
        if bounds:
            seen.read(seen.canvas(), Bounds(*bounds))
    except RequestError as error:
        return error.sentence
    return ""


def late_refusal(image, gone):
    """The sentence when the layer or the picture goes away, or changes, while an edit runs."""
    seen = host(image)
    shot = seen.read(seen.canvas(), Bounds(0, 0, 8, 8))
    plan = LayerPlan("Late", shot.bounds, shot.picture, shot.canvas.source, "{}")
    if gone == "layer":
        seen.image.remove_layer(seen.source)
    elif gone == "picture":
        seen.image.delete()
    else:
        seen.image.convert_precision(Gimp.Precision.FLOAT_LINEAR)
    try:
        seen.place(plan)
    except RequestError as error:
        return error.sentence
    return ""


def strokes(image, kind, box_, color=(0, 0, 0, 255)):
    """Do what the tool's button does, then paint a box of one colour there."""
    import pictures

    picture = Gimp.Image.get_by_id(image)
    layer = stroke_layers.make_ready(picture, source_of(picture), kind)
    if box_:
        pictures.write(layer, bytes(color) * (box_[2] * box_[3]), box_)
    return layer.get_id()


def add_path(image, strokes, name="Drags"):
    picture = Gimp.Image.get_by_id(image)
    path = Gimp.Path.new(picture, name)
    picture.insert_path(path, None, 0)
    for points in strokes:
        stroke = path.bezier_stroke_new_moveto(*map(float, points[0]))
        for point in points[1:]:
            path.bezier_stroke_lineto(stroke, *map(float, point))
    picture.set_selected_paths([path])
    return path.get_id()


def is_stale(image, layer):
    result, watch = Gimp.Item.get_by_id(layer), StaleWatch()
    staleness.have_compared(watch, Gimp.Image.get_by_id(image), result, Results().recipe(result))
    while watch.busy:
        time.sleep(0.01)
    return watch.answers()[str(layer)]


def recipe(layer):
    return notes.note(Gimp.Item.get_by_id(layer), notes.RECIPE)


def box(bounds):
    return [bounds.x, bounds.y, bounds.width, bounds.height] if bounds else None


def plane(value: Plane | Picture | None):
    if value is None:
        return None
    data = base64.b64encode(bytes(value.data)).decode()
    return {"size": [value.width, value.height], "channels": value.channels, "depth": value.depth, "data": data}
