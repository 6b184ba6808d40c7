"""`python -m scumble_engine.demo`: the main job, as `make demo` runs it."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from e2e.terminal import WITHIN_S, Terminal, running
from PIL import Image
from scumble_engine.demo import STORIES
from scumble_engine.headless.sources import LayeredSource
from scumble_protocol.client.recipe import from_json

pytestmark = pytest.mark.slow


def test_the_demo_leaves_layers_recipes_and_a_contact_sheet(tmp_path_factory: pytest.TempPathFactory) -> None:
    terminal = Terminal(tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("run"))
    folder = terminal.files / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "scumble_engine.demo", folder], env=terminal.environment, capture_output=True, text=True,
        timeout=WITHIN_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (terminal.runtime / "engine.json").exists() or not running(terminal.connection["pid"])
    for story in STORIES:
        check_story(folder / f"{story.name}.ora", len(story.edits), story.picture())
        assert all(edit.title.split(":")[0] in done.stdout for edit in story.edits)
    with Image.open(folder / "contact-sheet.png") as sheet:
        assert sheet.width > 1400
        assert sheet.height > 300 * sum(len(story.edits) for story in STORIES)
    assert "s in all" in done.stdout


def check_story(path, edits: int, picture: np.ndarray) -> None:
    """The source is there as it was, each edit is a layer with a recipe, and each layer changes what is seen."""
    file = LayeredSource(path).file
    layers = list(file.stack.root)[:-1]
    assert len(layers) == edits
    assert np.array_equal(LayeredSource(path, layers[-1].get("name")).flat().samples[..., :3], picture)
    for layer in layers:
        assert from_json(file.recipe(layer)).provenance.method
        bounds, placed = file.stack.layer_picture(layer)
        alpha = np.frombuffer(placed.plane.data, np.uint8).reshape(bounds.height, bounds.width, 4)[..., 3]
        assert (alpha > 0).any()
        assert (alpha == 0).any()
    with zipfile.ZipFile(path) as archive, Image.open(io.BytesIO(archive.read("mergedimage.png"))) as merged:
        assert merged.size == picture.shape[1::-1]
        assert (np.asarray(merged.convert("RGB")) != picture).any()
