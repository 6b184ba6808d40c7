"""What an edit sees in the real GIMP: all that shows up to and including the chosen layer, as in Krita."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from gimp.console import Console

pytestmark = pytest.mark.gimp

RED, BLUE = [255, 0, 0, 255], [0, 0, 255, 255]
WHOLE = [0, 0, 96, 80]
DEPTHS = ["U8_NON_LINEAR", "U16_NON_LINEAR", "HALF_LINEAR", "FLOAT_NON_LINEAR"]


@pytest.fixture
def ids(console: Console) -> Iterator[dict[str, int]]:
    """A painted background in a picture of 96×80."""
    made: dict[str, int] = console.call("pictures.make")
    yield made
    console.call("pictures.close", image=made["image"])


def seen(console: Console, image: int, bounds: list[int]) -> bytes:
    shot = console.call("host.read", image=image, bounds=bounds)
    return base64.b64decode(shot["picture"]["data"])


def pixel(data: bytes, x: int, y: int, width: int = 96) -> list[int]:
    return list(data[(y * width + x) * 4 :][:4])


def test_lines_on_a_layer_of_their_own_are_seen_on_the_painting_beneath(console: Console, ids: dict[str, int]) -> None:
    console.call(
        "scene.choose", layer=console.call("scene.add_layer", image=ids["image"], box=[10, 10, 5, 5], color=RED)
    )

    data = seen(console, ids["image"], WHOLE)

    assert pixel(data, 12, 12) == RED
    assert pixel(data, 50, 40) == console.call("pictures.pixel", layer=ids["layer"], x=50, y=40)


@pytest.mark.parametrize("bounds", [WHOLE, [0, 0, 20, 20]])
def test_what_lies_above_and_what_is_hidden_is_not_seen(
    console: Console, ids: dict[str, int], bounds: list[int]
) -> None:
    box: dict[str, Any] = {"image": ids["image"], "box": [0, 0, 96, 80]}
    console.call("scene.hide", layer=console.call("scene.add_layer", **box, color=BLUE))
    lines = console.call("scene.add_layer", image=ids["image"], box=[10, 10, 5, 5], color=RED)
    console.call("scene.add_layer", **box, color=BLUE)
    console.call("scene.choose", layer=lines)
    console.call("host.strokes", image=ids["image"], kind="add", box_=[0, 0, 9, 9])
    before = console.call("pictures.layers", image=ids["image"])
    open_pictures = console.call("scene.images")

    data = seen(console, ids["image"], bounds)

    assert pixel(data, 12, 12, bounds[2]) == RED
    assert pixel(data, 4, 4, bounds[2]) == console.call("pictures.pixel", layer=ids["layer"], x=4, y=4)
    assert console.call("pictures.layers", image=ids["image"]) == before
    assert console.call("scene.images") == open_pictures


@pytest.mark.parametrize("precision", DEPTHS)
def test_a_part_and_the_whole_canvas_are_seen_alike_and_as_gimp_shows_them(console: Console, precision: str) -> None:
    ids = console.call("pictures.make", precision=precision)
    console.call("scene.add_layer", image=ids["image"], box=[8, 8, 60, 60], color=BLUE, mode="MULTIPLY", opacity=61.8)
    console.call("scene.add_layer", image=ids["image"], box=[20, 4, 40, 40], color=[200, 90, 20, 77], mode="OVERLAY")
    whole = seen(console, ids["image"], WHOLE)
    part = seen(console, ids["image"], [18, 3, 20, 20])
    shown = base64.b64decode(console.call("pictures.composite", image=ids["image"]))
    console.call("pictures.close", image=ids["image"])

    size = len(whole) // (96 * 80)
    rows = [whole[((3 + y) * 96 + 18) * size :][: 20 * size] for y in range(20)]
    assert part == b"".join(rows)
    assert whole == shown


def test_a_soft_layer_with_nothing_beneath_is_seen_as_its_own_pixels(console: Console) -> None:
    ids = console.call("pictures.make", precision="U16_NON_LINEAR")
    console.call("scene.fill", layer=ids["layer"], color=[201, 87, 33, 3])
    before = console.call("pictures.native", layer=ids["layer"])

    placed = console.call("host.place_what_was_read", image=ids["image"], bounds=WHOLE)

    assert console.call("pictures.native", layer=placed) == before
    console.call("pictures.close", image=ids["image"])


def test_inside_a_group_its_own_opacity_is_left_out_for_the_result_is_placed_in_it(
    console: Console, ids: dict[str, int]
) -> None:
    group = console.call("scene.add_group", image=ids["image"], opacity=50.0)
    inside: dict[str, Any] = {"image": ids["image"], "parent": group}
    lines = console.call("scene.add_layer", **inside, box=[10, 10, 5, 5], color=RED)
    console.call("scene.add_layer", **inside, box=[0, 0, 96, 80], color=BLUE)
    console.call("scene.choose", layer=lines)

    data = seen(console, ids["image"], WHOLE)

    assert pixel(data, 12, 12) == RED
    assert pixel(data, 50, 40) == console.call("pictures.pixel", layer=ids["layer"], x=50, y=40)


@pytest.mark.parametrize("veil", ["quick_mask", "hide_red"])
@pytest.mark.parametrize("bounds", [WHOLE, [0, 0, 20, 20]])
def test_what_gimp_draws_over_its_view_of_the_picture_is_not_in_it(
    console: Console, ids: dict[str, int], veil: str, bounds: list[int]
) -> None:
    console.call("scene.choose", layer=console.call("scene.add_layer", image=ids["image"], box=[5, 5, 9, 9], color=RED))
    before = seen(console, ids["image"], bounds)
    console.call(f"scene.{veil}", image=ids["image"])

    assert seen(console, ids["image"], bounds) == before


def test_a_result_is_stale_once_something_new_shows_beneath_it(console: Console, ids: dict[str, int]) -> None:
    lines = console.call("scene.add_layer", image=ids["image"], box=[10, 10, 5, 5], color=RED)
    console.call("scene.choose", layer=lines)
    made = console.call("host.place_as_made", image=ids["image"], bounds=[0, 0, 40, 40])
    fresh = console.call("host.is_stale", image=ids["image"], layer=made)
    console.call("scene.paint_red", layer=ids["layer"], box=[30, 30, 4, 4])

    assert not fresh
    assert console.call("host.is_stale", image=ids["image"], layer=made)
