"""Figure and ground: what stands out from the colours of a picture's border, as one shape. Pure pixels; no words, no model.

Measured on 24 composed scenes: overlap (IoU) with the true thing .91 (median .96, at worst .40), none found in one.
"""

from __future__ import annotations

import cv2
import numpy as np
from scumble_protocol.geometry import Point

from .arrays import Bools, Bytes, Floats

# What figures are looked for at: the measurement above was made at about this size.
SIDE_PX = 160
BORDER_SHARE = 1 / 16
GROUND_COLORS = 6
UNLIKE = 18.0
ITERATIONS = 4
# A smaller or larger share of the picture than this is no figure, nor is one whose outline the border mostly is.
LEAST, MOST, MOST_BORDER = 0.01, 0.7, 0.35
CRUMB = 0.15
TOUCHING = 0.2
# A new thing differs from what lay behind it by so much (0..1) somewhere near, and covers at least such a share of its place.
DIFFERS, NEAR_PX, COVERS = 0.06, 3, 0.05


def find_figure(rgb: Bytes, hint: Bools | None = None) -> Bools | None:
    """Return the figure of a small u8 sRGB picture, (h, w), or None where nothing stands out. Deterministic.

    `hint` (h, w): where else it may lie; then what does not touch the hint is no part of it.
    """
    if min(rgb.shape[:2]) < 16:
        return None
    unlike = unlike_border(rgb) > UNLIKE
    likely = unlike if hint is None else unlike | hint
    if not LEAST < likely.mean() < 1 - LEAST:
        return None
    figure = divided(rgb, likely, rim_of(rgb))
    if hint is not None:
        figure = _touching(figure, hint)
    border = sum(int(side.sum()) for side in (figure[0], figure[-1], figure[:, 0], figure[:, -1]))
    around = 2 * sum(figure.shape)
    return figure if LEAST < figure.mean() < MOST and border < MOST_BORDER * around else None


def figure_at(rgb: Bytes, seed: Point) -> Bools | None:
    """Return the piece of the figure that lies at `seed` in a u8 sRGB picture of any size, (h, w); None where there is none."""
    scale = min(1.0, SIDE_PX / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1.0 else rgb
    figure = find_figure(small)
    if figure is None:
        return None
    size = (rgb.shape[1], rgb.shape[0])
    whole = cv2.resize(figure.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5
    _, pieces = cv2.connectedComponents(whole.astype(np.uint8))
    here = int(pieces[min(int(seed.y), size[1] - 1), min(int(seed.x), size[0] - 1)])
    piece: Bools = pieces == here
    return piece if here else None


def unlike_border(rgb: Bytes) -> Floats:
    """Return (h, w): how far each colour lies from the nearest of the border's main colours, in Lab."""
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 1.0).astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    width = max(2, round(BORDER_SHARE * min(rgb.shape[:2])))
    sides = (lab[:width], lab[-width:], lab[:, :width], lab[:, -width:])
    ring = np.concatenate([side.reshape(-1, 3) for side in sides])
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1.0)
    _, _, colors = cv2.kmeans(ring, GROUND_COLORS, None, stop, 2, cv2.KMEANS_PP_CENTERS)
    away: Floats = np.linalg.norm(lab[..., None, :] - colors, axis=-1).min(axis=-1).astype(np.float32)
    return away


def rim_of(rgb: Bytes) -> Bools:
    """Return the outermost pixels, (h, w), which are ground."""
    rim = max(2, min(rgb.shape[:2]) // 40)
    outside = np.ones(rgb.shape[:2], bool)
    outside[rim:-rim, rim:-rim] = False
    return outside


def divided(rgb: Bytes, likely: Bools, ground: Bools) -> Bools:
    """Let the colours of both sides decide what is figure (GrabCut), given what is likely and what surely is not; whole, without crumbs."""
    labels = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[ground] = cv2.GC_BGD
    if not (labels == cv2.GC_PR_FGD).any():
        return np.zeros(likely.shape, bool)
    cv2.setRNGSeed(1)
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    cv2.grabCut(bgr, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ITERATIONS, cv2.GC_INIT_WITH_MASK)
    figure: Bools = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return _whole(figure) if figure.any() else figure


def _touching(figure: Bools, hint: Bools) -> Bools:
    """Keep the pieces that lie on the hint to a good part."""
    count, labels = cv2.connectedComponents(figure.astype(np.uint8))
    on = [n for n in range(1, count) if hint[labels == n].mean() > TOUCHING]
    kept: Bools = np.isin(labels, on)
    return kept


def _whole(figure: Bools) -> Bools:
    """Leave out crumbs and hairs and fill what is enclosed."""
    opened = cv2.morphologyEx(figure.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(closed)
    areas = facts[1:, cv2.CC_STAT_AREA]
    kept = np.isin(labels, [n for n in range(1, count) if areas[n - 1] > CRUMB * areas.max()])
    _, outside = cv2.connectedComponents((~kept).astype(np.uint8), connectivity=4)
    open_ones = np.unique(np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]]))
    whole: Bools = kept | ~np.isin(outside, open_ones)
    return whole


def new_thing(before: Floats, after: Floats) -> Bools:
    """Return the shape, (h, w), of what was painted into a picture, (h, w, 3): what stands out from it and was not there before."""
    differs = (np.abs(after - before).max(axis=-1) > DIFFERS).astype(np.uint8)
    near: Bools = cv2.dilate(differs, np.ones((NEAR_PX, NEAR_PX), np.uint8)).astype(bool)
    rgb = np.rint(np.clip(after, 0, 1) * 255).astype(np.uint8)
    thing = divided(rgb, (unlike_border(rgb) > UNLIKE) & near, ~near | rim_of(rgb))
    return thing if thing.sum() > COVERS * near.sum() else near


def hull_of(inside: Bools) -> Bools:
    """Return the convex hull of a shape, (h, w): a new thing in its place may have another outline."""
    points = np.argwhere(inside)[:, ::-1].astype(np.int32)
    filled = np.zeros(inside.shape, np.uint8)
    if len(points):
        cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    hull: Bools = filled.astype(bool)
    return hull
