"""What can't be edited in GIMP is said in one clear sentence each, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gimp.console import Console

pytestmark = pytest.mark.gimp


@pytest.fixture
def ids(console: Console) -> Iterator[dict[str, int]]:
    made: dict[str, int] = console.call("pictures.make")
    yield made
    console.call("pictures.close", image=made["image"])


def refusal(console: Console, ids: dict[str, int], **more: Any) -> str:
    sentence: str = console.call("host.refusal", image=ids["image"], **more)
    return sentence


def test_a_plain_layer_is_not_refused(console: Console, ids: dict[str, int]) -> None:
    assert refusal(console, ids, bounds=[0, 0, 8, 8]) == ""


def test_no_picture(console: Console) -> None:
    assert console.call("host.refusal") == "No picture is open; open one and choose the layer to edit."


def test_no_layer(console: Console, ids: dict[str, int]) -> None:
    console.call("scene.remove", layer=ids["layer"])
    assert refusal(console, ids) == "The picture has no layer; add one with something to edit on it."


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("lock", "“Background” is locked; unlock its pixels, or choose another layer."),
        ("hide", "“Background” is hidden; show it, or choose another layer."),
    ],
)
def test_a_locked_or_hidden_layer(console: Console, ids: dict[str, int], what: str, sentence: str) -> None:
    console.call(f"scene.{what}", layer=ids["layer"])
    assert refusal(console, ids) == sentence


def test_a_group_and_a_channel(console: Console, ids: dict[str, int]) -> None:
    group = console.call("scene.add_group", image=ids["image"])
    channel = console.call("scene.add_channel", image=ids["image"])

    assert refusal(console, ids, layer=group) == "“Folder” is a layer group; choose one of the layers in it."
    assert "is a channel; choose a layer" in refusal(console, ids, layer=channel)


def test_an_indexed_picture(console: Console, ids: dict[str, int]) -> None:
    console.call("scene.make_indexed", image=ids["image"])
    assert refusal(console, ids) == "An indexed picture can't be edited; change it with Image > Mode > RGB."


@pytest.mark.parametrize(
    ("strokes", "words"),
    [
        ([[[10, 10]]], "Stroke 1 of the path “Drags” has one anchor; add a second one"),
        ([[[1, 1], [5, 5]], [[1, 2], [3, 4], [9, 9]]], "Stroke 2 of the path “Drags” has 3 anchors; a drag is two"),
    ],
)
def test_a_path_that_is_not_made_of_drags(console: Console, ids: dict[str, int], strokes: Any, words: str) -> None:
    console.call("host.add_path", image=ids["image"], strokes=strokes)
    assert refusal(console, ids).startswith(words)
    assert refusal(console, ids, use_path=False) == ""


def test_strokes_whose_layer_is_gone(console: Console, ids: dict[str, int]) -> None:
    console.call("host.strokes", image=ids["image"], kind="add", box_=[1, 1, 4, 4])
    console.call("scene.remove", layer=ids["layer"])
    assert refusal(console, ids) == "The layer that these strokes are about is gone; choose the layer to edit."


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("layer", "The layer “Background” was deleted; nothing was changed."),
        ("picture", "The picture was closed; nothing was changed."),
        ("depth", "The picture's precision or profile was changed while the edit ran; make the edit again."),
    ],
)
def test_what_goes_away_while_an_edit_runs(console: Console, gone: str, words: str) -> None:
    ids = console.call("pictures.make")
    if gone == "layer":  # something else must be left, or the picture itself is the trouble
        console.call("scene.add_group", image=ids["image"])
        console.call("scene.choose", layer=ids["layer"])

    assert console.call("host.late_refusal", image=ids["image"], gone=gone) == words

    console.call("pictures.close", image=ids["image"])


def test_a_crop_that_is_too_large_is_refused_before_anything_is_read(console: Console) -> None:
    ids = console.call("pictures.make", width=16000, height=16000, precision="FLOAT_LINEAR", layer=[64, 64])
    sentence = refusal(console, ids, bounds=[0, 0, 16000, 16000])
    console.call("pictures.close", image=ids["image"])

    assert "16000×16000 pixels" in sentence
    assert "are too many for one edit" in sentence
