"""A window on the picture at the size that a diffusion model works at, and the way back: a layer at the picture's own size.

What the model did not change is never taken from it: its reconstruction error is given back, and the layer is transparent there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Plane
from torch import Tensor

from ..diffusion.model import DiffusionModel
from ..imaging.arrays import Floats, array_of, unit_floats
from ..imaging.blend import finish, premultiplied
from ..imaging.guided import follow_edges, vote_by_color
from ..imaging.mask import bounds_of, cut
from .scene import Scene, sketch
from .work import Sketch

CONTEXT = 0.35
LONGEST = 3
# Models paint best what fills much of their canvas, so a small region is enlarged, at most so many times.
ZOOM = 3
# Differences of a decoded picture, 0..1: below the first nothing changed, above the second it surely did.
UNSEEN, SEEN = 0.015, 0.06
# A recolouring follows edges within this share of the window, between colours that differ by more than the noise (0..1).
EDGE_RADIUS, EDGE_NOISE = 1 / 24, 0.05
# What else has its colour, within this share of the window, says whether a place is meant: ground that took on colour beside the
# thing is outvoted by the ground around. Shares of the full strength: below the first nothing is meant, above the second all.
VOTE_RADIUS, VOTE_SPREAD = 1 / 4, 0.05
SPILL = (0.2, 0.45)


@dataclass(frozen=True)
class Under:
    """A window's picture with something laid over it: (h, w, 3) sRGB, and where it was laid, (h, w) in 0..1."""

    srgb: Floats
    alpha: Floats


@dataclass(frozen=True)
class ModelWindow:
    """`bounds` of the picture are worked at `size` (width, height in pixels, multiples of the model's step)."""

    scene: Scene
    bounds: Bounds
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Model pixels per picture pixel, along x."""
        return self.size[0] / self.bounds.width

    def pixels(self, srgb: Floats | None = None) -> Tensor:
        """Return what the model sees, of the picture or of another one of the window's size: (1, 3, h, w), sRGB 0..1."""
        return to_tensor(self.shrunk(np.clip(self.srgb() if srgb is None else srgb, 0.0, 1.0)))

    def srgb(self) -> Floats:
        """Return the window's sRGB floats at the picture's own size, transparent parts over white."""
        colors = self.scene.space.to_srgb(self.scene.colors(self.bounds))
        opacity = self.scene.opacity(self.bounds)
        return colors if opacity is None else 1.0 + (colors - 1.0) * opacity[..., None]

    def small(self) -> Floats:
        """Return the window's sRGB floats at the model's size, (h, w, 3)."""
        return self.shrunk(np.clip(self.srgb(), 0.0, 1.0))

    def shrunk(self, array: Floats) -> Floats:
        """Bring an array of the window's own size to the model's."""
        shrinking = self.size[0] < self.bounds.width
        small: Floats = cv2.resize(array, self.size, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC)
        return small

    def enlarged(self, array: Floats) -> Floats:
        """Bring an array of the model's size to the window's own."""
        own = (self.bounds.width, self.bounds.height)
        if own == self.size:
            return array
        large: Floats = cv2.resize(array, own, interpolation=cv2.INTER_CUBIC if own > self.size else cv2.INTER_AREA)
        return large

    def boundless(self) -> ModelWindow:
        """Return the window without a mask, for what is not the last step: bounding twice would thin a soft edge."""
        return replace(self, scene=replace(self.scene, may=None))

    def latent_mask(self, stride: int) -> Tensor | None:
        """Return how far each latent may change, (1, 1, h, w): the largest value of `may` that it covers; None = everywhere."""
        may = self.scene.may_in(self.bounds)
        return None if may is None else self.to_latents(may, stride)

    def to_latents(self, array: Floats, stride: int) -> Tensor:
        """Bring (H, W) in 0..1 to (1, 1, h, w) of latents, each the largest value that it covers."""
        small = torch.from_numpy(np.clip(self.shrunk(np.ascontiguousarray(array)), 0.0, 1.0))[None, None]
        return torch.nn.functional.max_pool2d(small, stride)

    def layer(
        self, edited: Tensor, before: Tensor, keep_detail: bool, under: Under | None = None
    ) -> tuple[Bounds, Plane]:
        """Return the layer for a decoded edit (1, 3, h, w) and the decoded source that it is to be compared with.

        With `keep_detail` all of the picture's own fine detail stays (a recolouring), and the change follows its edges; else
        it stays only where little changed. `under`: what already lies over the picture (a warp's result) in place of the
        picture itself.
        """
        old, new = to_array(before), to_array(edited)
        own = self.srgb() if under is None else under.srgb
        colors, alpha = self._recolored(own, old, new) if keep_detail else self._repainted(own, old, new)
        alpha = np.where(alpha > 1 / 512, alpha, 0.0).astype(np.float32)
        return self.finished(colors, alpha if under is None else np.maximum(alpha, under.alpha))

    def _repainted(self, own: Floats, old: Floats, new: Floats) -> tuple[Floats, Floats]:
        """Return sRGB colours and alpha of the window's own size: the model's pixels where it changed much."""
        changed = change_map(old, new)
        kept = 1.0 - changed
        colors = own * self.enlarged(kept)[..., None] + self.enlarged(new - old * kept[..., None])
        return colors, np.clip(self.enlarged(changed), 0.0, 1.0)

    def _recolored(self, own: Floats, old: Floats, new: Floats) -> tuple[Floats, Floats]:
        """Return the same for a change of colours alone: the picture's own pixels, shifted along its own edges."""
        guide, strength = self.shrunk(own), np.abs(new - old).max(axis=-1)
        shift = follow_edges(new - old, guide, own, EDGE_RADIUS * max(self.size), EDGE_NOISE)
        full = max(float(np.quantile(strength, 0.95)), SEEN)
        votes = vote_by_color(np.minimum(strength / full, 1.0), guide, own, VOTE_RADIUS * max(self.size), VOTE_SPREAD)
        return own + shift, _smooth_step(votes, *SPILL)

    def finished(self, srgb: Floats, alpha: Floats) -> tuple[Bounds, Plane]:
        """Bound sRGB colours and alpha of the window's own size by what may change, at the picture's own depth and space."""
        opacity = self.scene.opacity(self.bounds)
        alpha = alpha if opacity is None else alpha * opacity
        colors = self.scene.space.from_srgb(np.ascontiguousarray(srgb, dtype=np.float32))
        return finish(premultiplied(colors, alpha), self.bounds, self.scene.may_in(self.bounds), self.scene.depth)

    def sketch(self, edited: Tensor, before: Tensor, keep_detail: bool, under: Under | None = None) -> Sketch:
        """Return a preview of the same layer."""
        return sketch(self.scene, *self.layer(edited, before, keep_detail, under))

    def under(self, layer: Plane, place: Bounds) -> Under:
        """Lay a straight RGBA layer of the picture's own depth and space over the window's picture."""
        placed = np.zeros((self.bounds.height, self.bounds.width, 4), np.float32)
        common = place.intersected(self.bounds)
        here, there = common.moved(-self.bounds.x, -self.bounds.y), common.moved(-place.x, -place.y)
        cut(placed, here)[...] = cut(unit_floats(array_of(layer)), there)
        alpha = np.ascontiguousarray(placed[..., 3])
        colors = self.scene.space.to_srgb(np.ascontiguousarray(placed[..., :3]))
        own = self.srgb()
        return Under(
            np.where(alpha[..., None] > 0, colors * alpha[..., None] + own * (1 - alpha[..., None]), own), alpha
        )


