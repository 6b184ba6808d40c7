"""Runs in GIMP's Python: how often the panel's looks at a picture fetch or read something large."""

import threading
from contextlib import contextmanager

import host
from gi.repository import Gimp, GLib
from scumble_gimp import guard, pixels, results
from scumble_gimp.canvas import GimpHost
from scumble_gimp.masks import Masks
from scumble_gimp.source import source_of
from scumble_protocol.client import recipe as recipe_module
from scumble_protocol.client import staleness as client_staleness


@contextmanager
def counted(module, name):
    """Count the calls of a module's function."""
    calls, true = [], getattr(module, name)

    def counting(*arguments):
        calls.append(arguments)
        return true(*arguments)

    setattr(module, name, counting)
    try:
        yield calls
    finally:
        setattr(module, name, true)


def at_results(image, times):
    """List the results several times, then ask several times what each was made by."""
    picture, known = Gimp.Image.get_by_id(image), results.Results()
    with counted(results, "note") as fetched, counted(results, "from_json") as parsed:
        for _ in range(times):
            layers = known.layers(picture)
        listed = len(fetched)
        for _ in range(times):
            recipes = [known.recipe(layer) for layer in layers]
    seeds = [recipe.settings.seed if recipe else None for recipe in recipes]
    names = [layer.get_name() for layer in layers]
    return {"layers": names, "seeds": seeds, "listed": listed, "fetched": len(fetched), "parsed": len(parsed)}


def at_mask(image, times):
    """Look several times at what is placed, then once more after the painter was at the canvas."""
    picture, masks = Gimp.Image.get_by_id(image), Masks()

    def lines():
        return [line.kind for line in GimpHost(picture, source_of(picture), masks=masks).cue_lines()]

    with counted(pixels, "is_all_white") as looks:
        seen = [lines() for _ in range(times)]
        once = len(looks)
        masks.forget()
        lines()
    return {"kinds": seen[-1], "looks": once, "later": len(looks)}


def at_stale(image, layer):
    """Have a result compared, and say whether GIMP's main thread did the hashing."""
    by = []

    def compared(recipe, picture):
        by.append(threading.current_thread() is threading.main_thread())
        return recipe_module.is_stale(recipe, picture)

    true, client_staleness.is_stale = client_staleness.is_stale, compared
    try:
        stale = host.is_stale(image, layer)
    finally:
        client_staleness.is_stale = true
    return {"stale": stale, "in_main": by}


class Teller:
    def __init__(self, loop):
        self.said, self._loop = [], loop

    def say(self, sentence):
        self.said.append(sentence)
        if len(self.said) == 3:
            self._loop.quit()

    @guard.told
    def step(self):
        int("²")


def at_faults():
    """A timer whose step fails each time, until it has told so three times; a timer that ends fails after a while."""
    loop = GLib.MainLoop()
    teller = Teller(loop)
    GLib.timeout_add(20000, loop.quit)
    guard.repeat(1, teller.step)
    loop.run()
    return teller.said
