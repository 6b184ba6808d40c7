"""Language: the picture is changed as the painter says."""

from __future__ import annotations

import time

from scumble_protocol.messages import Edit, Purpose

from ..models.shelf import Shelf
from .made import made_by
from .model_window import open_window
from .reading import pair_of
from .scene import open_scene
from .seeing import strangeness
from .steps import Reading, walk
from .ways import way_for
from .work import Layer, Step, Work


def language(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Change what the words say and leave the rest. Raises RequestError for words that can't be read or that the model does not know."""
    started = time.perf_counter()
    scene = open_scene(edit)
    yield Step(0, 1, "loading")
    model = shelf.diffusion
    window = open_window(scene, model)
    model.meter.reset()
    pair, heard = pair_of(edit, shelf, window)
    reading = Reading(edit, shelf, purpose, window, pair)
    bounds, plane, notes = yield from walk(reading, way_for(model.profile, pair.kind, purpose == "final"))
    made = made_by("language", model, edit, reading.steps, started)
    return Layer(bounds, plane, made, (*heard, *notes, *strangeness(model, window)), pair)
