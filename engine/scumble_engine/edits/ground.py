"""What an edit by words leaves alone without a selection: the figure when the ground changes, and the ground when the figure does."""

from __future__ import annotations

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Plane

from ..imaging.arrays import Bools, Floats, array_of, unit_floats
from ..imaging.blend import finish, premultiplied
from ..imaging.figure import SIDE_PX, find_figure, hull_of
from ..imaging.flat import is_flat
from ..imaging.hint import smooth_fill
from ..imaging.mask import cut, fade_inwards, grow
from ..imaging.matte import SEEN, pure_colors, soft_matte
from .hold import edge_px
from .model_window import ModelWindow

# How far beyond the old and the new figure their edges and shadows reach, as shares of the window, and how softly that ends.
GROWTH, FADE = 0.03, 0.02
# A change of which less lies on the figure is not about the figure.
ABOUT = 0.35


def figure_in(window: ModelWindow, hint: Floats | None = None) -> Floats | None:
    """Return the soft matte of what stands out from the ground, (h, w) of the window's own size; None where nothing does, and in what
    is no flat drawing, where figure and ground are not told apart by colour.

    `hint` (any size): how surely a thing is meant that lies there, 0..1; then only what lies there is found.
    """
    small, scale = window.scene.small_srgb8(window.bounds, SIDE_PX)
    if not is_flat(small.astype(np.float32) / 255.0):
        return None
    size = (small.shape[1], small.shape[0])
    figure = find_figure(small, None if hint is None else cv2.resize(hint, size, interpolation=cv2.INTER_LINEAR) > 0.5)
    if figure is None:
        return None
    guide = np.clip(window.scene.colors(window.bounds), 0.0, 1.0)
    return soft_matte(guide, figure, max(2.0, 1.5 / scale))


def behind(window: ModelWindow, place: Bounds, layer: Plane, figure: Floats, fringe_px: float) -> tuple[Bounds, Plane]:
    """Put a new ground's layer behind the figure, whose own pixels stay bit for bit; its soft edge gets the new ground's colours.

    Within `fringe_px` of it, where latents still show the old ground, the new one is continued.
    """
    straight = unit_floats(array_of(layer))
    matte = cut(figure, place.moved(-window.bounds.x, -window.bounds.y))
    scene, hidden = window.scene, grow(matte > SEEN, fringe_px)
    ground, alpha = smooth_fill(straight[..., :3], hidden), straight[..., 3]
    alpha = np.where(hidden, smooth_fill(np.repeat(alpha[..., None], 3, axis=2), hidden)[..., 0], alpha)
    own = pure_colors(scene.colors(place), matte, edge_px(scene))
    colors = own * matte[..., None] + ground * (1 - matte[..., None])
    opacity = scene.opacity(place)
    shown = np.where(matte < 1.0, np.clip(alpha, 0.0, 1.0), 0.0) * (1.0 if opacity is None else opacity)
    return finish(premultiplied(colors.astype(np.float32), shown.astype(np.float32)), place, None, layer.depth)


def on_figure(window: ModelWindow, place: Bounds, layer: Plane, figure: Floats, after: Floats) -> tuple[Bounds, Plane]:
    """Bound a layer by the old figure and the new one, unless what it changes lies mostly elsewhere (then it was another one)."""
    straight = unit_floats(array_of(layer))
    side = max(window.bounds.width, window.bounds.height)
    near = fade_inwards(grow(_both(window, figure > 0.5, after), (GROWTH + FADE) * side), FADE * side)
    near = cut(near, place.moved(-window.bounds.x, -window.bounds.y))
    alpha = straight[..., 3]
    if float((alpha * near).sum()) < ABOUT * float(alpha.sum()):
        return place, layer
    return finish(premultiplied(straight[..., :3], alpha * near), place, None, layer.depth)


def _both(window: ModelWindow, old: Bools, after: Floats) -> Bools:
    """Return the old figure with the new one, of the window's own size; where none is found, with room for one."""
    new = find_figure(np.rint(np.clip(after, 0, 1) * 255).astype(np.uint8))
    return old | (hull_of(old) if new is None else window.enlarged(new.astype(np.float32)) > 0.5)
