"""GIMP as a `Host`: rooms 1 and 8 of the house. Reads what shows up to the chosen layer, and the painter's marks, once; adds one layer."""

from __future__ import annotations

from dataclasses import dataclass

from gi.repository import Gimp, GLib
from scumble_protocol.client.host import Canvas, LayerPlan, Marks, Snapshot
from scumble_protocol.client.placement import unused_name
from scumble_protocol.client.request import is_blank
from scumble_protocol.client.sight import bounding, stack_of
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import NOWHERE, Bounds
from scumble_protocol.messages import Handle
from scumble_protocol.pixels import Plane

from . import pixels, stroke_layers
from .cues import CueLine, cue_lines
from .drag_path import PathStroke, fingerprint, handles_of
from .masks import Masks
from .notes import BENEATH, RECIPE, USED, keep_note, note
from .seen import read_seen
from .source import beneath, check_picture
from .wording import _


@dataclass(frozen=True)
class Choices:
    """How to read the painter's marks.

    `selection_moves`: the selection is what the drag points hold, not the limit of what may change.
    `spend`: an edit uses up its marks: strokes are hidden and the path is noted as used, in the same step of undo.
    """

    use_path: bool = True
    selection_moves: bool = False
    spend: bool = False


class GimpHost:
    """One layer of one picture. Raises RequestError with a sentence when either has gone or can't be edited."""

    def __init__(
        self,
        image: Gimp.Image,
        source: Gimp.Layer,
        choices: Choices | None = None,
        over: Gimp.Layer | None = None,
        masks: Masks | None = None,
    ) -> None:
        """`over`: the layer to place results above, when that is not the source itself. `masks`: what is known of them."""
        self.image = image
        self.source = source
        self.placed: Gimp.Layer | None = None
        self._choices = choices or Choices()
        self._over = over
        self._masks = masks or Masks()
        self._source_name = source.get_name()

    def canvas(self) -> Canvas:
        self._check_alive()
        bounds = NOWHERE
        for layer in stack_of(self.source, beneath, Gimp.Layer.get_id):
            bounds = bounds.united(pixels.bounds_of(layer))
        size = Bounds(0, 0, self.image.get_width(), self.image.get_height())
        name = self.source.get_name()
        return Canvas(str(self.image.get_id()), size, str(self.source.get_id()), name, bounds)

    def marks(self) -> Marks:
        self._check_alive()
        paint = {kind: pixels.paint_in(layer, "A u8") for kind, layer in self._stroke_layers().items()}
        limit, held = self._bounding()
        return Marks(
            handles=self.handles(),
            add=paint.get("add"),
            subtract=paint.get("subtract"),
            color=paint.get("color"),
            mask=self._bounds_of_mask(limit) if limit else None,
            grab=self._bounds_of_mask(held) if held else None,
        )

    def handles(self) -> tuple[Handle, ...]:
        """Return the drag points of the current path. Raises RequestError for a path that is not made of drags."""
        path = self.path()
        return handles_of(path.get_name(), strokes_of(path)) if path else ()

    def path(self) -> Gimp.Path | None:
        """Return the current path, unless the painter doesn't want it or an edit has used it as it is."""
        chosen = self.image.get_selected_paths() if self._choices.use_path else []
        for path in chosen[:1]:
            strokes = strokes_of(path)
            if strokes and not (self._choices.spend and note(path, USED) == fingerprint(strokes)):
                return path
        return None

    def cue_lines(self) -> list[CueLine]:
        """Say what is placed, without reading a pixel: a stroke layer that is shown counts, though it may be blank."""
        self._check_alive()
        somewhere = Bounds(0, 0, 1, 1)
        limit, held = self._bounding()
        marks = Marks(
            self.handles(),
            **dict.fromkeys(self._stroke_layers(), somewhere),
            mask=somewhere if limit else None,
            grab=somewhere if held else None,
        )
        return cue_lines(marks, by_layer_mask=limit is not None and limit.is_layer_mask())

    def forget(self, kind: str) -> None:
        """Leave a cue out of the next edit: the path is noted as used, strokes are cleared. One step of undo."""
        path, layer = self.path(), self._stroke_layers().get(kind)
        with stroke_layers.one_step(self.image):
            if kind == "drag" and path:
                keep_note(path, USED, fingerprint(strokes_of(path)))
            if layer is not None:
                layer.fill(Gimp.FillType.TRANSPARENT)
                layer.set_visible(False)

    def read(self, canvas: Canvas, bounds: Bounds) -> Snapshot:
        self._check_alive()
        limit, held = self._bounding()
        strokes = self._read_strokes(bounds)
        return Snapshot(
            canvas=canvas,
            bounds=bounds,
            picture=read_seen(self.image, self.source, bounds),
            handles=self.handles(),
            mask=pixels.read_mask(limit, bounds) if limit else None,
            grab=pixels.read_mask(held, bounds) if held else None,
            add=strokes.get("add"),
            subtract=strokes.get("subtract"),
            color=strokes.get("color"),
        )

    def place(self, plan: LayerPlan) -> None:
        self._check_alive()
        try:
            layer = self._new_layer(plan)
            with stroke_layers.one_step(self.image):
                below = self._over if self._over is not None and self._over.is_valid() else self.source
                self.image.insert_layer(layer, below.get_parent(), self.image.get_item_position(below))
                if self._choices.spend:
                    self._spend_marks()
        except GLib.Error as error:
            raise RequestError(
                _("GIMP could not add the layer: {reason}.").format(reason=error.message), "host"
            ) from error
        self.placed = layer

    def _new_layer(self, plan: LayerPlan) -> Gimp.Layer:
        taken = names_in(self.image.get_layers())
        layer = pixels.new_layer(self.image, unused_name(plan.name, taken), plan.bounds, plan.picture)
        keep_note(layer, RECIPE, plan.recipe)
        keep_note(layer, BENEATH, str(self.source.get_tattoo()))
        return layer

    def _spend_marks(self) -> None:
        path = self.path()
        stroke_layers.hide(self.image)
        if path:
            keep_note(path, USED, fingerprint(strokes_of(path)))

    def _check_alive(self) -> None:
        if not self.image.is_valid():
            raise RequestError(_("The picture was closed; nothing was changed."), "document-gone")
        check_picture(self.image)
        if not self.source.is_valid():
            sentence = _("The layer “{name}” was deleted; nothing was changed.")
            raise RequestError(sentence.format(name=self._source_name), "source-gone")

    def _stroke_layers(self) -> dict[str, Gimp.Layer]:
        found = {kind: stroke_layers.find_layer(self.image, kind) for kind in stroke_layers.KINDS}
        return {kind: layer for kind, layer in found.items() if layer is not None and stroke_layers.shown(layer)}

    def _read_strokes(self, bounds: Bounds) -> dict[str, Plane]:
        """Read what is painted. A blank layer counts only when the painter is on it, to be told that it is blank."""
        active = {layer.get_id() for layer in self.image.get_selected_layers()}
        planes = {}
        for kind, layer in self._stroke_layers().items():
            plane = (pixels.read_colors if kind == "color" else pixels.read_alpha)(layer, bounds)
            if layer.get_id() in active or not is_blank(plane):
                planes[kind] = plane
        return planes

    def _bounding(self) -> tuple[Gimp.Channel | None, Gimp.Channel | None]:
        """Return what may change and what the handles hold."""
        selection = None if Gimp.Selection.is_empty(self.image) else self.image.get_selection()
        return bounding(selection, self._layer_mask, self._choices.selection_moves and bool(self.handles()))

    def _layer_mask(self) -> Gimp.Channel | None:
        mask = self.source.get_mask()
        return mask if mask is not None and self._masks.hides(mask) else None

    def _bounds_of_mask(self, mask: Gimp.Channel) -> Bounds:
        if mask.is_layer_mask():
            return pixels.paint_in(mask, "Y u8")
        _ok, _some, x1, y1, x2, y2 = Gimp.Selection.bounds(self.image)
        return Bounds(x1, y1, x2 - x1, y2 - y1)


def names_in(layers: list[Gimp.Layer]) -> set[str]:
    """Return the names of layers and of those inside groups: GIMP itself would change one that is taken."""
    names = {layer.get_name() for layer in layers}
    return names.union(*(names_in(layer.get_children()) for layer in layers if layer.is_group_layer()))


def strokes_of(path: Gimp.Path) -> list[PathStroke]:
    """Read the components of a path."""
    strokes = []
    for stroke in path.get_strokes():
        _kind, numbers, closed = path.stroke_get_points(stroke)
        strokes.append(PathStroke(tuple(numbers), closed))
    return strokes
