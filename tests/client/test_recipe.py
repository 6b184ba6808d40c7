"""A recipe survives its string whole, refuses what is damaged, and knows when the picture beneath has changed."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from client.fake_host import PROVENANCE, FakeHost, painted, patterned
from hypothesis import given
from hypothesis import strategies as st
from scumble_protocol.client.packing import pack, painted_bounds
from scumble_protocol.client.recipe import (
    PLANES,
    Recipe,
    from_json,
    is_stale,
    picture_sha256,
    to_json,
)
from scumble_protocol.client.run import plan_rerun
from scumble_protocol.client.staleness import StaleWatch
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import Character, Handle, Instruction, PromptPair, Settings, Slide
from scumble_protocol.pixels import Picture, Plane

REGION = Bounds(100, 50, 16, 12)
PAIR = PromptPair("a red apple", "a green apple", ("green",), ("apple",), "recolor")
FULL = Recipe(
    source_name="Äpfel — “1”",
    region=REGION,
    picture_sha256=picture_sha256(Picture(patterned(16, 12))),
    settings=Settings("warp", 0.25, 3, 7, "lora", 1.5),
    provenance=PROVENANCE,
    handles=(Handle(Point(101.25, 52), Point(110, 55.5)),),
    words=PAIR,
    add=pack(painted(16, 12, Bounds(2, 3, 5, 4))),
    subtract=pack(painted(16, 12, Bounds(15, 11, 1, 1))),
    color=pack(patterned(16, 12)),
    mask=pack(painted(16, 12, Bounds(0, 0, 16, 12), value=9)),
    grab=pack(painted(16, 12, Bounds(0, 0, 0, 0))),
    reading=PAIR,
    character=Character("creatures", Bounds(90, 40, 64, 64), "AACAPw==", "6f1f"),
    begun=Character("creatures", Bounds(90, 40, 64, 64)),
    slides=(Slide("yaw", -1.5),),
)


def test_every_field_comes_back_from_the_string() -> None:
    assert from_json(to_json(FULL)) == FULL


def test_a_recipe_of_words_alone_comes_back() -> None:
    bare = Recipe("Sky", REGION, "00", Settings(), PROVENANCE, words=Instruction("make it blue"))
    assert from_json(to_json(bare)) == bare


def test_the_string_is_ascii_on_one_line_and_always_the_same() -> None:
    text = to_json(FULL)
    assert text.isascii()
    assert "\n" not in text
    assert to_json(from_json(text)) == text


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 4]), st.data())
def test_any_plane_is_packed_without_loss(width: int, height: int, channels: int, data: st.DataObject) -> None:
    samples = data.draw(st.lists(st.sampled_from([0, 0, 0, 5]), min_size=width * height * channels,
                                 max_size=width * height * channels))  # fmt: skip
    plane = Plane(width, height, channels, "u8", bytes(samples))
    recipe = replace(
        FULL,
        region=Bounds(3, 4, width, height),
        handles=(),
        add=pack(plane) if channels == 1 else None,
        subtract=None,
        color=pack(plane) if channels == 4 else None,
        mask=None,
        grab=None,
    )
    assert list(from_json(to_json(recipe)).planes_on(Bounds(0, 0, 20, 20)).values()) == [plane]


def test_empty_surroundings_of_a_stroke_cost_nothing() -> None:
    strokes = painted(2000, 2000, Bounds(900, 900, 3, 3))
    spot = replace(FULL, region=Bounds(0, 0, 2000, 2000), add=pack(strokes),
                   subtract=None, color=None, mask=None, grab=None)  # fmt: skip
    assert len(to_json(spot)) < 2000
    assert painted_bounds(strokes) == Bounds(900, 900, 3, 3)


DAMAGES = [
    "", "null", "[]", "{}", '{"scumble_recipe":1}', '{"scumble_recipe":"x"}', to_json(FULL)[:-40], "\x00",
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGES)
def test_a_damaged_recipe_is_refused_in_words(text: str) -> None:
    with pytest.raises(RequestError, match="recipe is damaged"):
        from_json(text)


@pytest.mark.parametrize("key", ["data", "at", "channels"])
def test_a_plane_that_lies_about_its_size_is_refused(key: str) -> None:
    content = json.loads(to_json(FULL))
    content["planes"]["add"][key] = {"data": "eNpjYBgFAAABAAE=", "at": [0, 0, 999, 999], "channels": 3}[key]
    with pytest.raises(RequestError, match="recipe is damaged"):
        from_json(json.dumps(content)).planes_on(REGION)


EMPTY = {"at": [0, 0, 0, 0], "channels": 1, "data": "eJwDAAAAAAE="}
HUGE = json.loads(to_json(FULL)) | {
    "region": [0, 0, 32768, 32768],
    "planes": {name: EMPTY | {"channels": 4 if name == "color" else 1} for name in PLANES if name != "color"},
}


def test_a_recipe_that_claims_a_huge_region_costs_nothing_and_is_refused_by_the_canvas() -> None:
    text = json.dumps(HUGE)
    tracemalloc.start()
    try:
        recipe = from_json(text)
        host = FakeHost(patterned(200, 100))
        with pytest.raises(RequestError, match="no longer holds the whole region"):
            plan_rerun(host, recipe)
        with pytest.raises(RequestError, match="no longer holds the whole region"):
            recipe.planes_on(Bounds(0, 0, 200, 100))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert host.reads == []
    assert peak < 2**20


DEEP = "[" * 100_000
GIANT = "1" + "0" * 400


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((), DEEP),
        (("region",), f"[0, 0, {GIANT}, 5]"),
        (("region",), "[0, 0, 70000, 5]"),
        (("region",), "[0, 0, 16]"),
        (("region",), '"0123"'),
        (("region",), "[0, 0, true, 5]"),
        (("region", 0), GIANT),
        (("region", 2), "0"),
        (("handles",), f"[[{GIANT}, 1, 2, 3]]"),
        (("handles",), "[[NaN, 1, 2, 3]]"),
        (("handles",), "[[1e999, 1, 2, 3]]"),
        (("handles",), "[[1, 2, 3]]"),
        (("handles",), json.dumps([[1, 2, 3, 4]] * 300)),
        (("settings", "seed"), GIANT),
        (("settings", "seed"), "1.5"),
        (("settings", "steps"), '"7"'),
        (("settings", "strength"), GIANT),
        (("settings", "method"), '"eval"'),
        (("settings", "feather_px"), "Infinity"),
        (("provenance",), "null"),
        (("provenance", "steps"), "[]"),
        (("words",), "7"),
        (("words",), '{"say": {"a": 1}}'),
        (("words",), '{"source": 1, "target": "x"}'),
        (("reading",), '{"source": "a", "target": "b", "blend": "xyz"}'),
        (("source",), "{}"),
        (("planes", "add"), '"x"'),
        (("planes", "add", "at"), f"[0, 0, {GIANT}, {GIANT}]"),
        (("planes", "add", "at"), "[0, 0]"),
        (("planes", "add", "channels"), "4"),
        (("planes", "add", "data"), "null"),
        (("later",), "[" + "0," * 2**20 + "0]"),
    ],
)
def test_a_hostile_recipe_is_damaged_and_nothing_else(place: tuple[str | int, ...], value: str) -> None:
    content: Any = json.loads(to_json(FULL))
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    if place:
        inner[place[-1]] = "@"
    text = json.dumps(content).replace('"@"', value) if place else value
    for _ in range(2):
        with pytest.raises(RequestError, match="recipe is damaged"):
            from_json(text)


def test_a_text_is_parsed_once() -> None:
    text = to_json(FULL)
    again = "".join(list(text))
    assert again is not text
    assert from_json(again) is from_json(text)


def test_layers_are_compared_beside_the_main_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    plain = Plane.sha256

    def noted(plane: Plane) -> str:
        threads.append(threading.current_thread())
        return plain(plane)

    monkeypatch.setattr(Plane, "sha256", noted)
    watch = StaleWatch()
    for key, space in (("a", "srgb"), ("b", "srgb-linear")):
        watch.look(key, FULL, Picture(patterned(16, 12), space))
        while watch.busy:
            time.sleep(0.001)
    assert watch.answers() == {"a": False, "b": True}
    assert len(threads) == 2
    assert threading.current_thread() not in threads


def test_a_newer_format_says_so() -> None:
    content = json.loads(to_json(FULL)) | {"scumble_recipe": 2}
    with pytest.raises(RequestError, match="newer Scumble"):
        from_json(json.dumps(content))


def test_fields_of_a_later_version_of_this_format_are_passed_over() -> None:
    content = json.loads(to_json(FULL))
    content["settings"]["tint"] = 4
    content["later"] = True
    assert from_json(json.dumps(content)) == FULL


def test_a_recipe_is_stale_when_samples_space_or_profile_differ() -> None:
    plane = patterned(16, 12)
    changed = Plane(16, 12, 4, "u8", bytes(plane.data[:-1]) + b"\xff")
    assert not is_stale(FULL, Picture(plane))
    assert is_stale(FULL, Picture(changed))
    assert is_stale(FULL, Picture(plane, "srgb-linear"))
    assert is_stale(FULL, Picture(plane, "icc", b"profile"))


def test_changes_keep_their_types() -> None:
    changed = FULL.with_changes(["seed=11", "strength=.5", "method=latent", "to=a blue apple"])
    assert changed.settings == replace(FULL.settings, seed=11, strength=0.5, method="latent")
    assert changed.words == replace(PAIR, target="a blue apple")
    assert changed.reading is None
    assert FULL.with_changes(["say=make it blue"]).words == Instruction("make it blue")


@pytest.mark.parametrize("change", ["seed", "sed=1", "seed=many", "strength=", "steps=1.5", "=3"])
def test_a_change_that_makes_no_sense_is_refused(change: str) -> None:
    with pytest.raises(RequestError):
        FULL.with_changes([change])


def test_cues_go_onto_a_new_reading_of_the_same_region_only() -> None:
    host = FakeHost(patterned(200, 100))
    snapshot = host.read(host.canvas(), REGION)
    onto = FULL.cues_onto(snapshot)
    assert (onto.handles, onto.picture) == (FULL.handles, snapshot.picture)
    assert onto.add == painted(16, 12, Bounds(2, 3, 5, 4))
    with pytest.raises(RequestError, match="no longer reaches"):
        FULL.cues_onto(host.read(host.canvas(), Bounds(0, 0, 16, 12)))


@pytest.mark.parametrize(
    "broken",
    [
        {"character": {"generator": "../../etc", "place": {"x": 0, "y": 0, "width": 4, "height": 4}}},
        {"character": {"generator": "creatures", "place": {"x": 0, "y": 0, "width": 0, "height": 4}}},
        {"character": {"generator": "creatures", "place": {"x": 2**40, "y": 0, "width": 4, "height": 4}}},
        {"begun": {"generator": 7, "place": {"x": 0, "y": 0, "width": 4, "height": 4}}},
        {"slides": [{"name": "yaw", "amount": 1e9}]},
        {"slides": [{"name": "yaw", "amount": 1.0}] * 65},
    ],
)
def test_a_damaged_character_damages_its_recipe(broken: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="damaged"):
        from_json(json.dumps(json.loads(to_json(FULL)) | broken))


def test_a_recipe_from_before_there_were_characters_has_none() -> None:
    content = {
        key: value for key, value in json.loads(to_json(FULL)).items() if key not in ("character", "begun", "slides")
    }
    found = from_json(json.dumps(content))
    assert (found.character, found.begun, found.slides) == (None, None, ())
