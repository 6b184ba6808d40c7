"""MI-GAN itself, where its weights are here (`make test` fetches them), and the classical fill where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scumble_engine.models import registry
from scumble_engine.models.catalogue import PHOTO_FILL
from scumble_engine.models.photo_fill import SIDE_PX, ClassicalFill, load_fill
from skimage import data

needs_weights = pytest.mark.skipif(
    not registry.facts(PHOTO_FILL).present,
    reason="the photograph model is not here: scumble models pull photo-fill",
)


def square() -> tuple[np.ndarray, np.ndarray]:
    hole = np.zeros((SIDE_PX, SIDE_PX), bool)
    hole[0:288, 345:480] = True
    return data.astronaut(), hole


@needs_weights
def test_migan_fills_the_hole_plausibly_exactly_there_and_the_same_each_time() -> None:
    photo, hole = square()
    fill = load_fill()
    assert fill.name == "photo-fill"
    result = fill(photo, hole)
    assert np.array_equal(result[~hole], photo[~hole])
    assert np.array_equal(fill(photo, hole), result)
    # The shuttle that was there is orange, black and white; the studio's backdrop is a light gray.
    inside = result[hole].astype(float)
    backdrop = photo[20:200, 310:335].reshape(-1, 3).astype(float)
    assert np.abs(inside.mean(axis=0) - backdrop.mean(axis=0)).max() < 30
    assert inside.std(axis=0).max() < 0.6 * photo[hole].std(axis=0).max()


def test_without_weights_the_classical_fill_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path))
    fill = load_fill()
    assert isinstance(fill, ClassicalFill)
    assert "models pull" in fill.note
    photo, hole = square()
    result = fill(photo, hole)
    assert np.array_equal(result[~hole], photo[~hole])
    assert (result[hole] != photo[hole]).any()


def test_damaged_weights_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path))
    (tmp_path / PHOTO_FILL.file).write_bytes(b"not a model")
    assert isinstance(load_fill(), ClassicalFill)
