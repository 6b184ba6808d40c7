"""When GIMP offers our procedures in its menu: also where an edit can't be made, so that we can say why not."""

from __future__ import annotations

from gi.repository import Gimp

ANY_PICTURE = (
    Gimp.ProcedureSensitivityMask.DRAWABLE
    | Gimp.ProcedureSensitivityMask.DRAWABLES
    | Gimp.ProcedureSensitivityMask.NO_DRAWABLES
)
ALWAYS = Gimp.ProcedureSensitivityMask.ALWAYS
