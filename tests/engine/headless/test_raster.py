"""Laying a layer over another: exact where it must be, W3C's equations elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from engine.headless.pictures import noise, soft_patch
from scumble_engine.headless.raster import Raster, flattened, lay_over, picture_in
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds

DTYPES = [np.uint8, np.uint16, np.float16, np.float32]


@pytest.mark.parametrize("dtype", DTYPES)
def test_where_the_layer_is_transparent_nothing_changes_and_where_opaque_it_shows(dtype: type) -> None:
    source = Raster(noise(300, 40, 4, dtype))
    layer = soft_patch(200, 30, dtype)
    merged = flattened(source, layer, Bounds(5, 60, 30, 200)).samples
    expected = source.samples.copy()
    window = expected[60:260, 5:35]
    alpha = layer[..., 3]
    full = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    sure = (alpha == 0) | (alpha == full)
    window[alpha == full] = layer[alpha == full]
    assert np.array_equal(merged[60:260, 5:35][sure], window[sure])
    outside = np.ones((300, 40), bool)
    outside[60:260, 5:35] = False
    assert np.array_equal(merged[outside], source.samples[outside])
    assert (merged[60:260, 5:35][~sure] != window[~sure]).any()


def test_half_alpha_mixes_halfway() -> None:
    base = np.array([[[0, 100, 200, 255]]], np.uint8)
    layer = np.array([[[255, 0, 100, 51]]], np.uint8)  # alpha 0.2
    lay_over(base, layer, Bounds(0, 0, 1, 1))
    assert base.tolist() == [[[51, 80, 180, 255]]]


def test_straight_alpha_over_a_half_transparent_ground() -> None:
    base = np.array([[[1.0, 0.0, 0.0, 0.5]]], np.float32)
    lay_over(base, np.array([[[0.0, 1.0, 0.0, 0.5]]], np.float32), Bounds(0, 0, 1, 1))
    assert np.allclose(base, [[[1 / 3, 2 / 3, 0, 0.75]]], atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "expected"), [("svg:multiply", 0.1), ("svg:screen", 0.6), ("svg:darken", 0.2), ("svg:lighten", 0.5)]
)
def test_blend_modes_by_their_formulas(mode: str, expected: float) -> None:
    base = np.array([[[0.2, 0.2, 0.2, 1.0]]], np.float32)
    lay_over(base, np.array([[[0.5, 0.5, 0.5, 1.0]]], np.float32), Bounds(0, 0, 1, 1), mode=mode)
    assert np.allclose(base[0, 0], [expected, expected, expected, 1], atol=1e-6)


def test_a_layer_that_leaves_the_canvas_is_cut() -> None:
    base = noise(6, 6, 4)
    layer = np.full((4, 4, 4), 255, np.uint8)
    expected = base.copy()
    expected[:2, 4:] = 255
    lay_over(base, layer, Bounds(4, -2, 4, 4))
    assert np.array_equal(base, expected)


def test_opacity_scales_alpha() -> None:
    base = np.array([[[0, 0, 0, 255]]], np.uint8)
    lay_over(base, np.full((1, 1, 4), 255, np.uint8), Bounds(0, 0, 1, 1), opacity=0.4)
    assert base.tolist() == [[[102, 102, 102, 255]]]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(RequestError, match="krita:erase"):
        lay_over(noise(2, 2, 4), noise(2, 2, 4), Bounds(0, 0, 2, 2), mode="krita:erase")


def test_a_picture_has_no_colour_under_zero_alpha() -> None:
    samples = soft_patch(4, 12)
    picture = picture_in(samples, Bounds(0, 1, 12, 2), "srgb", b"")
    read = np.frombuffer(picture.plane.data, np.uint8).reshape(2, 12, 4)
    assert (read[:, :4] == 0).all()
    assert np.array_equal(read[:, 6:], samples[1:3, 6:])
