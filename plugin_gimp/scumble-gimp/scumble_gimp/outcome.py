"""How a procedure tells GIMP what came of it: a layer, a cancel, or one sentence."""

from __future__ import annotations

from gi.repository import Gimp, GLib, GObject
from scumble_protocol.client.run import EditRun
from scumble_protocol.errors import Cancelled, ScumbleError

from .wording import aloud


def made(procedure: Gimp.Procedure, *layers: Gimp.Layer | None) -> Gimp.ValueArray:
    """Return success, with the layers for the script that asked."""
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())
    for place, layer in enumerate(layers, start=1):
        values.remove(place)
        values.insert(place, GObject.Value(Gimp.Layer, layer))
    return values


def edited(procedure: Gimp.Procedure, mode: Gimp.RunMode, done: EditRun, layer: Gimp.Layer | None) -> Gimp.ValueArray:
    """Show what the edit notes, unless a script called, and return its layer."""
    if done.notes and mode != Gimp.RunMode.NONINTERACTIVE:
        Gimp.message("\n".join(map(aloud, done.notes)))
    return made(procedure, layer)


def refused(procedure: Gimp.Procedure, error: ScumbleError) -> Gimp.ValueArray:
    """Return the sentence, which GIMP shows to the painter or hands to the script; a cancel is no error."""
    if isinstance(error, Cancelled):
        return cancelled(procedure)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, _as_error(aloud(error.sentence)))


def cancelled(procedure: Gimp.Procedure) -> Gimp.ValueArray:
    return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, GLib.Error())


def _as_error(sentence: str) -> GLib.Error:
    return GLib.Error.new_literal(GLib.quark_from_string("scumble"), sentence, 0)
