"""What a script author does from a console batch: edits by path, strokes and words in the real GIMP with the real engine."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from gimp.console import Console
from gimp.engine import Engine
from gimp.root import Root
from gimp.scene import SIDE, raw_scene

pytestmark = pytest.mark.gimp


@pytest.fixture
def picture(console: Console, gimp_root: Root) -> Iterator[Any]:
    """Open pictures of a disc on a meadow; they are closed when the test ends."""
    raw = gimp_root.shared / "scene.rgba"
    raw.write_bytes(raw_scene())
    made: list[int] = []

    def open_one(**how: Any) -> dict[str, int]:
        ids: dict[str, int] = console.call("pictures.make", width=SIDE, height=SIDE, path=str(raw), **how)
        made.append(ids["image"])
        return ids

    yield open_one
    for image in made:
        console.call("pictures.close", image=image)


@pytest.mark.usefixtures("engine")
def test_a_drag_along_a_path_is_one_new_layer_above_the_source(console: Console, picture: Any) -> None:
    ids = picture()
    before = console.call("pictures.native", layer=ids["layer"])
    console.call("host.add_path", image=ids["image"], strokes=[[(100, 128), (150, 128)]])

    done = console.call("script.edit", image=ids["image"], layers=[ids["layer"]])

    assert done["status"] == "success", done["error"]
    assert console.call("pictures.layers", image=ids["image"]) == ["Drag 1 handle", "Background"]
    assert console.call("pictures.native", layer=ids["layer"]) == before
    recipe = json.loads(console.call("host.recipe", layer=done["layers"][0]))
    assert recipe["handles"] == [[100, 128, 150, 128]]
    looks = base64.b64decode(console.call("pictures.composite", image=ids["image"], babl="R'G'B'A u8"))
    assert reddish(looks, 160, 128)  # the disc is where it was pulled to
    assert not reddish(looks, 75, 128)  # and no longer where it was


@pytest.mark.usefixtures("engine")
def test_what_is_painted_over_goes(console: Console, picture: Any) -> None:
    ids = picture(precision="U16_NON_LINEAR")
    console.call("host.strokes", image=ids["image"], kind="subtract", box_=[62, 90, 80, 80])

    done = console.call("script.edit", image=ids["image"], layers=[ids["layer"]])

    assert done["status"] == "success", done["error"]
    looks = base64.b64decode(console.call("pictures.composite", image=ids["image"], babl="R'G'B'A u8"))
    assert not reddish(looks, 100, 128)


@pytest.mark.usefixtures("engine")
def test_outside_a_soft_selection_nothing_changes_of_a_float_layer_with_an_offset(
    console: Console, picture: Any
) -> None:
    ids = picture(precision="FLOAT_LINEAR", offset=(-20, 10))
    console.call("host.add_path", image=ids["image"], strokes=[[(80, 138), (120, 138)]])
    console.call("scene.select", image=ids["image"], box=[30, 90, 140, 100], feather=12.0)
    before = base64.b64decode(console.call("pictures.composite", image=ids["image"]))
    allowed = base64.b64decode(console.call("host.read", image=ids["image"], bounds=[0, 0, SIDE, SIDE])["mask"]["data"])

    done = console.call("script.edit", image=ids["image"], layers=[ids["layer"]])
    after = base64.b64decode(console.call("pictures.composite", image=ids["image"]))

    assert done["status"] == "success", done["error"]
    size = len(before) // len(allowed)
    changed = [n for n in range(len(allowed)) if before[n * size : (n + 1) * size] != after[n * size : (n + 1) * size]]
    assert changed
    assert all(allowed[n] for n in changed)


@pytest.mark.usefixtures("engine")
def test_a_saved_and_reopened_layer_is_made_again_with_the_same_pixels(
    console: Console, picture: Any, gimp_root: Root
) -> None:
    ids = picture()
    console.call("host.add_path", image=ids["image"], strokes=[[(100, 128), (150, 128)]])
    first = console.call("script.edit", image=ids["image"], layers=[ids["layer"]], seed=7)["layers"][0]
    pixels, name = console.call("pictures.native", layer=first), str(gimp_root.shared / "kept.xcf")
    console.call("scene.save", image=ids["image"], path=name)

    reopened = console.call("scene.open_file", path=name)
    kept = console.call("pictures.layer_named", image=reopened, name="Drag 1 handle")
    again = console.call("script.rerun", image=reopened, layers=[kept])
    layers = console.call("pictures.layers", image=reopened)

    assert again["status"] == "success", again["error"]
    assert console.call("pictures.native", layer=again["layers"][0]) == pixels
    assert layers == ["Drag 1 handle 2", "Drag 1 handle", "Background"]
    console.call("pictures.close", image=reopened)


@pytest.mark.usefixtures("engine")
def test_a_result_is_stale_once_what_is_beneath_has_changed(console: Console, picture: Any) -> None:
    ids = picture()
    console.call("host.add_path", image=ids["image"], strokes=[[(100, 128), (150, 128)]])
    made = console.call("script.edit", image=ids["image"], layers=[ids["layer"]])["layers"][0]
    fresh = console.call("host.is_stale", image=ids["image"], layer=made)
    console.call("scene.paint_red", layer=ids["layer"], box=[10, 10, 40, 40])

    assert not fresh
    assert console.call("host.is_stale", image=ids["image"], layer=made)
    again = console.call("script.rerun", image=ids["image"], layers=[made], changes="seed=9\n")
    recipe = json.loads(console.call("host.recipe", layer=again["layers"][0]))
    assert recipe["settings"]["seed"] == 9


@pytest.mark.usefixtures("engine")
def test_a_change_that_is_not_known_is_one_sentence(console: Console, picture: Any) -> None:
    ids = picture()
    console.call("host.add_path", image=ids["image"], strokes=[[(100, 128), (150, 128)]])
    made = console.call("script.edit", image=ids["image"], layers=[ids["layer"]])["layers"]

    key = console.call("script.rerun", image=ids["image"], layers=made, changes="colour=7")
    value = console.call("script.rerun", image=ids["image"], layers=made, changes="seed=x")

    assert (key["status"], value["status"]) == ("execution-error", "execution-error")
    assert "'colour=7' is not a change that I know" in key["error"]
    assert "seed must be a number, not 'x'." in value["error"]


def test_a_layer_that_scumble_did_not_make_cannot_be_made_again(console: Console, picture: Any) -> None:
    ids = picture()
    done = console.call("script.rerun", image=ids["image"], layers=[ids["layer"]])
    assert "“Background” is not a layer that Scumble made; choose one that is." in done["error"]


@pytest.mark.usefixtures("engine")
def test_nothing_asked_is_one_sentence_and_changes_nothing(console: Console, picture: Any) -> None:
    ids = picture()
    done = console.call("script.edit", image=ids["image"], layers=[ids["layer"]], instruction="  ")

    assert done["status"] == "execution-error"
    assert "Nothing was asked for: drag a point, paint a stroke, or say what should change." in done["error"]
    assert console.call("pictures.layers", image=ids["image"]) == ["Background"]


def test_a_blank_stroke_layer_is_one_sentence(console: Console, picture: Any) -> None:
    ids = picture()
    blank = console.call("host.strokes", image=ids["image"], kind="add", box_=None)
    done = console.call("script.edit", image=ids["image"], layers=[blank])

    assert "The add strokes are empty: paint what should appear." in done["error"]
    assert console.call("pictures.layers", image=ids["image"]) == [["Scumble strokes", ["Add (+)"]], "Background"]


@pytest.mark.usefixtures("engine")
def test_a_canvas_of_16000_pixels_is_read_only_where_the_edit_is(console: Console, gimp_root: Root) -> None:
    raw = gimp_root.shared / "scene.rgba"
    raw.write_bytes(raw_scene())
    large: dict[str, Any] = {"width": 16000, "height": 16000, "layer": [SIDE, SIDE], "offset": [7900, 7900]}
    ids = console.call("pictures.make", path=str(raw), **large)
    console.call("host.add_path", image=ids["image"], strokes=[[(8000, 8028), (8040, 8028)]])
    console.call("scene.select", image=ids["image"], box=[7960, 7988, 80, 80], feather=0.0)

    done = console.call("script.edit", image=ids["image"], layers=[ids["layer"]], selection_moves=True)
    region = json.loads(console.call("host.recipe", layer=done["layers"][0]))["region"]
    console.call("pictures.close", image=ids["image"])

    assert done["status"] == "success", done["error"]
    assert max(region[2:]) < 1000


def test_an_engine_of_another_protocol_version_is_one_sentence(console: Console, picture: Any, engine: Engine) -> None:
    ids = picture()
    console.call("host.add_path", image=ids["image"], strokes=[[(100, 128), (150, 128)]])
    file = engine.run_folder / "engine.json"
    true = file.read_text()
    file.write_text(json.dumps(json.loads(true) | {"protocols": [99]}))
    try:
        done = console.call("script.edit", image=ids["image"], layers=[ids["layer"]])
    finally:
        file.write_text(true)

    assert done["status"] == "execution-error"
    assert "99" in done["error"], done
    assert console.call("pictures.layers", image=ids["image"]) == ["Background"]


def reddish(looks: bytes, x: int, y: int) -> bool:
    red, green, blue = looks[(y * SIDE + x) * 4 :][:3]
    return red > green + 40 and red > blue + 40
