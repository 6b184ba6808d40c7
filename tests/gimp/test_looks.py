"""What the panel does again and again is cheap, and what goes wrong in it does not end it. In the real GIMP's Python."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gimp.console import Console

pytestmark = pytest.mark.gimp


@pytest.fixture
def ids(console: Console) -> Iterator[dict[str, int]]:
    made: dict[str, int] = console.call("pictures.make")
    yield made
    console.call("pictures.close", image=made["image"])


def test_recipes_are_fetched_and_parsed_once_and_not_at_all_to_list_their_layers(
    console: Console, ids: dict[str, int]
) -> None:
    console.call("host.place_as_made", image=ids["image"], bounds=[0, 0, 40, 40])
    damaged = console.call("host.place_as_made", image=ids["image"], bounds=[0, 0, 40, 40])
    console.call("scene.keep_note", item=damaged, name="scumble-recipe", text='{"scumble_recipe":1}')

    seen = console.call("looks.at_results", image=ids["image"], times=5)

    assert (seen["layers"], seen["seeds"]) == (["Made 2", "Made"], [None, 7])
    assert (seen["listed"], seen["fetched"], seen["parsed"]) == (0, 2, 2)


def test_a_layer_mask_is_looked_at_once_until_the_painter_comes_back(console: Console, ids: dict[str, int]) -> None:
    console.call("scene.add_mask", layer=ids["layer"], box=[8, 8, 10, 12])

    seen = console.call("looks.at_mask", image=ids["image"], times=5)

    assert seen == {"kinds": ["mask"], "looks": 1, "later": 2}


def test_what_lies_beneath_a_result_is_hashed_beside_gimps_main_thread(console: Console, ids: dict[str, int]) -> None:
    made = console.call("host.place_as_made", image=ids["image"], bounds=[0, 0, 40, 40])

    assert console.call("looks.at_stale", image=ids["image"], layer=made) == {"stale": False, "in_main": [False]}


def test_a_timer_survives_its_faults_and_tells_of_them(console: Console) -> None:
    told = console.call("looks.at_faults")
    assert len(told) >= 3
    assert set(told) == {"Scumble failed inside: ValueError: invalid literal for int() with base 10: '²'"}


@pytest.mark.parametrize("tattoo", ["²", "٣", "9" * 30, "-1", ""])
def test_a_strange_note_of_a_file_is_a_layer_that_is_gone(console: Console, ids: dict[str, int], tattoo: str) -> None:
    strokes = console.call("host.strokes", image=ids["image"], kind="add", box_=[1, 1, 2, 2])
    group = console.call("pictures.layer_named", image=ids["image"], name="Scumble strokes")
    console.call("scene.keep_note", item=group, name="scumble-source", text=tattoo)

    sentence = console.call("host.refusal", image=ids["image"], layer=strokes)

    assert sentence == "The layer that these strokes are about is gone; choose the layer to edit."


def test_a_region_that_leaves_the_canvas_is_stale_and_nothing_of_it_is_read(
    console: Console, ids: dict[str, int]
) -> None:
    made = console.call("host.place_as_made", image=ids["image"], bounds=[0, 0, 40, 40])
    text = console.call("host.recipe", layer=made)
    console.call(
        "scene.keep_note",
        item=made,
        name="scumble-recipe",
        text=text.replace('"region":[0,0,40,40]', '"region":[0,0,32768,32768]'),
    )

    assert console.call("host.is_stale", image=ids["image"], layer=made)
