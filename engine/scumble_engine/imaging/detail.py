"""Giving a smooth or small fill the picture's own fine texture and grain, so that no patch looks painted on.

Contextual residual aggregation (Yi et al., "HiFill", CVPR 2020): what a coarse fill lacks is copied from where the picture looks alike.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import cKDTree
from scumble_protocol.geometry import Bounds

from .arrays import Bools, Floats, Ints
from .mask import cut, grow

BLOCK = 8
STRIDE = 6
SEARCH_STRIDE = 2
COHERENCE = 0.6
GRAIN_RING_PX = 24.0
SEAM_PX = 4
# The rounding noise of 8 bits; and what a texture may pass for noise at most.
LEAST_GRAIN = 0.29 / 255.0
MOST_GRAIN = 4.0 / 255.0


def transfer_detail(colors: Floats, hole: Bools, small: Floats, blind: Bools, wanted: Bounds) -> Floats:
    """Enlarge `small` to the size of `colors` and add detail copied from known places; return the part in `wanted`.

    `small`, (h, w, 3), is filled where `blind`; `colors`, (H, W, 3), is known where not `hole`.
    """
    height, width = hole.shape
    base = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    out: Floats = cut(base, wanted).copy()
    targets, sources = match_blocks(small, blind)
    if not len(targets):
        return out
    scale = np.array([height / blind.shape[0], width / blind.shape[1]])
    # Blocks barely overlap: averaging two blocks' grain would show as a grid of smoother lines.
    size = np.minimum(np.ceil(STRIDE * scale).astype(int) + SEAM_PX, np.ceil(BLOCK * scale).astype(int))
    window = np.outer(_ramp(size[0]), _ramp(size[1])).astype(np.float32)
    total, weight = np.zeros_like(out), np.zeros(out.shape[:2], dtype=np.float32)
    for target, source in zip(np.rint(targets * scale).astype(int), np.rint(sources * scale).astype(int), strict=True):
        _add_block(colors, base, window, (target, source), wanted, (total, weight))
    out += total / np.maximum(weight, 1e-6)[..., None]
    return out


def _add_block(
    colors: Floats,
    base: Floats,
    window: Floats,
    places: tuple[Ints, Ints],
    wanted: Bounds,
    sums: tuple[Floats, Floats],
) -> None:
    """Add one block's residual (full picture less its enlarged small one) into the sums, cut to `wanted`."""
    (ty, tx), (sy, sx) = places
    y0, x0 = max(ty, wanted.y), max(tx, wanted.x)
    y1 = min(ty + min(window.shape[0], colors.shape[0] - sy), wanted.bottom)
    x1 = min(tx + min(window.shape[1], colors.shape[1] - sx), wanted.right)
    if y1 <= y0 or x1 <= x0:
        return
    here = (slice(y0 - wanted.y, y1 - wanted.y), slice(x0 - wanted.x, x1 - wanted.x))
    there = (slice(y0 - ty + sy, y1 - ty + sy), slice(x0 - tx + sx, x1 - tx + sx))
    weights = window[y0 - ty : y1 - ty, x0 - tx : x1 - tx]
    sums[0][here] += (colors[there] - base[there]) * weights[..., None]
    sums[1][here] += weights


