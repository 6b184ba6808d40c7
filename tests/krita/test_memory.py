"""A docker that is open for hours must not fill the memory: Krita's own lists of nodes do, unless their wrappers are freed."""

from __future__ import annotations

import pytest
from kritatest.probe import eventually
from kritatest.program import Program

pytestmark = pytest.mark.krita

GROWTH = """
import gc
from scumble_krita import spaces, strokes
from scumble_protocol.geometry import Bounds

def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def growth(act, times):
    for _ in range(times // 4):
        act()
    before = resident()
    for _ in range(times):
        act()
    return resident() - before
"""


@pytest.fixture
def layers(krita: Program) -> Program:
    """A document with ten layers and strokes."""
    krita.probe.ask("new(300, 200, pixel=bytes([1, 2, 3, 255]))")
    eventually(lambda: krita.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 20)
    krita.probe.ask(GROWTH)
    krita.probe.ask(
        """
        document = app.activeDocument()
        for number in range(9):
            document.rootNode().addChildNode(document.createNode(f"Layer {number}", "paintlayer"), None)
        strokes.put(document, "add", Bounds(20, 20, 50, 50), bytes([0, 255, 0, 255]) * 2500)
        document.waitForDone()
        """
    )
    return krita


def test_looking_at_the_document_every_second_keeps_nothing(layers: Program) -> None:
    # Ten layers' wrappers are 4 KB, and a refresh makes several such lists.
    assert layers.probe.value("growth(docker().refresh, 200)") < 600_000


def test_a_conversion_keeps_no_pixels(layers: Program) -> None:
    grown = layers.probe.ask(
        """
        wide = spaces.ColorSpace("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc")
        raw = bytes(500 * 500 * 8)
        answer = growth(lambda: spaces.converted(raw, (500, 500), wide, spaces.SRGB_U8), 6)
        """
    )
    assert grown < 3 * 500 * 500 * 4  # six copies would be kept
