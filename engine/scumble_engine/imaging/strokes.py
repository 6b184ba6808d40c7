"""What strokes mean as pixels: where they cover, what they enclose, which colour they give what is drawn around them."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import Bools, Bytes, Floats
from .mask import bounds_of

# From which alpha on a stroke covers, of 255.
COVERED = 32


def enclosed(lines: Bools) -> Bools:
    """Return what the drawn lines enclose, small gaps closed: the inside of what was drawn belongs to it."""
    if not lines.any():
        return lines
    box = bounds_of(lines)
    gap = max(3, round(0.15 * max(box.width, box.height))) | 1
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap))
    thick = cv2.dilate(np.pad(lines.astype(np.uint8), gap), pen)
    contours, _ = cv2.findContours(thick, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.erode(cv2.drawContours(np.zeros_like(thick), contours, -1, 1, cv2.FILLED), pen)
    inner: Bools = filled[gap:-gap, gap:-gap].astype(bool)
    return inner


def tinted(srgb: Floats, inside: Bools, color: Bytes) -> Floats:
    """Return the picture with each drawn shape filled by the mean of the colour strokes in it: a painter colours a part for all."""
    if not inside.any() or not (color[..., 3] >= COVERED).any():
        return srgb
    filled: Floats = srgb.copy()
    count, shapes = cv2.connectedComponents(inside.astype(np.uint8))
    for shape in range(1, count):
        touched = (shapes == shape) & (color[..., 3] >= COVERED)
        if touched.any():
            filled[shapes == shape] = color[touched][:, :3].astype(np.float32).mean(axis=0) / 255.0
    return filled