def match_blocks(small: Floats, blind: Bools) -> tuple[Ints, Ints]:
    """Pair each block that touches the hole with a known block that looks like it: two (n, 2) arrays of (row, column)."""
    height, width = blind.shape
    if min(height, width) < BLOCK:
        return np.zeros((0, 2), int), np.zeros((0, 2), int)
    rows, columns = np.arange(0, height - BLOCK + 1, STRIDE), np.arange(0, width - BLOCK + 1, STRIDE)
    rows, columns = np.union1d(rows, [height - BLOCK]), np.union1d(columns, [width - BLOCK])
    touched = _block_sums(blind)
    targets = np.array([(r, c) for r in rows for c in columns if touched[r, c] > 0])
    # Keep a pixel's distance: the small pixels beside the hole mix known and unknown.
    near = cv2.dilate(blind.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    clear = _block_sums(near)[::SEARCH_STRIDE, ::SEARCH_STRIDE] == 0
    candidates = np.argwhere(clear) * SEARCH_STRIDE
    if not len(targets) or not len(candidates):
        return np.zeros((0, 2), int), np.zeros((0, 2), int)
    return targets, _nearest(small, targets, candidates)


def _nearest(small: Floats, targets: Ints, candidates: Ints) -> Ints:
    """Find each target's best candidate, preferring to go on where its left or upper neighbour went (whole texture, not crumbs)."""
    keys = _descriptors(small, candidates)
    wanted = _descriptors(small, targets)
    distances, nearest = cKDTree(keys).query(wanted, k=1)
    index = {(int(r), int(c)): i for i, (r, c) in enumerate(candidates)}
    chosen: dict[tuple[int, int], Ints] = {}
    for number, (row, column) in enumerate(targets):
        best, cost = candidates[nearest[number]], float(distances[number])
        for step in ((0, STRIDE), (STRIDE, 0)):
            before = chosen.get((row - step[0], column - step[1]))
            place = index.get((int(before[0]) + step[0], int(before[1]) + step[1])) if before is not None else None
            if place is not None:
                follow = float(np.linalg.norm(keys[place] - wanted[number])) * COHERENCE
                best, cost = (candidates[place], follow) if follow < cost else (best, cost)
        chosen[(int(row), int(column))] = best
    return np.array([chosen[(int(r), int(c))] for r, c in targets])


def _descriptors(small: Floats, places: Ints) -> Floats:
    """Return (n, 52) of each block: its 4×4 mean colours and its local contrast."""
    half = cv2.blur(small, (2, 2), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    offsets = range(0, BLOCK, 2)
    rows, columns = places[:, 0], places[:, 1]
    cells = [half[rows + dy, columns + dx] for dy in offsets for dx in offsets]
    stacked = np.stack(cells, axis=1)
    flat = stacked.reshape(len(places), -1)
    spread = stacked.std(axis=1) * 4.0
    return np.concatenate([flat, spread], axis=1)


def _block_sums(inside: Bools) -> Ints:
    """Count the true pixels of every BLOCK×BLOCK block, by its upper left corner."""
    total = cv2.integral(inside.astype(np.uint8))
    counts: Ints = total[BLOCK:, BLOCK:] - total[:-BLOCK, BLOCK:] - total[BLOCK:, :-BLOCK] + total[:-BLOCK, :-BLOCK]
    return counts


def _ramp(length: int) -> Floats:
    """Return weights of 1 that fall to almost 0 over the seam of two blocks."""
    place = np.arange(length) + 0.5
    edge = np.minimum(place, length - place) / SEAM_PX
    ramp: Floats = np.clip(edge, 0.0, 1.0).astype(np.float32)
    return ramp


def add_grain(values: Floats, hole: Bools, seed: int) -> Floats:
    """Add, in the hole, the noise that the picture has around it and the fill lacks; at least what hides 8-bit steps."""
    ring = grow(hole, GRAIN_RING_PX) & ~hole
    have, should = _noise(values, _core(hole)), _noise(values, _core(ring))
    sigma = np.sqrt(np.clip(should**2 - have**2, LEAST_GRAIN**2, MOST_GRAIN**2)).astype(np.float32)
    noise = np.random.default_rng(seed).standard_normal(values.shape, dtype=np.float32)
    grained: Floats = values + noise * sigma * hole[..., None]
    return grained


def _core(inside: Bools) -> Bools:
    core: Bools = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return core


def _noise(values: Floats, where: Bools) -> Floats:
    """Estimate the noise's standard deviation a channel: the median absolute Laplacian-like difference (Immerkær 1996's mask)."""
    if np.count_nonzero(where) < 32:
        return np.zeros(3, dtype=np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    response = cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
    # The mask's norm is 6; .6745 brings a median absolute value to a standard deviation.
    sigma: Floats = (np.median(np.abs(response[where]), axis=0) / (6.0 * 0.6745)).astype(np.float32)
    return sigma
