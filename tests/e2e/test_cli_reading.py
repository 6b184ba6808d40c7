"""The command line says how words were read, so that a wrong reading is seen before its picture is puzzled over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from acting.engine import ActingEngine
from PIL import Image


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("recolor it", "Read as recolor: from “a red hat” to “a blue hat”."),
        ("draw it", "Read as add: “a star”."),
        ("steps 1 0", None),
    ],
)
def test_the_kind_the_source_and_the_target_are_said(
    own_runtime_dir: Path, tmp_path: Path, words: str, line: str | None
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(photo)
    edit = [sys.executable, "-m", "scumble_engine.cli", "edit", str(photo), str(tmp_path / "out.png"), "--say", words]
    with ActingEngine(own_runtime_dir) as engine:
        assert engine.info.pid == engine.process.pid
        done = subprocess.run(edit, capture_output=True, text=True, env=os.environ | {"PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr
    said = [text for text in done.stderr.splitlines() if text.startswith("Read")]
    assert said == ([line] if line else [])
