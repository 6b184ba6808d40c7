"""Finish: the layer of an edit by words, at the picture's own size and depth."""

from __future__ import annotations

import numpy as np
from scumble_protocol.errors import RequestError

from ..imaging.arrays import array_of
from ..imaging.blend import finish, premultiplied
from ..imaging.figure import new_thing
from ..imaging.matte import soft_matte
from . import ground
from .model_window import to_array
from .painting import decoded, edited
from .steps import Done, Painted, Placed, Reading

# How much of a latent's side beside the figure still shows the old ground.
FRINGE = 0.6
KEPT_NOTE = "What stands out from the ground was kept as it is; select what may change to have it otherwise."
UNSEEN_NOTE = "No figure stands out from the ground here, so all of it may have changed; select what may change."


def changed(reading: Reading, placed: Placed, painted: Painted) -> Done:
    """Lay D over the picture, at the strength that the painter wants."""
    assert painted.x0 is not None
    assert painted.delta is not None
    after = edited(reading, painted.x0, painted.delta)
    before = decoded(reading.model, painted.x0)
    return *placed.window.layer(after, before, reading.keeps_detail), ()


def on_figure(reading: Reading, placed: Placed, painted: Painted) -> Done:
    """The same, bounded by the figure and the new one, if there was one."""
    bounds, plane, notes = changed(reading, placed, painted)
    if placed.figure is None or painted.x0 is None or painted.delta is None:
        return bounds, plane, notes
    after = to_array(edited(reading, painted.x0, painted.delta))
    return *ground.on_figure(placed.window, bounds, plane, placed.figure, after), notes


def behind(reading: Reading, placed: Placed, painted: Painted) -> Done:
    """The same behind the figure, of which no pixel changes."""
    bounds, plane, notes = changed(reading, placed, painted)
    if placed.figure is None:
        return bounds, plane, (UNSEEN_NOTE,) if reading.free else notes
    fringe_px = FRINGE * reading.model.stride / placed.window.scale
    return *ground.behind(placed.window, bounds, plane, placed.figure, fringe_px), (KEPT_NOTE,)


def without(reading: Reading, placed: Placed, painted: Painted) -> Done:
    """What lies behind the figure, in its place. Raises RequestError where nothing does."""
    assert painted.emptied is not None
    emptied = painted.emptied
    if not emptied.alpha.any():
        raise RequestError(
            "Around it this layer is transparent, so nothing lies behind it; erase it by hand.", "bad-edit"
        )
    alpha = np.float32(reading.strength) * emptied.alpha
    return *placed.window.finished(emptied.srgb, alpha), _note_of_fill(reading)


def without_patch(reading: Reading, placed: Placed, painted: Painted) -> Done:
    """The patch in the place of what went."""
    assert placed.figure is not None
    assert painted.patch is not None
    scene, bounds = placed.window.scene, placed.window.bounds
    layer = premultiplied(painted.patch, np.float32(reading.strength) * placed.figure)
    return *finish(layer, bounds, scene.may_in(bounds), scene.depth), _note_of_fill(reading)


def new_thing_alone(reading: Reading, placed: Placed, painted: Painted) -> Done:
    """What was painted, as far as it is the new thing, over what lay behind. Raises RequestError where nothing of it is seen."""
    assert painted.emptied is not None
    assert painted.before is not None
    assert painted.after is not None
    emptied, window = painted.emptied, placed.window
    thing = new_thing(painted.before, painted.after)
    large = np.clip(window.enlarged(painted.after), 0.0, 1.0)
    matte = soft_matte(large, thing, 1.5 / window.scale) if thing.any() else np.zeros(large.shape[:2], np.float32)
    colors = large * matte[..., None] + emptied.srgb * (1 - matte[..., None])
    bounds, plane = window.finished(colors, np.float32(reading.strength) * np.maximum(emptied.alpha, matte))
    if reading.strength > 0 and not array_of(plane)[..., 3].any():
        raise RequestError(
            "The new thing would lie where this layer is transparent; select where it may come, or edit the layer below.",
            "bad-edit",
        )
    return bounds, plane, _note_of_fill(reading) if emptied.alpha.any() else ()


def _note_of_fill(reading: Reading) -> tuple[str, ...]:
    """Return what there is to say of the fill that was used."""
    return (reading.shelf.fill.note,) if reading.shelf.fill.note else ()
