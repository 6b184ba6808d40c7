"""GIMP as a host: what the real program gives and takes, at every depth, with profiles, offsets, groups and marks."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from gimp.console import Console

pytestmark = pytest.mark.gimp

DEPTHS = [
    ("U8_NON_LINEAR", "u8", "srgb"),
    ("U8_LINEAR", "u8", "srgb-linear"),
    ("U16_NON_LINEAR", "u16", "srgb"),
    ("U16_PERCEPTUAL", "u16", "srgb"),
    ("U32_NON_LINEAR", "f32", "srgb"),
    ("HALF_LINEAR", "f16", "srgb-linear"),
    ("FLOAT_LINEAR", "f32", "srgb-linear"),
    ("FLOAT_NON_LINEAR", "f32", "srgb"),
    ("DOUBLE_LINEAR", "f32", "srgb-linear"),
]


@pytest.fixture
def make(console: Console) -> Iterator[Any]:
    """Make pictures that are closed when the test ends."""
    made: list[int] = []

    def picture(**how: Any) -> dict[str, int]:
        ids: dict[str, int] = console.call("pictures.make", **how)
        made.append(ids["image"])
        return ids

    yield picture
    for image in made:
        console.call("pictures.close", image=image)


def data_of(plane: dict[str, Any]) -> bytes:
    return base64.b64decode(plane["data"])


@pytest.mark.parametrize(("precision", "depth", "space"), DEPTHS)
@pytest.mark.parametrize("profile", ["", "adobe"])
def test_a_layer_read_and_put_back_is_the_same_pixels_in_the_same_depth(
    console: Console, make: Any, precision: str, depth: str, space: str, profile: str
) -> None:
    ids = make(precision=precision, profile=profile)
    before = console.call("pictures.native", layer=ids["layer"])

    shot = console.call("host.read", **image(ids), bounds=[10, 20, 40, 30])
    placed = console.call("host.place_what_was_read", **image(ids), bounds=[0, 0, 96, 80])

    assert shot["picture"]["depth"] == depth
    assert (shot["space"], shot["icc"] > 0) == (("icc", True) if profile else (space, False))
    assert console.call("pictures.native", layer=ids["layer"]) == before
    if precision.startswith(("U32", "DOUBLE")):  # they travel as 32-bit floats: the last bits may differ
        new, old = (console.call("pictures.pixel", layer=i, x=5, y=5) for i in (placed, ids["layer"]))
        assert new == old
    else:
        assert console.call("pictures.native", layer=placed) == before


@pytest.mark.parametrize("precision", [precision for precision, _depth, _space in DEPTHS])
def test_where_the_new_layer_is_see_through_the_composite_is_bit_identical(
    console: Console, make: Any, precision: str
) -> None:
    # GIMP's own compositor works in 32-bit floats, so of 32-bit integers only 24 bits survive any layer above.
    babl = "R'G'B'A u16" if precision.startswith("U32") else None
    ids = make(precision=precision)
    before = rows_of(console.call("pictures.composite", **image(ids), babl=babl))

    placed = console.call("host.place_what_was_read", **image(ids), bounds=[0, 10, 96, 40], see_through=[*range(10)])
    console.call("scene.paint_red", layer=placed, box=[0, 10, 96, 30])
    after = rows_of(console.call("pictures.composite", **image(ids), babl=babl))

    assert after[:20] == before[:20]
    assert after[50:] == before[50:]
    assert all(new != old for new, old in zip(after[20:50], before[20:50], strict=True))


def test_a_gray_picture_is_read_as_colours_and_gets_a_gray_layer(console: Console, make: Any) -> None:
    ids = make(gray=True, precision="U16_NON_LINEAR")
    before = console.call("pictures.native", layer=ids["layer"])

    shot = console.call("host.read", **image(ids), bounds=[0, 0, 8, 8])
    placed = console.call("host.place_what_was_read", **image(ids), bounds=[0, 0, 96, 80])

    assert (shot["picture"]["channels"], shot["picture"]["depth"], shot["space"]) == (4, "u16", "srgb")
    assert console.call("pictures.native", layer=placed) == before


@pytest.mark.parametrize("alpha", [True, False])
def test_a_layer_with_an_offset_in_a_group_is_read_in_document_pixels(console: Console, make: Any, alpha: bool) -> None:
    ids = make(offset=(30, -10), layer=(40, 40), in_group=True, alpha=alpha)

    canvas = console.call("host.canvas", **image(ids))
    shot = console.call("host.read", **image(ids), bounds=[28, 0, 4, 1])
    console.call("host.place_what_was_read", **image(ids), bounds=[30, 0, 40, 30], name="New")

    assert canvas["source_bounds"] == [30, -10, 40, 40]
    row = data_of(shot["picture"])
    assert row[:8] == bytes(8)  # beyond the layer there is nothing
    assert list(row[8:12]) == console.call("pictures.pixel", layer=ids["layer"], x=0, y=10)
    assert console.call("pictures.layers", **image(ids)) == [["Folder", ["New", "Background"]]]


def test_a_soft_selection_is_read_as_it_is_and_bounds_what_may_change(console: Console, make: Any) -> None:
    ids = make()
    console.call("scene.select", **image(ids), box=[20, 16, 40, 32], feather=8.0)

    marks = console.call("host.marks", **image(ids))
    shot = console.call("host.read", **image(ids), bounds=[0, 0, 96, 80])

    mask = data_of(shot["mask"])
    assert len(set(mask)) > 20  # a feather, not an edge
    assert (mask[0], mask[32 * 96 + 40]) == (0, 255)
    x, y, width, height = marks["mask"]
    assert x < 20 < x + width
    assert y < 16 < y + height
    assert shot["grab"] is None


def test_the_selection_can_be_what_moves_where_something_is_dragged(console: Console, make: Any) -> None:
    ids = make()
    console.call("scene.select", **image(ids), box=[20, 16, 40, 32], feather=0.0)
    nothing_dragged = console.call("host.marks", **image(ids), selection_moves=True)
    console.call("host.add_path", **image(ids), strokes=[[(30, 20), (50, 20)]])

    shot = console.call("host.read", **image(ids), bounds=[0, 0, 96, 80], selection_moves=True)
    marks = console.call("host.marks", **image(ids), selection_moves=True)

    assert (nothing_dragged["mask"], nothing_dragged["grab"]) == ([20, 16, 40, 32], None)
    assert shot["mask"] is None
    assert data_of(shot["grab"]).count(255) == 40 * 32
    assert (marks["mask"], marks["grab"]) == (None, [20, 16, 40, 32])


def test_without_a_selection_the_layer_mask_bounds_the_edit_unless_it_hides_nothing(
    console: Console, make: Any
) -> None:
    ids = make()
    console.call("scene.add_mask", layer=ids["layer"], box=None)
    white = console.call("host.marks", **image(ids))["mask"]
    console.call("scene.add_mask", layer=ids["layer"], box=[8, 8, 10, 12])

    assert white is None
    assert console.call("host.marks", **image(ids))["mask"] == [8, 8, 10, 12]
    assert data_of(console.call("host.read", **image(ids), bounds=[0, 0, 96, 80])["mask"]).count(255) == 120


def test_strokes_are_cues_and_never_part_of_the_picture(console: Console, make: Any) -> None:
    ids = make()
    plain = console.call("host.read", **image(ids), bounds=[0, 0, 96, 80])["sha"]
    console.call("host.strokes", **image(ids), kind="subtract", box_=[40, 30, 9, 7], color=[255, 0, 0, 255])
    console.call("host.strokes", **image(ids), kind="color", box_=[4, 5, 6, 7], color=[10, 200, 30, 255])

    shot = console.call("host.read", **image(ids), bounds=[0, 0, 96, 80])
    marks = console.call("host.marks", **image(ids))

    assert shot["sha"] == plain
    assert (
        console.call("host.canvas", **image(ids))["source"] == "Background"
    )  # though a stroke layer is the active one
    assert (marks["subtract"], marks["color"], marks["add"]) == ([40, 30, 9, 7], [4, 5, 6, 7], None)
    assert data_of(shot["subtract"]).count(255) == 63
    assert data_of(shot["color"])[(5 * 96 + 4) * 4 :][:4] == bytes((10, 200, 30, 255))
    assert console.call("pictures.layers", **image(ids)) == [
        ["Scumble strokes", ["Subtract (−)", "Colours"]],
        "Background",
    ]


def test_strokes_that_are_hidden_do_not_count_and_are_cleared_when_the_tool_is_taken_again(
    console: Console, make: Any
) -> None:
    ids = make()
    console.call("host.strokes", **image(ids), kind="add", box_=[4, 5, 6, 7])
    console.call("host.place_what_was_read", **image(ids), bounds=[0, 0, 9, 9], spend=True)
    hidden = console.call("host.marks", **image(ids))["add"]
    console.call("scene.choose", layer=ids["layer"])
    console.call("host.strokes", **image(ids), kind="add", box_=None)

    assert hidden is None
    assert console.call("host.marks", **image(ids))["add"] == [0, 0, 0, 0]


def test_each_stroke_of_two_anchors_is_a_drag(console: Console, make: Any) -> None:
    ids = make()
    console.call("host.add_path", **image(ids), strokes=[[(10, 12), (30, 12.5)], [(50, 60), (40, 20)]])

    assert console.call("host.marks", **image(ids))["handles"] == [[10, 12, 30, 12.5], [50, 60, 40, 20]]
    assert console.call("host.marks", **image(ids), use_path=False)["handles"] == []


def test_a_path_that_an_edit_has_used_counts_again_once_it_is_changed(console: Console, make: Any) -> None:
    ids = make()
    path = console.call("host.add_path", **image(ids), strokes=[[(10, 12), (30, 12)]])
    console.call("host.place_what_was_read", **image(ids), bounds=[0, 0, 9, 9], spend=True)
    used = console.call("host.marks", **image(ids), spend=True)["handles"]
    console.call("scene.extend_path", path=path, points=[(1, 2), (3, 4)])

    assert used == []
    assert console.call("host.marks", **image(ids), spend=False)["handles"][0] == [
        10,
        12,
        30,
        12,
    ]  # a script's own business
    assert len(console.call("host.marks", **image(ids), spend=True)["handles"]) == 2


def test_an_edit_of_a_result_sees_what_is_beneath_it(console: Console, make: Any) -> None:
    ids = make()
    result = console.call("host.place_what_was_read", **image(ids), bounds=[10, 10, 20, 20])
    console.call("scene.fill", layer=result, color=[255, 0, 0, 255])
    console.call("scene.choose", layer=result)

    shot = console.call("host.read", **image(ids), bounds=[0, 0, 96, 80])
    row = data_of(shot["picture"])

    assert list(row[(15 * 96 + 15) * 4 :][:4]) == [255, 0, 0, 255]
    assert list(row[(15 * 96 + 50) * 4 :][:4]) == console.call("pictures.pixel", layer=ids["layer"], x=50, y=15)


def test_filters_on_the_layer_are_seen_as_the_painter_sees_them(console: Console, make: Any) -> None:
    ids = make()
    console.call("scene.invert", layer=ids["layer"])

    row = data_of(console.call("host.read", **image(ids), bounds=[0, 0, 96, 80])["picture"])

    plain = console.call("pictures.pixel", layer=ids["layer"], x=5, y=0)
    assert all(abs(new - (255 - old)) <= 1 for new, old in zip(row[20:23], plain[:3], strict=True))


def rows_of(composite: str, height: int = 80) -> list[bytes]:
    data = base64.b64decode(composite)
    size = len(data) // height
    return [data[row * size : (row + 1) * size] for row in range(height)]


def image(ids: dict[str, int]) -> dict[str, int]:
    return {"image": ids["image"]}
