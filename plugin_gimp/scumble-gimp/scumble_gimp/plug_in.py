"""What GIMP sees of us: the procedures, their menu entries and arguments. What they do is in what they name."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp

from . import commands, edit_procedure, rerun_procedure, strokes_procedure
from .wording import DOMAIN, LOCALE_DIR, bind_language

MENU = "<Image>/Filters/Scumble"
PROCEDURES: dict[str, Any] = {
    "plug-in-scumble-edit": edit_procedure,
    "plug-in-scumble-panel": commands.PANEL,
    "plug-in-scumble-rerun": rerun_procedure,
    "plug-in-scumble-stop": commands.STOP,
    "plug-in-scumble-strokes": strokes_procedure,
}


class Scumble(Gimp.PlugIn):
    """The plug-in. GIMP makes one in each process that it starts for us."""

    def do_set_i18n(self, name: str) -> tuple[bool, str, str | None]:
        bind_language()
        return True, DOMAIN, LOCALE_DIR.name

    def do_query_procedures(self) -> list[str]:
        return list(PROCEDURES)

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        bind_language()
        ours = PROCEDURES[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, ours.run, None)
        procedure.set_image_types("*")
        procedure.set_sensitivity_mask(ours.NEEDS)
        procedure.set_menu_label(ours.label())
        procedure.set_documentation(ours.blurb(), ours.blurb(), name)
        procedure.set_attribution("Scumble", "Scumble", "2026")
        procedure.add_menu_path(MENU)
        ours.add_arguments(procedure)
        return procedure
