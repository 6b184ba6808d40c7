"""Edits of deep documents in the real Krita with the real engine: a layer with an offset in a group, behind a soft selection."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from kritatest.probe import eventually
from kritatest.program import Program
from kritatest.square import stroke

pytestmark = [pytest.mark.krita, pytest.mark.slow]

EDIT_S = 120.0
WHOLE = "0, 0, 560, 540"
DEPTHS = {
    "U16": ("sRGB-elle-V2-srgbtrc.icc", struct.pack("<4H", 9000, 20000, 51000, 65535)),
    "F32": ("sRGB-elle-V2-g10.icc", struct.pack("<4f", 0.6, 0.2, 0.05, 1.0)),
}


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_deep_layer_with_an_offset_changes_only_inside_a_soft_selection(krita: Program, depth: str) -> None:
    profile, pixel = DEPTHS[depth]
    krita.probe.ask(f"new(560, 540, depth={depth!r}, profile={profile!r}, pixel={bytes(len(pixel))!r})")
    eventually(lambda: krita.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 20)
    krita.probe.ask(
        f"""
        from krita import Selection
        document = app.activeDocument()
        group, moved = document.createGroupLayer("Group"), document.createNode("Moved", "paintlayer")
        moved.setPixelData(QByteArray({pixel!r} * 250000), -20, -30, 500, 500)
        moved.setPixelData(QByteArray({pixel[::-1]!r} * 3600), 200, 200, 60, 60)
        document.rootNode().addChildNode(group, document.topLevelNodes()[-1])
        group.addChildNode(moved, None)
        chosen = Selection()
        chosen.select(190, 190, 80, 80, 255)
        chosen.feather(8)
        document.setSelection(chosen)
        document.setActiveNode(moved)
        document.waitForDone()
        app.activeWindow().activeView().canvas().setZoomLevel(1.0)
        """
    )
    before, layer = krita.probe.value(f"seen({WHOLE})"), krita.probe.value("pixels('Moved', -20, -30, 500, 500)")
    chosen = krita.probe.value(f"bytes(app.activeDocument().selection().pixelData({WHOLE}))")
    stroke(krita)
    krita.press_afresh()
    eventually(lambda: "Erase" in krita.layers() or krita.state()["message"], EDIT_S, 0.3)

    assert "Erase" in krita.layers(), krita.state()
    assert krita.layers()[:4] == ["Background", "Group", "Moved", "Erase"]
    assert krita.probe.value("node('Erase').colorDepth()") == depth
    assert krita.probe.value("pixels('Moved', -20, -30, 500, 500)") == layer
    after = krita.probe.value(f"seen({WHOLE})")
    changed = (as_rows(before, len(pixel)) != as_rows(after, len(pixel))).any(axis=1)
    mask = np.frombuffer(chosen, np.uint8)
    assert changed.any()
    assert ((mask > 0) & (mask < 255)).any()  # its edge is soft
    assert not changed[mask == 0].any()


def as_rows(raw: bytes, pixel_bytes: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """One row of bytes a pixel."""
    return np.frombuffer(raw, np.uint8).reshape(-1, pixel_bytes)
