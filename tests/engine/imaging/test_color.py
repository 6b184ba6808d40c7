"""The colour boundary: round trips, profiles by Little CMS, gray, and refusals in words."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from photographs import photograph, picture
from scumble_engine.imaging.color import ColorSpace, space_of
from scumble_protocol.errors import RequestError
from scumble_protocol.pixels import Picture

COLORS = np.random.default_rng(0).random((16, 16, 3)).astype(np.float32)


@pytest.mark.parametrize("name", ["srgb", "srgb-linear", "adobergb"])
def test_there_and_back_loses_less_than_a_sixteen_bit_step(name: str) -> None:
    icc = bytes(imagecodecs.cms_profile(name)) if name == "adobergb" else b""
    space = ColorSpace("icc", icc, False) if icc else ColorSpace(name, b"", False)  # type: ignore[arg-type]
    assert np.abs(space.from_srgb(space.to_srgb(COLORS)) - COLORS).max() < 1e-4


def test_linear_middle_gray_is_light_in_srgb() -> None:
    linear = np.full((1, 1, 3), 0.2140, np.float32)
    assert ColorSpace("srgb-linear", b"", False).to_srgb8(linear)[0, 0].tolist() == [127, 127, 127]


def test_a_profile_is_obeyed() -> None:
    """Adobe RGB's pure green lies outside sRGB; its half-tone gray is the same gray in both."""
    space = ColorSpace("icc", bytes(imagecodecs.cms_profile("adobergb")), False)
    green = space.to_srgb(np.array([[[0.0, 1.0, 0.0]]], np.float32))[0, 0]
    assert green[0] < 0
    assert green[1] == pytest.approx(1.0, abs=0.01)
    assert space.to_srgb8(np.array([[[0.5, 0.5, 0.5]]], np.float32))[0, 0].tolist() == pytest.approx([128] * 3, abs=2)


def test_a_gray_profile_goes_both_ways() -> None:
    icc = bytes(imagecodecs.cms_profile("gray", gamma=1.0))
    space = space_of(picture(photograph("u8", 1), "icc", icc))
    values = np.repeat(np.linspace(0.05, 1, 8, dtype=np.float32)[None, :, None], 3, axis=2)
    srgb = space.to_srgb(values)
    assert srgb[0, 3, 0] > values[0, 3, 0] + 0.1
    assert np.allclose(space.from_srgb(srgb), values, atol=1e-3)


def test_profiles_that_do_not_fit_are_refused_in_words() -> None:
    gray = bytes(imagecodecs.cms_profile("gray"))
    cmyk = bytearray(imagecodecs.cms_profile("srgb"))
    cmyk[16:20] = b"CMYK"
    with pytest.raises(RequestError, match="does not fit its channels"):
        space_of(picture(photograph("u8", 3), "icc", gray))
    with pytest.raises(RequestError, match="CMYK"):
        space_of(picture(photograph("u8", 3), "icc", bytes(cmyk)))
    broken = Picture(picture(photograph()).plane, "icc", b"\0" * 16 + b"RGB " + b"\0" * 200)
    with pytest.raises(RequestError, match="cannot be used"):
        space_of(broken).to_srgb8(COLORS)
