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


def ground_tone(name: str) -> tuple[float, float, float]:
    """Return a background's tone of a palette colour, sRGB 0..1: lighter than an object's, so that objects stand out."""
    red, green, blue = PALETTE[name]
    share = {"white": 1.0, "black": 1.0, "brown": 0.75}.get(name, 0.5)
    return tuple((channel * share + 250 * (1 - share)) / 255 for channel in (red, green, blue))  # type: ignore[return-value]


def nearest_color(pixels: Array, of_ground: bool = False) -> str:
    """Return the colour word nearest to the middle value of pixels (n, 3), sRGB 0..1 (CIE Lab). A ground may have its paler tone."""
    from skimage.color import rgb2lab

    looks = [(name, np.array(rgb) / 255.0) for name, rgb in PALETTE.items()]
    looks += [(name, np.array(ground_tone(name))) for name in PALETTE if of_ground]
    middle = rgb2lab(np.median(pixels, axis=0)[None, None])[0, 0]
    away = np.linalg.norm(rgb2lab(np.array([[look for _, look in looks]]))[0] - middle, axis=1)
    return looks[int(away.argmin())][0]
