"""The network that reads strokes: a small convolutional classifier of 64×64 drawings. Training and guessing share this file."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from torch import Tensor, nn

from ..imaging.arrays import Bools, Floats
from ..imaging.mask import bounds_of, cut

SIDE_PX = 64
MARGIN_PX = 4


class SketchNet(nn.Module):
    """(n, 1, 64, 64) drawings, lines 1 on 0, to (n, words) logits."""

    def __init__(self, words: int, width: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(1, width, stride=2)]
        for before, after in pairwise((width, 2 * width, 4 * width, 6 * width)):
            layers += [convolution(before, after), convolution(after, after), nn.MaxPool2d(2)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(6 * width * 16, words))

    def forward(self, drawings: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(drawings))
        return logits


def convolution(before: int, after: int, stride: int = 1) -> nn.Module:
    """Return a 3×3 convolution, normalised and rectified."""
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU())


def framed(lines: Bools) -> Floats:
    """Bring drawn lines of any size and thickness to what the network reads: cropped, centred, thin lines made equally thick.

    An empty drawing stays empty.
    """
    thin = thinned(lines, SIDE_PX, SIDE_PX - 2 * MARGIN_PX).astype(np.float32)
    thick: Floats = cv2.GaussianBlur(cv2.dilate(thin, np.ones((2, 2), np.uint8)), (3, 3), 0)
    return thick


def thinned(lines: Bools, side_px: int, reach_px: float) -> Bools:
    """Return drawn lines one pixel thick, (side_px, side_px): cropped, centred, their longer side scaled to `reach_px`."""
    from skimage.morphology import skeletonize

    out = np.zeros((side_px, side_px), bool)
    if not lines.any():
        return out
    part = cut(lines, bounds_of(lines)).astype(np.float32)
    scale = reach_px / max(part.shape)
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    scaled = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (side_px - size[1]) // 2, (side_px - size[0]) // 2
    # Shrunk thin lines fade: a third of the strongest is still a line.
    out[top : top + size[1], left : left + size[0]] = skeletonize(scaled > 0.34 * min(1.0, float(scaled.max())))
    return out
