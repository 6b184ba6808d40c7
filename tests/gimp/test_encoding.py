"""Precisions of GIMP as formats of babl and depths of ours, without GIMP."""

from __future__ import annotations

import pytest
from scumble_gimp.encoding import encoding_of
from scumble_protocol.errors import RequestError


@pytest.mark.parametrize(
    ("precision", "babl", "depth"),
    [
        ("u8-non-linear", "R'G'B'A u8", "u8"),
        ("u8-linear", "RGBA u8", "u8"),
        ("u16-perceptual", "R~G~B~A u16", "u16"),
        ("u32-non-linear", "R'G'B'A float", "f32"),
        ("half-linear", "RGBA half", "f16"),
        ("float-non-linear", "R'G'B'A float", "f32"),
        ("double-linear", "RGBA float", "f32"),
    ],
)
def test_each_precision_keeps_its_curve_and_the_nearest_depth(precision: str, babl: str, depth: str) -> None:
    encoding = encoding_of(precision)
    assert (encoding.babl, encoding.depth) == (babl, depth)


@pytest.mark.parametrize("precision", ["", "u8", "u64-linear", "u8-cubic"])
def test_an_unknown_precision_is_refused_by_name(precision: str) -> None:
    with pytest.raises(RequestError) as caught:
        encoding_of(precision)
    assert f"“{precision}”" in caught.value.sentence
