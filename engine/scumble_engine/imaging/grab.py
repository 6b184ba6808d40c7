"""Finding the thing under a handle: grow from the handle to the strongest contour, then let colours decide (GrabCut).

Works on a small u8 sRGB picture; matte.py makes its edge fine.
"""

from __future__ import annotations

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds, Point
from skimage.graph import MCP_Geometric

from .arrays import Bools, Bytes, Floats
from .mask import grow
from .sureness import SURE, stands_free, sureness

SMALL_SIDE_PX = 320
ITERATIONS = 4
LEAST_SHARE = 0.0004
MOST_SHARE = 0.6
SIZE_POWER = 0.1
CHOICE_POWER = 0.2
LARGER = 1.5
# Colours never made a thing of a contour that is less sure than this, and they take seconds to try.
HOPELESS = 0.12
Sides = tuple[bool, bool, bool, bool]
ROWS, COLUMNS = slice(None), slice(None)
FRAME = ((slice(0, 2), COLUMNS), (slice(-2, None), COLUMNS), (ROWS, slice(0, 2)), (ROWS, slice(-2, None)))
ALL_SIDES: Sides = (True, True, True, True)


def search_bounds(starts: list[Point], may: Bounds | None, whole: Bounds) -> Bounds:
    """Return where the things are looked for: the mask's bounds, else a generous square around the handles."""
    if may is not None:
        return may.grown(max(8, round(0.08 * max(may.width, may.height)))).intersected(whole)
    reach = max(24, round(0.4 * min(max(whole.width, whole.height), 2 * min(whole.width, whole.height))))
    xs, ys = [int(p.x) for p in starts], [int(p.y) for p in starts]
    box = Bounds(min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1)
    return box.grown(reach).intersected(whole)


