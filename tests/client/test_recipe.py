"""A recipe survives its string whole, refuses what is damaged, and knows when the picture beneath has changed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from client.fake_host import PROVENANCE, FakeHost, painted, patterned
from hypothesis import given
from hypothesis import strategies as st
from scumble_protocol.client.recipe import (
    Recipe,
    from_json,
    is_stale,
    painted_bounds,
    picture_sha256,
    to_json,
)
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import Handle, Instruction, PromptPair, Settings
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
    add=painted(16, 12, Bounds(2, 3, 5, 4)),
    subtract=painted(16, 12, Bounds(15, 11, 1, 1)),
    color=patterned(16, 12),
    mask=painted(16, 12, Bounds(0, 0, 16, 12), value=9),
    grab=painted(16, 12, Bounds(0, 0, 0, 0)),
    reading=PAIR,
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
        FULL, region=Bounds(3, 4, width, height), add=plane, subtract=None, color=None, mask=None, grab=None
    )
    assert from_json(to_json(recipe)).add == plane


def test_empty_surroundings_of_a_stroke_cost_nothing() -> None:
    spot = replace(FULL, region=Bounds(0, 0, 2000, 2000), add=painted(2000, 2000, Bounds(900, 900, 3, 3)),
                   subtract=None, color=None, mask=None, grab=None)  # fmt: skip
    assert len(to_json(spot)) < 2000
    assert painted_bounds(spot.add) == Bounds(900, 900, 3, 3)


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
    with pytest.raises(RequestError):
        from_json(json.dumps(content))


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
    assert (onto.handles, onto.add, onto.picture) == (FULL.handles, FULL.add, snapshot.picture)
    with pytest.raises(RequestError, match="no longer reaches"):
        FULL.cues_onto(host.read(host.canvas(), Bounds(0, 0, 16, 12)))
