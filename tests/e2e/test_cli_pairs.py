"""`--from` and `--to` at the command line, on a published layout: the kind is seen from the two prompts, and so is the place."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from e2e.terminal import Terminal
from engine.headless.pictures import noise, save
from PIL import Image
from published_models import published_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    files = tmp_path_factory.mktemp("files")
    save(files / "ok.png", noise(64, 64))
    selected = Image.new("L", (64, 64))
    selected.paste(255, (16, 16, 48, 48))
    selected.save(files / "mask.png")
    terminal = Terminal(files, tmp_path_factory.mktemp("run"))
    published_folder(files / "model", "sd15", ("",))
    terminal.environment["SCUMBLE_MODEL"] = str(files / "model")
    yield terminal
    terminal.kill_engine()


def _reading(terminal: Terminal, *words: str) -> tuple[str, dict[str, Any]]:
    """Return what the command says of the words, and what the layer's recipe says."""
    out = terminal.files / "out.ora"
    said = terminal("edit", "ok.png", out, *words, "--steps", "1", "--force")
    assert said.code == 0, said.err
    with zipfile.ZipFile(out) as archive:
        recipes = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")]
    line = next(line for line in said.err.splitlines() if line.startswith("Read"))
    return line, next(recipe["reading"] for recipe in recipes if "reading" in recipe)


@pytest.mark.parametrize(
    ("source", "target", "kind", "blend"),
    [
        ("a red apple on a table", "a green apple on a table", "recolor", ["apple"]),
        ("a cat on grass", "a cat on the beach", "background", []),
        ("a house", "a watercolor of a house", "style", []),
        ("a man", "a smiling man", "rename", ["man"]),
    ],
)
def test_two_bare_prompts_have_the_kind_and_the_place_of_their_change(
    terminal: Terminal, source: str, target: str, kind: str, blend: list[str]
) -> None:
    line, reading = _reading(terminal, "--from", source, "--to", target)
    assert line == f"Read as {kind}: from “{source}” to “{target}”."
    assert (reading["kind"], list(reading["blend"])) == (kind, blend)


def test_with_a_mask_it_needs_no_noun(terminal: Terminal) -> None:
    line, _ = _reading(terminal, "--say", "make it blue", "--mask", "mask.png")
    assert line == "Read as recolor: from “a picture” to “a blue picture”."


def test_without_one_the_pair_comes_back_and_can_be_said_with_an_arrow(terminal: Terminal) -> None:
    said = terminal("edit", "ok.png", "asked.ora", "--say", "make it blue")
    assert said.code == 2
    assert said.sentence.endswith(": a picture -> a blue picture")
    line, _ = _reading(terminal, "--say", "a vase -> a blue vase")
    assert line == "Read as recolor: from “a vase” to “a blue vase”."