def find_in(rgb: Bytes, seed: Point, may: Bools, closed: Sides = ALL_SIDES) -> tuple[Bools, float]:
    """Do as `find_thing` does; a picture much smaller than it works on is enlarged first."""
    times = min(4, SMALL_SIDE_PX // (2 * int(max(rgb.shape[:2]))) + 1)
    if times == 1:
        return find_thing(rgb, seed, may, closed)
    size = (rgb.shape[1] * times, rgb.shape[0] * times)
    large = cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
    can = cv2.resize(may.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    thing, sure = find_thing(large, Point(seed.x * times, seed.y * times), can, closed)
    small = cv2.resize(thing.astype(np.float32), may.shape[::-1], interpolation=cv2.INTER_AREA) >= 0.5
    return small, sure


def find_thing(rgb: Bytes, seed: Point, may: Bools, closed: Sides = ALL_SIDES) -> tuple[Bools, float]:
    """Return the thing at `seed` in a small picture, and how sure it is one (0..1, see sureness.py); 0: it is a disc around the seed.

    `may` marks where the thing can be at all (the mask); `closed` says which sides (top, bottom, left, right) of the picture
    cannot cut through it, as those of a search window but not of the whole picture. Deterministic.
    """
    disc = _disc(rgb.shape[:2], seed, max(2.0, 0.015 * max(rgb.shape[:2]))) & may
    rim = _rim(may, closed) & ~disc
    edges = edge_strength(rgb)
    share = _share(edges, disc, rim)
    candidates = [] if share is None else _closed_contours(edges, share, may)
    if share is None or not candidates:
        return _fallback(rgb, seed, may), 0.0
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    hope = max(sureness(lab, edges, grown, may) for grown in candidates)
    if hope < HOPELESS:
        thing, sure = candidates[0], hope
    else:
        things = [_cut_or_grown(rgb, disc, grown, share, rim) for grown in candidates]
        thing = max(things, key=lambda thing: _score(edges, thing, may, CHOICE_POWER))
        sure = sureness(lab, edges, thing, may)
    return thing, sure if sure >= SURE else max(sure, SURE * float(stands_free(rgb, thing, seed)))


def _cut_or_grown(rgb: Bytes, disc: Bools, grown: Bools, share: Floats, rim: Bools) -> Bools:
    """Let colours decide, unless they take next to nothing or nearly all."""
    thing = _grab_cut(rgb, disc, grown, share, rim)
    part = float(thing.sum()) / max(1.0, float((~rim).sum()))
    return thing if LEAST_SHARE < part < MOST_SHARE else grown


def _rim(may: Bools, closed: Sides) -> Bools:
    """Return what is not the thing for certain: outside the mask, and the window's sides, but for the picture's own border."""
    rim = ~may
    for side, place in zip(closed if any(closed) or rim.any() else ALL_SIDES, FRAME, strict=True):
        if side:
            rim[place] = True
    return rim


def edge_strength(rgb: Bytes) -> Floats:
    """Return the colour gradient's magnitude, (h, w), in Lab units a pixel, of a slightly smoothed picture."""
    smooth = cv2.bilateralFilter(rgb, 5, 25.0, 3.0)
    lab = cv2.cvtColor(smooth.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    dx, dy = cv2.Scharr(lab, cv2.CV_32F, 1, 0) / 32.0, cv2.Scharr(lab, cv2.CV_32F, 0, 1) / 32.0
    strength: Floats = np.sqrt((dx**2 + dy**2).sum(axis=2)).astype(np.float32)
    return strength


def _share(edges: Floats, disc: Bools, rim: Bools) -> Floats | None:
    """Let disc and rim compete by the cost of crossing edges: return each pixel's share of the way from disc (0) to rim (1)."""
    if not disc.any() or not rim.any():
        return None
    cost = 0.05 + edges.astype(np.float64)
    near = MCP_Geometric(cost).find_costs(np.argwhere(disc))[0]
    far = MCP_Geometric(cost).find_costs(np.argwhere(rim))[0]
    share: Floats = (near / np.maximum(near + far, 1e-9)).astype(np.float32)
    return share


def _closed_contours(edges: Floats, share: Floats, may: Bools) -> list[Bools]:
    """Return the growth whose outline lies on the strongest edges, and the best of the clearly larger ones."""
    regions = [(share <= level) & may for level in np.linspace(0.05, 0.95, 46)]
    scored = [(_score(edges, region, may, SIZE_POWER), int(region.sum()), region) for region in regions]
    best = max(scored, key=lambda each: each[0])
    if best[0] <= 0.0:
        return []
    larger = [each for each in scored if each[1] > LARGER * best[1] and each[0] > 0.3 * best[0]]
    return [best[2]] + ([max(larger, key=lambda each: each[0])[2]] if larger else [])


def _score(edges: Floats, region: Bools, may: Bools, power: float) -> float:
    """Say how well edges close around a region: a low quantile along its outline, so that a few strong ones do not do."""
    outline = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~region & may
    if np.count_nonzero(outline) < 12 or np.count_nonzero(region) < 40:
        return 0.0
    closing, area = float(np.quantile(edges[outline], 0.4)), float(np.count_nonzero(region))
    return float(closing * area**power)


def _grab_cut(rgb: Bytes, disc: Bools, grown: Bools, share: Floats, rim: Bools) -> Bools:
    labels = np.ascontiguousarray(np.where(share < 0.5, cv2.GC_PR_BGD, cv2.GC_BGD), dtype=np.uint8)
    labels[grow(grown, max(3.0, 0.2 * float(np.sqrt(np.count_nonzero(grown)))))] = cv2.GC_PR_BGD
    labels[grown] = cv2.GC_PR_FGD
    labels[rim] = cv2.GC_BGD
    inner = cv2.distanceTransform(grown.astype(np.uint8), cv2.DIST_L2, 5)
    labels[disc | (inner > 0.5 * inner.max())] = cv2.GC_FGD
    cv2.setRNGSeed(1)
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    cv2.grabCut(bgr, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ITERATIONS, cv2.GC_INIT_WITH_MASK)
    thing = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return _whole(thing & ~rim, disc)


def _whole(thing: Bools, disc: Bools) -> Bools:
    """Keep the pieces that the disc touches, without pinholes and hairs."""
    closed = cv2.morphologyEx(thing.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _count, labels = cv2.connectedComponents((opened.astype(bool) | disc).astype(np.uint8))
    kept = np.isin(labels, np.unique(labels[disc]))
    _count, outside = cv2.connectedComponents((~kept).astype(np.uint8), connectivity=4)
    sizes = np.bincount(outside.ravel())
    small = sizes < 0.02 * np.count_nonzero(kept)
    small[0] = False
    filled: Bools = kept | small[outside]
    return filled


def _fallback(rgb: Bytes, seed: Point, may: Bools) -> Bools:
    return _disc(rgb.shape[:2], seed, max(2.0, 0.12 * max(rgb.shape[:2]))) & may


def _disc(shape: tuple[int, ...], centre: Point, radius: float) -> Bools:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    disc: Bools = (columns + 0.5 - centre.x) ** 2 + (rows + 0.5 - centre.y) ** 2 <= radius**2
    return disc
