"""Characters as typed at a terminal: made, pulled edit after edit, undone by layer, slid, and made again from their recipes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from e2e.terminal import Terminal
from engine.headless.pictures import load
from PIL import Image
from scumble_engine.gan.folder import save_generator
from scumble_engine.headless import pngchunks
from tiny_generator import tiny_generator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A folder with one generator, `tiny`, whose numbers have names, and an engine that all tests of this file share."""
    models, files = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("characters")
    save_generator(models / "generators" / "tiny", tiny_generator(), {"z": [f"n{n}" for n in range(8)]}, half=False)
    terminal = Terminal(files, tmp_path_factory.mktemp("run"))
    terminal.environment["SCUMBLE_MODELS_DIR"] = str(models)
    yield terminal
    terminal.kill_engine()


def new(terminal: Terminal, out: Path, *more: object) -> None:
    said = terminal("new", out, "--model", "tiny", "--seed", 5, *more)
    assert said.code == 0, said.err


def recipes(path: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("scumble/"))
        return [json.loads(archive.read(name)) for name in names]


def test_edit_after_edit_goes_on_from_the_w_of_the_layer_on_top(terminal: Terminal, tmp_path: Path) -> None:
    out = tmp_path / "a.ora"
    new(terminal, out)
    for _ in range(2):
        said = terminal("edit", out, out, "--drag", "12,14:17,14", "--steps", 3)
        assert said.code == 0, said.err
    slid = terminal("edit", out, out, "--slider", "n2=+1")
    assert slid.code == 0, slid.err
    first, *others = recipes(out)
    assert first["begun"]["ws"] == ""
    for before, after in zip([first, *others], others, strict=False):
        assert after["begun"] == before["character"]
        assert after["provenance"]["method"] == "gan"
    assert others[-1]["slides"] == [{"name": "n2", "amount": 1.0}]
    assert others[-1]["character"]["ws"] != others[-2]["character"]["ws"]


def test_a_character_in_a_png_goes_on_too_and_outside_the_mask_no_bit_changes(
    terminal: Terminal, tmp_path: Path
) -> None:
    out, pulled, mask = tmp_path / "a.png", tmp_path / "b.png", np.zeros((48, 48), np.uint8)
    new(terminal, out, "--size", 48)
    mask[10:30, 10:30] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    said = terminal("edit", out, pulled, "--slider", "n1=3", "--mask", tmp_path / "mask.png")
    assert said.code == 0, said.err
    before, after = load(out), load(pulled)
    assert np.array_equal(before[mask == 0], after[mask == 0])
    assert not np.array_equal(before, after)
    recipe = json.loads(pngchunks.text(pulled.read_bytes(), pngchunks.RECIPE_KEY) or "")
    assert recipe["character"]["place"] == {"x": 0, "y": 0, "width": 48, "height": 48}


def test_a_character_is_made_again_from_its_recipe(terminal: Terminal, tmp_path: Path) -> None:
    out = tmp_path / "a.ora"
    new(terminal, out)
    said = terminal("rerun", out, "--layer", "Character")
    assert "the same as “Character”, pixel by pixel" in said.out, said.err
    other = terminal("rerun", out, "--layer", "Character", "--set", "seed=6")
    assert other.code == 0, other.err
    assert recipes(out)[0]["character"]["ws"] != recipes(out)[-1]["character"]["ws"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("new", "x.png", "--model", "nobody"), "The generator “nobody” is not here (here: "),
        (("new", "x.gif", "--model", "tiny"), "must end in .ora"),
        (("edit", "plain.png", "x.png", "--slider", "n1=1"), "Only a character that a generator painted"),
        (
            ("edit", "plain.png", "x.png", "--drag", "4,4:9,4", "--method", "gan", "--generator", "no"),
            "“no” is not here",
        ),
        (("edit", "plain.png", "x.png", "--slider", "n1"), "is not NAME=NUMBER"),
    ],
)
def test_what_cannot_be_is_said_in_words(terminal: Terminal, arguments: tuple[object, ...], sentence: str) -> None:
    Image.new("RGB", (32, 32), "white").save(terminal.files / "plain.png")
    said = terminal(*arguments)
    assert said.code != 0
    assert sentence in said.sentence
    assert not (terminal.files / "x.png").exists()
