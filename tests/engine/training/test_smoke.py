"""The whole chain as the command runs it, drawings and all. Needs npm, and the registry unless the drawings are cached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from diffusers import DiffusionPipeline, LCMScheduler, UNet2DConditionModel
from scumble_engine.models import linear_autoencoder  # noqa: F401 - diffusers loads only classes that are imported already
from scumble_engine.training.recipe import SMALL_RECIPE
from scumble_engine.training.sprites import PACKS, fetch


def drawings_are_here() -> bool:
    try:
        return all(fetch(PACKS[style]).exists() for style in SMALL_RECIPE.styles)
    except RuntimeError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None and not drawings_are_here(), reason="needs npm to fetch the drawings")
def test_one_command_makes_a_whole_illustrator(tmp_path: Path) -> None:
    if not drawings_are_here():
        pytest.skip("the drawings can't be fetched here")
    cache = tmp_path / "cache"
    (cache / "scumble").mkdir(parents=True)
    (cache / "scumble" / "packs").symlink_to(fetch(PACKS["flat"]).parent)
    command = [
        sys.executable,
        "-m",
        "scumble_engine.training",
        "--smoke",
        "--threads",
        "1",
        "--publish",
        str(tmp_path / "out"),
    ]
    engine = Path(__file__).parents[3] / "engine"
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": f"{engine}:{engine.parent / 'protocol'}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]

    out = tmp_path / "out"
    pipeline = DiffusionPipeline.from_pretrained(out)
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline("a lemon", num_inference_steps=1).images[0].size == (64, 64)
    pipeline.unet = UNet2DConditionModel.from_pretrained(out / "student")
    pipeline.scheduler = LCMScheduler.from_pretrained(out / "student_scheduler")
    assert pipeline("a lemon", num_inference_steps=2, guidance_scale=0.0).images[0].size == (64, 64)
    sources = json.loads((out / "sprites.json").read_text())
    assert {line["licence"] for line in sources} <= {"MIT", "Apache-2.0", "CC-BY-4.0"}
    assert all(len(line["sha256"]) == 64 for line in sources)
    assert "apple" in json.loads((out / "vocabulary.json").read_text())["concepts"]
    assert (out / "samples.webp").stat().st_size > 500
