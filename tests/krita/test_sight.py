"""What an edit is about in the real Krita, as in GIMP: the layer's mask bounds it, and a result stands on what it was made from."""

from __future__ import annotations

import pytest
from kritatest.program import Program
from test_canvas import IMPORTS, activate, open_new

pytestmark = pytest.mark.krita


@pytest.fixture
def inside(krita: Program) -> Program:
    krita.probe.ask(IMPORTS)
    return krita


MASKED = """
from krita import Selection
document = app.activeDocument()
def add_mask(opened, rest):
    chosen = Selection()
    chosen.select(0, 0, 20, 20, rest)
    chosen.setPixelData(QByteArray(bytes([opened]) * 30), 4, 5, 6, 5)
    document.setSelection(chosen)
    app.action("add_new_transparency_mask").trigger()  # Krita makes it of the selection
    document.waitForDone()
    deselect()
"""


def test_without_a_selection_the_layers_transparency_mask_bounds_the_edit_unless_it_hides_nothing(
    inside: Program,
) -> None:
    open_new(inside, "20, 20, pixel=bytes([200, 100, 50, 255])")
    white = inside.probe.ask(f"{MASKED}\nadd_mask(255, 255)\nanswer = read(0, 0, 20, 20)[1].mask is None")
    open_new(inside, "20, 20, pixel=bytes([200, 100, 50, 255])")
    inside.probe.ask(f"{MASKED}\nadd_mask(128, 0)")
    activate(inside, "Transparency Mask 1")  # who paints on a mask means its layer
    source, mask, box, chosen = inside.probe.ask(
        """
        from krita import Selection
        host, shot = read(4, 4, 6, 2)
        box = host.marks().mask
        chosen = Selection()
        chosen.select(1, 2, 3, 4, 255)
        document = app.activeDocument()
        document.setSelection(chosen)
        limit = host.marks().mask
        answer = [shot.canvas.source_name, bytes(shot.mask.data), [box.x, box.y, box.width, box.height],
                  [limit.x, limit.y, limit.width, limit.height]]
        """
    )
    assert white
    assert source == "Background"
    assert mask == bytes(6) + bytes([128]) * 6
    assert box == [4, 5, 6, 5]
    assert chosen == [1, 2, 3, 4]


def test_words_about_a_result_are_about_all_that_it_stands_on(inside: Program) -> None:
    open_new(inside, "40, 30, pixel=bytes([200, 100, 50, 255])")
    boxes = inside.probe.ask(
        """
        host, shot = read(4, 5, 16, 8)
        host.place(LayerPlan("Made", Bounds(7, 6, 16, 8), shot.picture, host.source, "{}"))
        app.activeDocument().waitForDone()
        made = canvas.KritaHost(host.document, nodes.id_of(node("Made")))
        box = made.canvas().source_bounds
        own = canvas.bounds_of(node("Made"))
        answer = [[box.x, box.y, box.width, box.height], [own.x, own.y, own.width, own.height]]
        """
    )
    assert boxes == [[0, 0, 40, 30], [7, 6, 16, 8]]


def test_the_docker_says_that_an_edit_sees_what_shows_beneath_its_layer(inside: Program) -> None:
    open_new(inside, "20, 20")
    inside.probe.ask("docker().refresh()")
    said = inside.probe.value("widget('ScumbleEdited').text()")
    assert said == "Edits the layer “Background”, with all that shows beneath it"
