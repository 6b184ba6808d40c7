"""One panel in each GIMP: the open one offers GIMP a procedure by which a second call brings it to the front instead.

The procedure is a temporary one, which GIMP forgets when the panel's process ends, however it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gi.repository import Gimp, GLib, GObject

from .wording import _

PRESENT = "plug-in-scumble-panel-present"
PICTURE = "image"


def bring_to_front(image: Gimp.Image | None) -> bool:
    """Show the panel that is open in this GIMP, about this picture; false when none is open."""
    procedures = Gimp.get_pdb()
    if not procedures.procedure_exists(PRESENT):
        return False
    procedure = procedures.lookup_procedure(PRESENT)
    config = procedure.create_config()
    config.set_property(PICTURE, image)
    procedure.run(config)
    return True


def offer(plug_in: Gimp.PlugIn, present: Callable[[Gimp.Image | None], None]) -> None:
    """Have `present` called, in this process's own loop, when the panel is asked for again."""

    def run(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, _data: Any) -> Gimp.ValueArray:
        present(config.get_property(PICTURE))
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())

    procedure = Gimp.Procedure.new(plug_in, PRESENT, Gimp.PDBProcType.TEMPORARY, run, None)
    blurb = _("Bring the open panel to the front")
    procedure.set_documentation(blurb, blurb, PRESENT)
    procedure.add_image_argument(PICTURE, _("Picture"), _("The picture to edit"), True, GObject.ParamFlags.READWRITE)
    plug_in.add_temp_procedure(procedure)
    plug_in.persistent_enable()
