"""Reading and placing in the real Krita: depths, spaces, offsets, groups, selections, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from kritatest.probe import eventually
from kritatest.program import Program

pytestmark = pytest.mark.krita

LINEAR, WIDE = "sRGB-elle-V2-g10.icc", "Rec2020-elle-V4-g10.icc"
SRGB, GRAY = "sRGB-elle-V2-srgbtrc.icc", "Gray-D50-elle-V2-srgbtrc.icc"
HALVES, FLOATS = "0038 003c 0042 003c", "0000003f 0000803f 00004040 0000803f"  # .5, 1, 3, alpha 1

IMPORTS = """
from scumble_krita import canvas, nodes, points, strokes
from scumble_protocol.client.host import LayerPlan
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import Handle
from scumble_protocol.pixels import Picture, Plane
from scumble_protocol.errors import RequestError

def read(x, y, width, height, **options):
    host = canvas.KritaHost.of_active(**options)
    return host, host.read(host.canvas(), Bounds(x, y, width, height))

def refusal(act):
    try:
        act()
    except RequestError as error:
        return error.sentence

def paint(name, bgra, x, y, width, height, model="paintlayer"):
    document = app.activeDocument()
    layer = document.createNode(name, model)
    layer.setPixelData(QByteArray(bytes(bgra) * (width * height)), x, y, width, height)
    document.rootNode().addChildNode(layer, document.topLevelNodes()[-1])
    document.waitForDone()
    return layer

def activate(name):
    app.activeDocument().setActiveNode(node(name))
