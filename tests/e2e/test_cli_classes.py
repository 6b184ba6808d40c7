"""Every class as it is published, shrunk, through the command in all its edits, at two sizes and in two precisions.

One engine serves them all, so that torch is started once: tests/acting/classes.py changes its model between edits.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from acting import engine as acting
from engine.headless.pictures import noise, save
from PIL import Image
from published_models import NAMES, published_folder
from scumble_engine import cli

pytestmark = pytest.mark.slow

SERVED = [name for name in NAMES if name != "sdxl-refiner"]
# Width, height; one is larger than the model's 64 px, and no multiple of what its layers halve.
SIZES = {"small": (64, 64), "wide": (92, 70)}
EDITS = {
    "words": ("--from", "a red cat", "--to", "a blue cat", "--steps", "2"),
    "drag": ("--drag", "30,30:38,30", "--method", "latent", "--grab", "grab.png", "--steps", "2"),
    "strokes": ("--add", "lines.png", "--color", "dabs.png", "--say", "a star", "--steps", "1"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    for name, (width, height) in SIZES.items():
        place = folder / name
        place.mkdir()
        save(place / "picture.png", noise(height, width))
        for cue in ("lines", "dabs"):
            strokes = np.zeros((height, width, 4), np.uint8)
            strokes[24:40, 26 : 30 if cue == "lines" else 44] = (200, 40, 40, 255)
            save(place / f"{cue}.png", strokes)
        for cue, inside in (("mask", np.s_[8:-8, 8:-8]), ("grab", np.s_[24:40, 24:40])):
            white = np.zeros((height, width, 3), np.uint8)
            white[inside] = 255
            save(place / f"{cue}.png", white)
    return folder


@pytest.fixture(scope="module")
def serving(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The runtime folder of an engine whose worker reads which model it has from folder/chosen.json."""
    chosen = folder / "chosen.json"
    chosen.write_text(json.dumps({"model": "auto", "dtype": "float32", "controls": []}))
    runtime = tmp_path_factory.mktemp("run")
    runtime.chmod(0o700)
    worker = (sys.executable, str(acting.HERE / "classes.py"))
    with acting.ActingEngine(runtime, worker_command=worker, model=str(chosen)) as engine:
        engine.session().close()
        yield runtime


@pytest.fixture(scope="module")
def published(folder: Path) -> Callable[[str], Path]:
    return cache(lambda name: published_folder(folder / name, name, ("",)))


@pytest.fixture
def painter(serving: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Return what runs an edit by name, on a model and size, and returns the command's exit code."""
    monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", str(serving))

    def paint(model: Path, dtype: str, size: str, edit: str, out: str) -> int:
        (folder / "chosen.json").write_text(json.dumps({"model": str(model), "dtype": dtype, "controls": []}))
        monkeypatch.chdir(folder / size)
        return cli.run(["edit", "picture.png", out, *EDITS[edit], "--mask", "mask.png", "--force"])

    return paint


@pytest.mark.parametrize(("dtype", "size"), [("float32", "small"), ("bfloat16", "wide")])
@pytest.mark.parametrize("name", SERVED)
def test_every_class_makes_every_edit_and_leaves_no_trace(
    name: str, dtype: str, size: str, painter: Callable[..., int], published: Callable[[str], Path], folder: Path
) -> None:
    model, place = published(name), folder / size
    for edit in EDITS:
        assert painter(model, dtype, size, edit, f"{edit}.png") == 0
        changed = np.any(pixels(place / f"{edit}.png") != pixels(place / "picture.png"), axis=-1)
        may = pixels(place / "mask.png")[..., 0] > 0
        assert changed[may].any(), edit
        assert not changed[~may].any(), edit
    assert painter(model, dtype, size, "words", "again.png") == 0
    assert np.array_equal(pixels(place / "again.png"), pixels(place / "words.png")), "what was put in is out again"


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def of_edm(model: Path) -> None:
    (model / "scheduler" / "scheduler_config.json").write_text(json.dumps({"_class_name": "EDMEulerScheduler"}))


def of_flow(model: Path) -> None:
    config = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}
    (model / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))


def of_another_class(model: Path) -> None:
    index = json.loads((model / "model_index.json").read_text())
    (model / "model_index.json").write_text(json.dumps(index | {"_class_name": "FluxPipeline"}))


def without_weights(model: Path) -> None:
    (model / "unet" / "diffusion_pytorch_model.safetensors").rename(model / "unet" / "diffusion_pytorch_model.bin")


REFUSED: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "refiner": ("sdxl-refiner", lambda _model: None, "is SDXL's refiner"),
    "edm": ("sd15", of_edm, "continuous noise levels (EDM)"),
    "flow": ("sd15", of_flow, "a flow between picture and noise"),
    "class": ("sd15", of_another_class, "A FluxPipeline model can't be edited with"),
    "pickled": ("sd15", without_weights, "pickled weights"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_can_not_be_edited_with_is_one_sentence(
    why: str, painter: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, change, words = REFUSED[why]
    model = published_folder(tmp_path / "model", name, ("",))
    change(model)
    assert painter(model, "float32", "small", "words", "refused.png") == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("scumble: ") == 1
