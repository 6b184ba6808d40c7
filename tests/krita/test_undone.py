"""What was undone is in no file: its recipe leaves the document with the layer, and comes back with it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from kritatest.probe import eventually
from kritatest.program import Program

pytestmark = pytest.mark.krita

PLACE = """
from scumble_krita import canvas
from scumble_protocol.client.host import LayerPlan
from scumble_protocol.geometry import Bounds
host = canvas.KritaHost.of_active()
box = Bounds(0, 0, 8, 8)
host.place(LayerPlan("Made", box, host.read(host.canvas(), box).picture, host.source, '{"say": "a secret word"}'))
app.activeDocument().waitForDone()
"""
KEPT = (
    "[key for key in app.activeDocument().annotationTypes() if key.startswith(('scumble/recipe/', 'scumble/source/'))]"
)


def saved(program: Program, path: Path) -> bytes:
    """Save the document and return all that its file holds, unpacked."""
    program.probe.ask(f"app.activeDocument().saveAs({str(path)!r}); app.activeDocument().waitForDone()")
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("docked", [True, False], ids=["docker shown", "docker hidden"])
def test_an_undone_edits_recipe_is_not_saved_and_a_redone_ones_is(krita: Program, tmp_path: Path, docked: bool) -> None:
    krita.probe.ask("new(40, 30, pixel=bytes([150, 150, 150, 255]))")
    eventually(lambda: krita.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 20)
    krita.probe.ask(f"docker().setVisible({docked})")
    try:
        krita.probe.ask(PLACE)
        assert b"a secret word" in saved(krita, tmp_path / "made.kra")
        krita.probe.ask("app.action('edit_undo').trigger()")
        eventually(lambda: krita.layers() == ["Background"], 30)
        eventually(lambda: krita.probe.value(KEPT) == [], 30)
        assert b"a secret word" not in saved(krita, tmp_path / "undone.kra")
        krita.probe.ask("app.action('edit_redo').trigger()")
        eventually(lambda: krita.layers() == ["Background", "Made"], 30)
        eventually(lambda: len(krita.probe.value(KEPT)) == 2, 30)
        assert b"a secret word" in saved(krita, tmp_path / "redone.kra")
    finally:
        krita.probe.ask("docker().setVisible(True)")
