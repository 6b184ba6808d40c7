"""`scumble engine --model`: folders that must not or can't be loaded are refused in a sentence; photographs go on being edited."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from e2e.terminal import Terminal, finish
from engine.headless.pictures import noise, save

pytestmark = pytest.mark.slow

START_WITHIN_S = 60


def pickled(folder: Path) -> str:
    """Make a folder with weights that run code when loaded; return what must be said of it."""
    (folder / "unet").mkdir()
    (folder / "model_index.json").write_text(
        json.dumps({"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]})
    )
    (folder / "unet" / "config.json").write_text("{}")
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04.")
    return "pickled weights"


def of_an_unknown_class(folder: Path) -> str:
    (folder / "model_index.json").write_text(
        json.dumps({"_class_name": "os.system", "unet": ["diffusers", "UNet2DConditionModel"]})
    )
    (folder / "unet").mkdir()
    (folder / "unet" / "config.json").write_text("{}")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"\x02" + bytes(7) + b"{}")
    return "os.system"


def empty(folder: Path) -> str:
    return "model_index.json"


@pytest.fixture
def terminal(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    save(tmp_path / "ok.png", noise(64, 64))
    strokes = np.zeros((64, 64, 4), np.uint8)
    strokes[20:30, 20:30] = 255
    save(tmp_path / "strokes.png", strokes)
    terminal = Terminal(tmp_path, tmp_path_factory.mktemp("run"))
    yield terminal
    terminal.kill_engine()


@pytest.mark.parametrize("make", [pickled, of_an_unknown_class, empty])
def test_a_model_that_must_not_be_loaded_is_refused(terminal: Terminal, make) -> None:
    folder = terminal.files / "model"
    folder.mkdir()
    words = make(folder)
    engine = terminal.begin("engine", "--model", folder)
    try:
        refused_but_photographs_go(terminal, words)
    finally:
        engine.send_signal(signal.SIGTERM)
        said = finish(engine)
    assert "Traceback" not in said.err


def refused_but_photographs_go(terminal: Terminal, words: str) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while not (terminal.runtime / "engine.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    said = terminal("edit", "ok.png", "out.ora", "--say", "make the apple green")
    assert said.code in (1, 2)
    assert words in said.sentence
    assert not (terminal.files / "out.ora").exists()
    assert terminal("edit", "ok.png", "out.ora", "--subtract", "strokes.png").code == 0