"""


@pytest.fixture
def inside(krita: Program) -> Program:
    krita.probe.ask(IMPORTS)
    return krita


def open_new(program: Program, arguments: str) -> None:
    program.probe.ask(f"new({arguments})")
    eventually(
        lambda: program.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 10
    )


def activate(program: Program, name: str) -> None:
    program.probe.ask(f"activate({name!r})")
    eventually(lambda: program.probe.value("app.activeDocument().activeNode().name()") == name, 30)


@pytest.mark.parametrize(
    ("depth", "profile", "pixel", "rgba", "space"),
    [
        ("U8", SRGB, "01 02 03 ff", "03 02 01 ff", "srgb"),
        ("U16", SRGB, "0110 0220 0330 ffff", "0330 0220 0110 ffff", "srgb"),
        ("U16", WIDE, "0110 0220 0330 ffff", "0330 0220 0110 ffff", "icc"),
        ("F16", LINEAR, HALVES, HALVES, "srgb-linear"),
        ("F32", LINEAR, FLOATS, FLOATS, "srgb-linear"),
    ],
)
def test_every_sample_of_every_depth_is_kept_from_canvas_to_layer(
    inside: Program, depth: str, profile: str, pixel: str, rgba: str, space: str
) -> None:
    raw = bytes.fromhex(pixel)
    open_new(inside, f"40, 30, 'RGBA', {depth!r}, {profile!r}, pixel={raw!r}")
    answer = inside.probe.ask(
        """
        host, shot = read(4, 5, 16, 8)
        plane = shot.picture.plane
        host.place(LayerPlan("Made", Bounds(7, 6, 16, 8), shot.picture, host.source, "{}"))
        app.activeDocument().waitForDone()
        made = node("Made")
        box = made.bounds()
        answer = [bytes(plane.data), plane.depth, shot.picture.space, len(shot.picture.icc), bytes(made.pixelData(7, 6, 16, 8)),
                  made.colorDepth(), made.colorProfile(), [box.x(), box.y(), box.width(), box.height()]]
        """
    )
    data, plane_depth, read_space, profile_bytes, placed, made_depth, made_profile, box = answer
    assert data == bytes.fromhex(rgba) * 128
    assert (plane_depth, read_space) == (depth.lower(), space)
    assert (profile_bytes > 500) == (space == "icc")
    assert placed == raw * 128
    assert (made_depth, made_profile, box) == (depth, profile, [7, 6, 16, 8])


def test_a_gray_document_is_read_as_srgb_and_gets_a_gray_layer(inside: Program) -> None:
    open_new(inside, f"20, 20, 'GRAYA', 'U16', {GRAY!r}, pixel=bytes.fromhex('0080ffff')")
    data, space, model, placed = inside.probe.ask(
        """
        host, shot = read(0, 0, 4, 4)
        host.place(LayerPlan("Made", Bounds(0, 0, 4, 4), shot.picture, host.source, "{}"))
        app.activeDocument().waitForDone()
        made = node("Made")
        answer = [bytes(shot.picture.plane.data), shot.picture.space, made.colorModel(), bytes(made.pixelData(0, 0, 4, 4))]
        """
    )
    red, green, blue, alpha = (int.from_bytes(data[at : at + 2], "little") for at in (0, 2, 4, 6))
    assert space == "srgb"
    assert alpha == 65535
    assert max(abs(sample - 0x8000) for sample in (red, green, blue)) < 160  # a gray profile's rounding
    assert model == "GRAYA"
    assert abs(int.from_bytes(placed[:2], "little") - 0x8000) < 160
    assert placed[2:4] == b"\xff\xff"


def test_placing_is_one_undo_step_above_the_source_and_keeps_its_recipe(inside: Program) -> None:
    open_new(inside, "30, 30, pixel=bytes([9, 9, 9, 255])")
    inside.probe.ask("paint('Top', [1, 1, 1, 255], 0, 0, 3, 3)")
    activate(inside, "Background")
    inside.probe.ask(
        """
        host, shot = read(0, 0, 8, 8)
        for _ in range(2):
            host.place(LayerPlan("Made", Bounds(0, 0, 8, 8), shot.picture, host.source, '{"how": "so"}'))
        app.activeDocument().waitForDone()
        """
    )
    assert inside.layers() == ["Background", "Made 2", "Made", "Top"]
    recipe = "nodes.kept(app.activeDocument(), nodes.RECIPE + nodes.id_of(node('Made 2')))"
    assert inside.probe.value(recipe) == '{"how": "so"}'
    inside.probe.ask("app.action('edit_undo').trigger()")
    eventually(lambda: inside.layers() == ["Background", "Made", "Top"], 30)
    inside.probe.ask("app.action('edit_redo').trigger()")
    eventually(lambda: inside.layers() == ["Background", "Made 2", "Made", "Top"], 30)
    assert inside.probe.value(recipe) == '{"how": "so"}'


def test_a_layer_with_an_offset_in_a_group_is_read_with_what_lies_beneath_it(inside: Program) -> None:
    open_new(inside, "40, 40, pixel=bytes([200, 100, 50, 255])")
    inside.probe.ask(
        """
        document = app.activeDocument()
        group = document.createGroupLayer("Group")
        document.rootNode().addChildNode(group, document.topLevelNodes()[-1])
        inner = document.createNode("Inner", "paintlayer")
        inner.setPixelData(QByteArray(bytes([1, 2, 3, 255]) * 100), -5, -5, 10, 10)
        group.addChildNode(inner, None)
        document.waitForDone()
        paint("Above", [7, 7, 7, 255], 0, 0, 40, 40)
        """
    )
    activate(inside, "Inner")
    data, bounds, order = inside.probe.ask(
        """
        host, shot = read(0, 0, 8, 1)
        box = host.canvas().source_bounds
        host.place(LayerPlan("Made", Bounds(0, 0, 8, 1), shot.picture, host.source, "{}"))
        app.activeDocument().waitForDone()
        answer = [bytes(shot.picture.plane.data), [box.x, box.y, box.width, box.height], [n[0] for n in layers()]]
        """
    )
    assert data == bytes([3, 2, 1, 255]) * 5 + bytes([50, 100, 200, 255]) * 3
    assert bounds == [-5, -5, 10, 10]
    assert order == ["Background", "Group", "Inner", "Made", "Above"]


def test_helper_layers_never_enter_the_picture(inside: Program) -> None:
    open_new(inside, "40, 40, pixel=bytes([200, 100, 50, 255])")
    inside.probe.ask("paint('Glaze', [0, 0, 255, 128], 0, 0, 40, 40)")
    activate(inside, "Glaze")
    clean = inside.probe.value("bytes(read(0, 0, 40, 40)[1].picture.plane.data)")
    inside.probe.ask(
        """
        document = app.activeDocument()
        strokes.put(document, "add", Bounds(0, 0, 20, 20), bytes([0, 255, 0, 200]) * 400)
        strokes.put(document, "color", Bounds(10, 10, 20, 20), bytes([10, 20, 30, 255]) * 400)
        points.add(document, Handle(Point(5, 5), Point(20.5, 15.25)))
        document.waitForDone()
        """
    )
    activate(inside, "Glaze")
    shot = inside.probe.ask(
        """
        host, shot = read(0, 0, 40, 40)
        answer = [bytes(shot.picture.plane.data), bytes(shot.add.data), bytes(shot.color.data), shot.subtract,
                  [[h.start.x, h.start.y, h.end.x, h.end.y] for h in shot.handles]]
        """
    )
    picture, add, color, subtract, handles = shot
    assert len({clean[at : at + 4] for at in range(0, len(clean), 4)}) == 1
    assert clean[:3] != bytes([50, 100, 200])  # the glaze itself is seen
    assert picture == clean
    assert (add[0], add[19], add[20], sum(1 for sample in add if sample)) == (200, 200, 0, 400)
    assert color[(10 * 40 + 10) * 4 :][:4] == bytes([30, 20, 10, 255])
    assert subtract is None
    assert handles == [pytest.approx([5, 5, 20.5, 15.25], abs=0.01)]


def test_a_stroke_layer_that_was_hidden_is_shown_again_and_one_that_was_used_makes_way(inside: Program) -> None:
    open_new(inside, "20, 20")
    first, again, fresh = inside.probe.ask(
        """
        document = app.activeDocument()
        first = nodes.id_of(strokes.ready_layer(document, "add"))
        strokes.layer(document, "add").setVisible(False)
        again = nodes.id_of(strokes.ready_layer(document, "add"))
        strokes.layer(document, "add").setVisible(False)
        nodes.mark_used(document, [first])
        fresh = nodes.id_of(strokes.ready_layer(document, "add"))
        document.waitForDone()
        answer = [first, again, fresh]
        """
    )
    assert first == again != fresh
    assert inside.layers() == ["Background", "Scumble: add"]


def test_a_soft_selection_is_the_mask_or_what_the_handles_hold(inside: Program) -> None:
    open_new(inside, "20, 20, pixel=bytes([200, 100, 50, 255])")
    values = inside.probe.ask(
        """
        from krita import Selection
        document = app.activeDocument()
        chosen = Selection()
        chosen.setPixelData(QByteArray(bytes([0, 64, 128, 255]) * 4), 3, 4, 4, 4)
        document.setSelection(chosen)
        points.add(document, Handle(Point(5, 5), Point(9, 9)))
        document.waitForDone()
        document.setActiveNode(node("Background"))
        plain, grabbing = read(2, 4, 6, 1)[1], read(2, 4, 6, 1, grab=True)[1]
        box = canvas.KritaHost.of_active().marks().mask
        answer = [bytes(plain.mask.data), plain.grab, grabbing.mask, bytes(grabbing.grab.data), [box.x, box.y, box.width, box.height]]
        """
    )
    row = bytes([0, 0, 64, 128, 255, 0])
    assert values == [row, None, None, row, [4, 4, 3, 4]]


@pytest.mark.parametrize(
    ("prepare", "part"),
    [
        ("close_all()", "No document is open"),
        ("node('Background').remove()", "No layer is active"),
        ("node('Background').setLocked(True)", "“Background” is locked"),
        ("node('Background').setVisible(False)", "“Background” is hidden"),
        ("add(app.activeDocument().createGroupLayer('G'))", "“G” is a group"),
        ("add(app.activeDocument().createVectorLayer('V'))", "“V” is a vector layer"),
        ("add(app.activeDocument().createNode('M', 'filtermask'), node('Background'))", "“M” holds no paint"),
    ],
)
def test_what_cannot_be_a_source_is_refused_in_words(inside: Program, prepare: str, part: str) -> None:
    open_new(inside, "20, 20")
    inside.probe.ask(
        f"""
        def add(layer, parent=None):
            (parent or app.activeDocument().rootNode()).addChildNode(layer, None)
            app.activeDocument().waitForDone()
        {prepare}
        """
    )

    def sentence() -> Any:
        return inside.probe.value("refusal(canvas.KritaHost.of_active)")

    assert part in eventually(sentence, 30)


@pytest.mark.parametrize(("model", "profile", "name"), [("CMYKA", "Chemical proof", "CMYK"), ("LABA", "", "L*a*b*")])
def test_other_colour_models_are_refused_in_words(inside: Program, model: str, profile: str, name: str) -> None:
    open_new(inside, f"20, 20, {model!r}, 'U8', {profile!r}")
    sentence = inside.probe.value("refusal(canvas.KritaHost.of_active)")
    assert f"this is {name}" in sentence
    assert "Convert Image Color Space" in sentence


def test_a_huge_canvas_without_a_cue_is_refused_before_it_is_read(inside: Program) -> None:
    open_new(inside, "16000, 1100")
    sentence = inside.probe.value("refusal(lambda: read(0, 0, 16000, 1100))")
    assert "select the part that should change" in sentence


def test_a_canvas_of_16000_pixels_is_read_only_where_the_edit_is(inside: Program) -> None:
    open_new(inside, "16000, 1100, pixel=bytes([9, 8, 7, 255])")
    crop, placed = inside.probe.ask(
        """
        from krita import Selection
        from scumble_protocol.client.request import crop_for
        chosen = Selection()
        chosen.select(15900, 500, 60, 60, 255)
        app.activeDocument().setSelection(chosen)
        host = canvas.KritaHost.of_active()
        crop = crop_for(host.canvas(), host.marks())
        shot = host.read(host.canvas(), crop)
        host.place(LayerPlan("Made", crop, shot.picture, host.source, "{}"))
        app.activeDocument().waitForDone()
        box = node("Made").bounds()
        answer = [[crop.x, crop.y, crop.width, crop.height], [box.x(), box.y(), box.width(), box.height()]]
        """
    )
    assert crop == placed
    assert crop[2] < 1000
    assert crop[0] + crop[2] == 16000


def test_a_closed_document_and_a_deleted_source_are_said_and_nothing_is_added(inside: Program) -> None:
    open_new(inside, "20, 20")
    deleted, left, closed = inside.probe.ask(
        """
        host, shot = read(0, 0, 8, 8)
        place = lambda: host.place(LayerPlan('Made', Bounds(0, 0, 8, 8), shot.picture, host.source, '{}'))
        paint('Other', [1, 1, 1, 255], 0, 0, 3, 3)
        node('Background').remove()
        deleted, left = refusal(place), [name for name, _, _ in layers()]
        app.activeDocument().setModified(False)
        app.activeDocument().close()
        answer = [deleted, left, refusal(place)]
        """
    )
    assert "was deleted" in deleted
    assert left == ["Other"]
    assert "was closed" in closed


@pytest.mark.parametrize("turn", [(0, False, 1.0), (30, False, 0.7), (200, True, 0.5), (0, True, 1.5)])
def test_document_pixels_are_found_on_a_turned_mirrored_and_zoomed_canvas(
    inside: Program, turn: tuple[float, bool, float]
) -> None:
    open_new(inside, "300, 200, resolution=150.0, pixel=bytes([255, 255, 255, 255])")
    degrees, mirrored, zoom = turn
    inside.probe.ask(
        f"""
        paint('Mark', [0, 0, 255, 255], 190, 40, 20, 20)
        app.activeDocument().refreshProjection(); app.activeDocument().waitForDone()
        shown = app.activeWindow().activeView().canvas()
        shown.setMirror({mirrored}); shown.setRotation({degrees}); shown.setZoomLevel({zoom})
        """
    )
    found = eventually(lambda: inside.probe.ask(RED_CENTRE), 30)
    expected = inside.probe.ask(
        """
        import sys
        at = sys.modules["scumble_krita.view"].to_widget(app.activeWindow().activeView(), canvas_widget()).map(QPointF(200, 50))
        answer = [at.x(), at.y()]
        """
    )
    assert found == pytest.approx(expected, abs=2.5)


RED_CENTRE = """
QApplication.processEvents()
image = canvas_widget().grab().toImage()
spots = [(x, y) for y in range(0, image.height(), 3) for x in range(0, image.width(), 3)
         if (image.pixel(x, y) >> 16 & 255) > 200 and (image.pixel(x, y) & 0xffff) < 0x3000]
answer = [sum(x for x, _ in spots) / len(spots) + 0.5, sum(y for _, y in spots) / len(spots) + 0.5] if spots else None
"""
