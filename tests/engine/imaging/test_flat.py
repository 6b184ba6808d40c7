"""Telling flat drawings from photographs by their pixels, however they were saved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scumble_engine.imaging.flat import FLAT_ROUGHNESS, is_flat, roughness
from skimage import data
from strokes import illustration

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera", "brick", "grass", "gravel", "moon")


def pixels(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    rgb = np.repeat(rgb[..., None], 3, axis=2) if rgb.ndim == 2 else rgb[..., :3]
    return np.ascontiguousarray(rgb).astype(np.float32) / np.float32(255)


def drawing(number: int) -> NDArray[np.uint8]:
    """Ten outlined shapes in random colours on a ground, plain for even numbers and a gradient for odd ones."""
    draw = np.random.default_rng(number)
    tilt = np.linspace(0, 60, 512)[:, None, None] * (number % 2)
    picture = np.clip(draw.integers(60, 190, 3) + tilt + np.zeros((512, 512, 3)), 0, 255).astype(np.uint8)
    for _ in range(10):
        centre, axes = draw.integers(80, 430, 2).tolist(), draw.integers(20, 90, 2).tolist()
        cv2.ellipse(picture, centre, axes, float(draw.uniform(0, 180)), 0, 360, draw.integers(0, 255, 3).tolist(), -1)
        cv2.ellipse(picture, centre, axes, 0.0, 0, 360, (20, 20, 20), 3)
    return picture


def test_nearly_all_photographs_are_strange() -> None:
    caught = [name for name in PHOTOGRAPHS if not is_flat(pixels(getattr(data, name)()))]
    assert len(caught) >= 8


def test_nearly_no_drawings_are_however_they_were_saved() -> None:
    drawings = [drawing(number) for number in range(40)]
    coded = [cv2.imdecode(cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], 1) for one in drawings]
    strange = [not is_flat(pixels(one)) for one in (*drawings, *coded)]
    assert sum(strange) <= 0.05 * len(strange)
    plane = illustration(128, 128).plane
    assert is_flat(pixels(np.frombuffer(plane.data, np.uint8).reshape(128, 128, 3)))


@pytest.mark.parametrize("contrast", [0.0, 0.2, 1.0])
def test_roughness_is_of_the_calm_parts(contrast: float) -> None:
    """A hard edge adds nothing; grain everywhere does."""
    flat = np.full((64, 64, 3), 0.4, np.float32)
    flat[:, 32:] += np.float32(0.5 * contrast)
    assert roughness(flat) < 0.01
    grained = flat + 0.1 * np.random.default_rng(0).random(flat.shape, np.float32)
    assert roughness(grained) > FLAT_ROUGHNESS
