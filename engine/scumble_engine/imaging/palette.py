"""The colour words that painters, captions and guesses share, and what each looks like."""

from __future__ import annotations

import numpy as np

from .arrays import Array

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (214, 38, 38),
    "orange": (243, 128, 28),
    "yellow": (250, 206, 40),
    "green": (62, 160, 62),
    "blue": (42, 98, 214),
    "purple": (126, 56, 178),
    "pink": (244, 128, 178),
    "brown": (122, 76, 46),
    "black": (40, 40, 44),
    "white": (244, 244, 244),
}
"""Colour name -> sRGB, 0..255."""


def nearest_color(pixels: Array) -> str:
    """Return the colour word nearest to the middle value of pixels (n, 3), sRGB 0..1 (CIE Lab)."""
    from skimage.color import rgb2lab

    middle = rgb2lab(np.median(pixels, axis=0)[None, None])[0, 0]
    named = rgb2lab(np.array([list(PALETTE.values())]) / 255.0)[0]
    return list(PALETTE)[int(np.linalg.norm(named - middle, axis=1).argmin())]
