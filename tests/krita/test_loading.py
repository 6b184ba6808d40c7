"""Krita takes our plug-in in: it says on its standard error alone when it could not."""

from __future__ import annotations

import pytest
from kritatest.program import Program

pytestmark = pytest.mark.krita

NOT_LOADED = "Could not import"  # "krita.scripting: Could not import scumble_krita"


def test_krita_could_import_every_plug_in(program: Program) -> None:
    assert [line for line in program.log().splitlines() if NOT_LOADED in line] == []
    assert program.probe.value("[one.objectName() for one in app.dockers()].count('scumble')") == 1
