"""A small dialog that asks what should be different when a layer is made again."""

from __future__ import annotations

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk  # noqa: E402
from scumble_protocol.client.recipe import Recipe  # noqa: E402
from scumble_protocol.messages import Instruction  # noqa: E402

from .seeds import MOST_SEED  # noqa: E402
from .wording import _  # noqa: E402


def ask_changes(parent: Gtk.Window, recipe: Recipe) -> list[str] | None:
    """Return changes like "seed=7", or None when the painter leaves the dialog."""
    said = recipe.words.text if isinstance(recipe.words, Instruction) else ""
    dialog = Gtk.Dialog(title=_("Change and re-run"), transient_for=parent, modal=True, border_width=8)
    dialog.add_button(_("Cancel"), Gtk.ResponseType.CANCEL)
    dialog.add_button(_("Re-run"), Gtk.ResponseType.OK)
    dialog.set_default_response(Gtk.ResponseType.OK)
    text = Gtk.Entry(text=said, activates_default=True, width_chars=32)
    seed = Gtk.SpinButton.new_with_range(0, MOST_SEED, 1)
    seed.set_value(recipe.settings.seed)
    strength = Gtk.SpinButton.new_with_range(0.0, 1.0, 0.05)
    strength.set_value(recipe.settings.strength)
    _lay_out(dialog, {_("Say"): text, _("Seed"): seed, _("Strength"): strength})
    agreed = dialog.run() == Gtk.ResponseType.OK
    seed.update()  # what was typed counts, also when the button was reached without leaving the field
    strength.update()
    asked = changed(recipe, said, text.get_text(), seed.get_value_as_int(), strength.get_value())
    dialog.destroy()
    return asked if agreed else None


def changed(recipe: Recipe, said: str, text: str, seed: int, strength: float) -> list[str]:
    """Return only what differs from the recipe, as it understands it."""
    changes = [f"say={text}"] if text != said else []
    changes += [f"seed={seed}"] if seed != recipe.settings.seed else []
    return changes + ([f"strength={strength:g}"] if abs(strength - recipe.settings.strength) > 1e-6 else [])


def _lay_out(dialog: Gtk.Dialog, fields: dict[str, Gtk.Widget]) -> None:
    grid = Gtk.Grid(row_spacing=6, column_spacing=8)
    for row, (label, field) in enumerate(fields.items()):
        grid.attach(Gtk.Label(label=label, xalign=0.0), 0, row, 1, 1)
        grid.attach(field, 1, row, 1, 1)
    dialog.get_content_area().pack_start(grid, True, True, 6)
    dialog.show_all()
