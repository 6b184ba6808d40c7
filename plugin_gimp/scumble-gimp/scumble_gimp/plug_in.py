"""What GIMP sees of us: the procedures, their menu entries and arguments. What they do is in the modules they name."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp

from . import edit_procedure, panel_procedure, rerun_procedure, stop_procedure, strokes_procedure
from .wording import DOMAIN, LOCALE_DIR, bind_language

MENU = "<Image>/Filters/Scumble"
MODULES = {
    "plug-in-scumble-edit": edit_procedure,
    "plug-in-scumble-panel": panel_procedure,
    "plug-in-scumble-rerun": rerun_procedure,
    "plug-in-scumble-stop": stop_procedure,
    "plug-in-scumble-strokes": strokes_procedure,
}


class Scumble(Gimp.PlugIn):
    """The plug-in. GIMP makes one in each process that it starts for us."""

    def do_set_i18n(self, name: str) -> tuple[bool, str, str | None]:
        bind_language()
        return True, DOMAIN, LOCALE_DIR.name

    def do_query_procedures(self) -> list[str]:
        return list(MODULES)

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        bind_language()
        module: Any = MODULES[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, module.run, None)
        procedure.set_image_types("*")
        procedure.set_sensitivity_mask(module.NEEDS)
        procedure.set_menu_label(module.label())
        procedure.set_documentation(module.blurb(), module.blurb(), name)
        procedure.set_attribution("Scumble", "Scumble", "2026")
        procedure.add_menu_path(MENU)
        module.add_arguments(procedure)
        return procedure