def open_window(
    scene: Scene, model: DiffusionModel, wanted: Bounds | None = None, context: float = CONTEXT
) -> ModelWindow:
    """Choose the window for an edit of `wanted` (None: what may change, else the whole picture), with context around it."""
    if wanted is None:
        wanted = scene.whole if scene.may is None else bounds_of(scene.may)
    around = _around(wanted, scene.whole, model.native_side // ZOOM, context)
    return ModelWindow(scene, around, model_size(around, model))


def _around(wanted: Bounds, whole: Bounds, least: int, context: float) -> Bounds:
    """Return a window with context, nearly square where the picture lets it, with sides of at least `least` pixels."""
    if wanted == whole:
        return whole
    side = max(round(max(wanted.width, wanted.height) * (1 + 2 * context)), least)
    width, height = min(side, whole.width), min(side, whole.height)
    x = min(max(0, wanted.x + wanted.width // 2 - width // 2), whole.width - width)
    y = min(max(0, wanted.y + wanted.height // 2 - height // 2), whole.height - height)
    return Bounds(x, y, width, height)


def model_size(bounds: Bounds, model: DiffusionModel) -> tuple[int, int]:
    """Return (width, height) with the model's own area and about the bounds' shape, in whole steps, never longer than 3 : 1."""
    shape = min(max(bounds.width / bounds.height, 1 / LONGEST), LONGEST)
    width, height = model.native_side * math.sqrt(shape), model.native_side / math.sqrt(shape)
    step = model.step_px
    return max(step, round(width / step) * step), max(step, round(height / step) * step)


def change_map(old: Floats, new: Floats) -> Floats:
    """Return (h, w) in 0..1: how surely two pictures, (h, w, 3), differ there, spread a little so that edges are whole."""
    difference = np.abs(new - old).max(axis=-1)
    spread = cv2.dilate(cv2.GaussianBlur(difference, (0, 0), 0.8), np.ones((3, 3), np.uint8))
    return _smooth_step(cv2.GaussianBlur(spread, (0, 0), 1.0), UNSEEN, SEEN)


def _smooth_step(values: Floats, low: float, high: float) -> Floats:
    """Return 0 below `low` and 1 above `high`, and a smooth rise between them."""
    ramp: Floats = np.clip((values - low) / (high - low), 0.0, 1.0).astype(np.float32)
    return ramp * ramp * (3 - 2 * ramp)


def to_tensor(array: Floats) -> Tensor:
    """Turn (h, w, 3) into (1, 3, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).permute(2, 0, 1)[None]


def to_array(pixels: Tensor) -> Floats:
    """Turn (1, 3, h, w) into (h, w, 3), clipped to 0..1."""
    return np.asarray(pixels[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy(), dtype=np.float32)
