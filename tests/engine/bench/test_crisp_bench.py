"""Enlargements told apart: the truth is sharp without halo or grain, blur is not sharp, ringing is a halo, noise is grain."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scumble_engine.bench.crisp import bicubic, row_of, run_crisp
from scumble_engine.bench.sheet import Keep
from scumble_engine.imaging.arrays import Bytes

Kept = tuple[list[tuple[str, list[Bytes]]], Keep]


@pytest.fixture
def truth() -> Bytes:
    picture = np.full((256, 256, 3), 60, np.uint8)
    cv2.circle(picture, (128, 128), 70, (200, 120, 90), -1, cv2.LINE_AA)
    return picture


def test_truth_is_sharp_and_clean(truth: Bytes) -> None:
    row = row_of("-", "truth", truth, truth)
    assert (row.sharpness, row.grain, row.halo, row.edges, row.whole) == (1.0, 0.0, 0.0, 99.0, 99.0)


def test_blur_ringing_and_noise_are_each_seen_for_what_they_are(truth: Bytes) -> None:
    soft = cv2.GaussianBlur(truth, (0, 0), 4)
    ringing = np.clip(truth + 2.0 * (truth.astype(float) - soft), 0, 255).astype(np.uint8)
    noise = np.clip(truth + np.random.default_rng(0).normal(0, 6, truth.shape), 0, 255).astype(np.uint8)
    blurred, ringed, grainy = (row_of("-", "-", picture, truth) for picture in (soft, ringing, noise))
    assert blurred.sharpness < 0.3
    assert blurred.halo < 1
    assert ringed.halo > 5
    assert ringed.sharpness > 1
    assert grainy.grain > 5
    assert max(blurred.grain, ringed.grain) < 1


def test_each_way_enlarges_what_was_reduced_and_what_was_coded(truth: Bytes, kept: Kept) -> None:
    rows = run_crisp([truth], {"bicubic": bicubic, "truth": lambda _small: truth}, lambda small: small // 2, kept[1])
    assert [(row.source, row.method) for row in rows] == [
        ("reduced", "bicubic"), ("reduced", "truth"), ("coded", "bicubic"), ("coded", "truth")
    ]  # fmt: skip
    assert {row.whole for row in rows if row.method == "truth"} == {99.0}
    assert rows[0].whole > rows[2].whole
    assert [len(pictures) for _, pictures in kept[0]] == [3, 3]
