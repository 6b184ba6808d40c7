"""Plain grounds: where all around a hole lies one smooth surface of colour, or two that meet in a line, that is what lies behind,
and no model is asked.

Illustrations stand on such grounds, and a model of photographs paints stains into them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from .arrays import Bools, Floats
from .mask import grow

# Surfaces are fitted to this share of the picture's side around the hole, leaving out what lies farther off them than STRAY
# (a shadow, the tip of another thing). The ground is plain when so much of the surroundings lies within CLOSE (0..1 sRGB).
RING, STRAY, CLOSE, PLAIN, ALL = 1 / 8, 0.04, 0.012, 0.75, 0.95
ROUNDS, FEWEST_SAMPLES = 4, 64
# Where cuts are tried, as shares of the surroundings on one side, and on how many pixels of them.
CUTS, MOST_TRIED = tuple(n / 6 for n in range(1, 6)), 2000
STRAYS = (0.16, 0.08, 0.04, 0.03, 0.02, 0.02, 0.015, 0.015)
# A ground of which more is lighter than the fit is patterned.
LIGHTER = 0.1
# How much the line where two grounds meet is held straight, and which widths of the step across it are tried, in pixels.
STIFF, FAINT, WIDTHS_PX = 0.01, 0.3, (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)

Some = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]
# Colours (n, 3) at places (n, 2) of x and y in pixels.
Ground = Callable[[Doubles], Doubles]


def plain_ground(srgb: Floats, hole: Bools) -> Floats | None:
    """Return the ground, (h, w, 3), that goes on through the hole of a picture in sRGB; None where it isn't plain.

    A quadratic in x and y a channel, fitted by least squares to the surroundings, with what strays from it left out; else two
    of them, such as a sky and a meadow, with a soft step over the curve where they meet.
    """
    ring = grow(hole, RING * max(hole.shape)) & ~grow(hole, 1.0)
    if ring.sum() < FEWEST_SAMPLES:
        return None
    places, seen = np.argwhere(ring)[:, ::-1].astype(np.float64), srgb[ring].astype(np.float64)
    nearness = 1.0 / (2.0 + cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)[ring])
    found = [ground for fit in (_one, _two) if (ground := fit(places, seen, nearness, hole.shape)) is not None]
    close = [_plainness(ground(places), seen) for ground in found]
    if not found or max(close) < PLAIN:
        return None
    everywhere = np.indices(hole.shape)[::-1].reshape(2, -1).T.astype(np.float64)
    fitted = found[close.index(max(close))](everywhere)
    whole: Floats = np.clip(fitted, 0.0, 1.0).reshape(*hole.shape, 3).astype(np.float32)
    return whole


def _plainness(ground: Doubles, seen: Doubles) -> float:
    """Return the share of what is seen that lies close to a ground; 0 where much of the rest is lighter (waves), so no shadow."""
    away = seen - ground
    close = np.abs(away).max(axis=1) < CLOSE
    return float(close.mean()) if (~close & (away.max(axis=1) > CLOSE)).mean() < LIGHTER else 0.0


def is_plain(srgb: Floats) -> bool:
    """Tell whether a picture (h, w, 3) in sRGB is nearly all one smooth surface of colour."""
    places, seen = (
        np.indices(srgb.shape[:2])[::-1].reshape(2, -1).T.astype(np.float64),
        srgb.reshape(-1, 3).astype(np.float64),
    )
    ground = _one(places, seen, np.ones(len(seen)), srgb.shape[:2])
    return ground is not None and bool((np.abs(ground(places) - seen).max(axis=1) < CLOSE).mean() > ALL)


def _one(places: Doubles, seen: Doubles, nearness: Doubles, shape: tuple[int, ...]) -> Ground | None:
    near = np.abs(seen - np.median(seen, axis=0)).max(axis=1) < 4 * STRAY
    for _ in range(ROUNDS):
        if near.sum() < FEWEST_SAMPLES:
            return None
        surface = _surface(places[near], seen[near], shape)
        near = np.abs(surface(places) - seen).max(axis=1) < STRAY
    return surface


def _two(places: Doubles, seen: Doubles, nearness: Doubles, shape: tuple[int, ...]) -> Ground | None:
    """Begin with the straight cut, or the two groups of colours, that ends in the surfaces that lie closest to what is seen."""
    few = np.linspace(0, len(places) - 1, min(len(places), MOST_TRIED)).astype(int)
    cuts = [places[:, axis] < at for axis in (0, 1) for at in np.quantile(places[few, axis], CUTS)]
    best, surfaces = 0.0, None
    for cut in (*cuts, _by_color(seen)):
        tried = _in_turn(places[few], seen[few], shape, cut[few])
        if (
            tried is not None
            and (close := float((_away(tried, places[few], seen[few]).min(axis=0) < CLOSE).mean())) > best
        ):
            best, surfaces = close, tried
    return None if surfaces is None else _joined(places, seen, nearness, (surfaces[0], surfaces[1]), shape)


def _in_turn(places: Doubles, seen: Doubles, shape: tuple[int, ...], here: Some) -> list[Ground] | None:
    """Fit a surface to each side and give each pixel to the nearer one, in turn, with ever less that may stray."""
    groups = [here, ~here]
    for stray in STRAYS:
        if min(int(group.sum()) for group in groups) < FEWEST_SAMPLES // 2:
            return None
        surfaces = [_surface(places[group], seen[group], shape) for group in groups]
        away = _away(surfaces, places, seen)
        groups = [(away.argmin(axis=0) == n) & (away[n] < stray) for n in range(2)]
    return surfaces


def _away(surfaces: list[Ground], places: Doubles, seen: Doubles) -> Doubles:
    return np.stack([np.abs(surface(places) - seen).max(axis=1) for surface in surfaces])


def _by_color(seen: Doubles) -> Some:
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1e-3)
    _, labels, _ = cv2.kmeans(seen.astype(np.float32), 2, None, stop, 2, cv2.KMEANS_PP_CENTERS)
    first: Some = labels[:, 0] == 0
    return first


def _joined(
    places: Doubles, seen: Doubles, nearness: Doubles, surfaces: tuple[Ground, Ground], shape: tuple[int, ...]
) -> Ground | None:
    """Lay a curve through where one surface gives way to the other; None where they do not meet.

    What lies on no way between the two colours says nothing.
    """
    first, second = surfaces
    base, way = first(places), second(places) - first(places)
    share = np.clip(((seen - base) * way).sum(axis=1) / np.maximum((way * way).sum(axis=1), 1e-6), 0.0, 1.0)
    known = np.abs(base + share[:, None] * way - seen).max(axis=1) < STRAY
    contrast = np.abs(way[known]).max(axis=1) * nearness[known]
    beyond = _curve_through(places[known], share[known], contrast, shape)
    if beyond is None:
        return None
    across = beyond(places[known])
    misses = [float((contrast * np.abs(_step(across, width) - share[known])).mean()) for width in WIDTHS_PX]
    width = WIDTHS_PX[int(np.argmin(misses))]

    def ground(where: Doubles) -> Doubles:
        there = _step(beyond(where), width)[:, None]
        return (1.0 - there) * first(where) + there * second(where)

    return ground


def _curve_through(
    places: Doubles, share: Doubles, contrast: Doubles, shape: tuple[int, ...]
) -> Callable[[Doubles], Doubles] | None:
    """Return how far places lie beyond the curve v = a + b u + c u² over which the share rises, u along it, all in pixels."""
    grid = np.full(shape[:2], np.nan)
    columns, rows = places.astype(np.intp).T
    grid[rows, columns] = share
    uphill = np.nan_to_num(np.stack(np.gradient(grid))[::-1, rows, columns].T)
    weight = np.hypot(*uphill.T) * contrast
    weight[weight < FAINT * weight.max()] = 0.0
    if not weight.any():
        return None
    middle = weight @ places / weight.sum()
    spread = ((places - middle) * weight[:, None]).T @ (places - middle)
    along = np.linalg.eigh(spread)[1][:, 1]
    up = np.array([-along[1], along[0]])
    up = up if float(weight @ (uphill @ up)) > 0 else -up
    span = 0.5 * max(shape)
    powers = np.vander((places - middle) @ along / span, 3, increasing=True)
    held = np.diag([0.0, 0.0, STIFF * weight.sum()])
    curve = np.linalg.solve(
        powers.T @ (powers * weight[:, None]) + held, (powers * weight[:, None]).T @ ((places - middle) @ up)
    )
    return lambda where: (where - middle) @ up - np.vander((where - middle) @ along / span, 3, increasing=True) @ curve


def _surface(places: Doubles, seen: Doubles, shape: tuple[int, ...]) -> Ground:
    """Fit 1, x, y, x², xy, y², with x and y in −1..1, by least squares."""

    def terms(where: Doubles) -> Doubles:
        x, y = (2.0 * where / (shape[1], shape[0]) - 1.0).T
        return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)

    fitted, *_ = np.linalg.lstsq(terms(places), seen, rcond=None)
    return lambda where: terms(where) @ fitted


def _step(beyond_px: Doubles, width_px: float) -> Doubles:
    return np.clip(0.5 + beyond_px / width_px, 0.0, 1.0)
