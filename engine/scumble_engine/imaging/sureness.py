"""How sure a found shape is a thing of its own: an outline that lies on edges, tells two colours apart, and is not cut by the picture.

A guess at a thing that is none tears the picture, so whoever moves it should know.
"""

from __future__ import annotations

import cv2
import numpy as np
from scumble_protocol.geometry import Point

from .arrays import Bools, Bytes, Floats
from .figure import figure_at

SURE = 0.5
# What each measure must reach, all together, for a shape to be just sure. Found with 20 composed scenes, whose things the finder
# gets right but for 3, and 24 drags on 5 photographs, of which 3 hold something that a painter would cut out there.
EDGE, CONTRAST, SOLID, CUT = 13.4, 10.5, 0.845, 0.3
# A share of its outline that the border cuts makes a shape as doubtful as four times less of it missing from its hull.
CUT_WEIGHT = 0.25
# An outline this many times clearer than it must be may be less simple, by up to so large a share.
CLEAR, CLEAREST, LENIENCE = 2.0, 2.8, 0.4
# A tenth of the outline may be weak: a shadow, a highlight.
WEAK_SHARE = 0.1
BAND_PX = 4
SAME = 0.84


def sureness(lab: Floats, edges: Floats, thing: Bools, may: Bools) -> float:
    """Return 0..1, SURE or more when the shape may be cut out. `lab` (h, w, 3) CIE Lab; `edges` (h, w) in Lab units a pixel."""
    outline = cv2.dilate(thing.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~thing
    free = outline & may
    if np.count_nonzero(free) < 12:
        return 0.0
    edge = _weakest(cv2.dilate(edges, np.ones((5, 5), np.uint8)), free) / EDGE
    contrast = _weakest(contrast_across(lab, thing, may), free) / CONTRAST
    clear = float(np.clip((np.sqrt(edge * contrast) - CLEAR) / (CLEAREST - CLEAR), 0.0, 1.0))
    cut = cut_share(thing, outline)
    solid = (solidity(thing) - CUT_WEIGHT * cut) / (SOLID * (1 - LENIENCE * clear))
    return float(np.clip(SURE * min(edge, contrast, solid, CUT / max(cut, 1e-6)), 0.0, 1.0))


def stands_free(rgb: Bytes, thing: Bools, seed: Point) -> bool:
    """Whether another way finds the same shape at `seed`: what is unlike the colours of the picture's border (figure.py).

    Soft and many-limbed drawings are told by that: of 14 of 24 moves on composed scenes that edges left in doubt, it passes the 8
    whose cut is better than a bend; of 19 doubtful drags on photographs one (a shuttle's tank).
    """
    piece = figure_at(rgb, seed)
    return piece is not None and overlap(piece, thing) > SAME


def overlap(one: Bools, other: Bools) -> float:
    """Return how far two shapes are one, 0..1: what they share of what they cover together (IoU)."""
    return float((one & other).sum() / max(1, int((one | other).sum())))


def _weakest(values: Floats, where: Bools) -> float:
    return float(np.quantile(values[where], WEAK_SHARE))


def contrast_across(lab: Floats, thing: Bools, may: Bools) -> Floats:
    """Return (h, w): how far the mean colours just inside and just outside the shape lie apart."""
    inside, outside = (_mean(lab, where.astype(np.float32)) for where in (thing, ~thing & may))
    apart: Floats = np.linalg.norm(inside - outside, axis=2).astype(np.float32)
    return apart


def _mean(lab: Floats, weight: Floats) -> Floats:
    size = (2 * BAND_PX + 1, 2 * BAND_PX + 1)
    mean: Floats = cv2.blur(lab * weight[..., None], size) / np.maximum(cv2.blur(weight, size), 1e-6)[..., None]
    return mean


def solidity(thing: Bools) -> float:
    """Return the share of its convex hull that a shape fills."""
    hull = np.zeros(thing.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.argwhere(thing)[:, ::-1].astype(np.int32)), 1)
    return float(np.count_nonzero(thing) / np.count_nonzero(hull))


def cut_share(thing: Bools, outline: Bools) -> float:
    """Return how long the picture's own border cuts through a shape, against the rest of its outline."""
    along = sum(int(side.sum()) for side in (thing[0], thing[-1], thing[:, 0], thing[:, -1]))
    return along / max(1, int(outline.sum()))
