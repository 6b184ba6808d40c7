"""A family of animals in 26 numbers: smooth to draw, and every point's place is known, for non-rigid truth.

What the numbers are, the picture they give, and where in it each part is. Words for changes are in `creature_deeds`.
Left and right are the picture's, never the animal's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Number:
    """One number of the family: a standard normal value squashed to low..high, the steeper the nearer to its ends."""

    name: str
    low: float
    high: float
    steepness: float = 1.4


NUMBERS = (
    Number("head_x", -0.1, 0.1),
    Number("head_y", -0.2, -0.02),
    Number("head_size", 0.42, 0.52),
    Number("head_height", 0.85, 1.2),
    Number("yaw", -0.5, 0.5),
    Number("pitch", -0.35, 0.35),
    Number("tilt", -0.22, 0.22),
    Number("ear_length", 0.15, 0.75),
    Number("ear_spread", 0.25, 1.0),
    Number("ear_width", 0.35, 1.0),
    Number("eye_size", 0.07, 0.16),
    Number("eye_openness", 0.25, 1.0),
    Number("gaze_x", -0.5, 0.5),
    Number("gaze_y", -0.5, 0.5),
    Number("mouth_width", 0.08, 0.3),
    Number("mouth_openness", 0.02, 0.28),
    Number("muzzle_size", 0.18, 0.36),
    Number("body_width", 0.35, 0.65),
    Number("eye_distance", 0.28, 0.48),
    Number("hue", 0.0, 1.0, 1.2),
    Number("saturation", 0.25, 0.85),
    Number("brightness", 0.55, 0.98),
    Number("ground_hue", 0.0, 1.0, 1.2),
    Number("ground_saturation", 0.1, 0.6),
    Number("ground_shade", 0.6, 1.0),
    Number("spare", 0.0, 1.0),  # changes nothing: generators learnt on this family take 26 numbers
)
"""The family's numbers, in the order of the last axis of every `numbers` tensor here. Lengths are canvas halves."""

PLACE = {number.name: i for i, number in enumerate(NUMBERS)}
"""Name of a number -> its index."""

_SIDES = {"left": -1.0, "right": 1.0}
_WHITE, _NOSE, _PUPIL = (1.0, 1.0, 1.0), (0.15, 0.1, 0.12), (0.08, 0.07, 0.1)
_MOUTH, _TONGUE = (0.35, 0.08, 0.1), (0.92, 0.45, 0.5)


def value_of(numbers: Tensor, name: str) -> Tensor:
    """Return (...) the value in low..high that the named number of (..., 26) stands for."""
    number = NUMBERS[PLACE[name]]
    return number.low + (number.high - number.low) * torch.sigmoid(number.steepness * numbers[..., PLACE[name]])


def number_for(name: str, value: float) -> float:
    """Return the number that stands for a value; values at or past the ends give the nearest of about ±3."""
    number = NUMBERS[PLACE[name]]
    share = min(max((value - number.low) / (number.high - number.low), 0.02), 0.98)
    return float(torch.logit(torch.tensor(share)) / number.steepness)


class _Values(dict[str, Tensor]):
    """Every value of a batch by name, each (B,), and the places in the head's own axes that follow from them."""

    def __init__(self, numbers: Tensor) -> None:
        super().__init__({number.name: value_of(numbers, number.name) for number in NUMBERS})

    @property
    def face(self) -> tuple[Tensor, Tensor]:
        """How far the turned head carries its face, in head sizes."""
        return self["yaw"] * 0.55, self["pitch"] * 0.5

    def ear(self, side: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return an ear's root (x, y) and its angle; side -1 is left, 1 right."""
        yaw = self["yaw"]
        root = side * (0.62 - 0.1 * side * yaw) - 0.15 * yaw
        return root, torch.full_like(yaw, -0.62), side * self["ear_spread"] * 0.8

    def eye(self, side: float) -> tuple[Tensor, Tensor]:
        """Return an eye's middle."""
        fx, fy = self.face
        return side * self["eye_distance"] + fx, fy - 0.12

    def pupil(self, side: float) -> tuple[Tensor, Tensor]:
        """Return a pupil's middle."""
        x, y = self.eye(side)
        size = self["eye_size"]
        return x + self["gaze_x"] * size * 0.7, y + self["gaze_y"] * size * 0.6 * self["eye_openness"]


def _hsv_to_rgb(hue: Tensor, saturation: Tensor, brightness: Tensor) -> Tensor:
    """Return (B, 3)."""
    turns = [(shift + hue * 6) % 6 for shift in (5, 3, 1)]
    fall = [torch.clamp(torch.minimum(turn, 4 - turn), 0, 1) for turn in turns]
    return torch.stack([brightness - brightness * saturation * part for part in fall], dim=-1)


def body_rgb(numbers: Tensor) -> Tensor:
    """Return (B, 3) sRGB in 0..1: the colour of head and body."""
    return _hsv_to_rgb(*(value_of(numbers, name) for name in ("hue", "saturation", "brightness")))


def ground_rgb(numbers: Tensor) -> Tensor:
    """Return (B, 3) sRGB in 0..1: the ground's colour at the top of the canvas."""
    hue, saturation = value_of(numbers, "ground_hue"), value_of(numbers, "ground_saturation")
    return _hsv_to_rgb(hue, saturation, torch.full_like(hue, 0.95))


def _whole(value: Tensor) -> Tensor:
    return value.view(-1, 1, 1)


class _Canvas:
    """A batch of pictures being painted, ellipse over ellipse, each with a soft rim of 1.6 pixels."""

    def __init__(self, rgb: Tensor) -> None:
        self.rgb = rgb
        side = rgb.shape[-1]
        self._rim = 3.2 / side
        steps = (torch.arange(side, device=rgb.device) + 0.5) / side * 2 - 1
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        self.x, self.y = x[None], y[None]

    def cover(self, x: Tensor, y: Tensor, wide: Tensor, high: Tensor, scale: Tensor) -> Tensor:
        """Return (B, H, W) how much of each pixel an ellipse covers; x, y are the distances to its middle."""
        wide, high, scale = _whole(wide), _whole(high), _whole(scale)
        radius = torch.sqrt((x / wide) ** 2 + (y / high) ** 2 + 1e-8)
        return torch.sigmoid(-(radius - 1) * torch.minimum(wide, high) * scale / self._rim * 4)

    def paint(self, color: Tensor | tuple[float, float, float], alpha: Tensor) -> None:
        """Paint one colour, or (B, 3) of them, where alpha (B, H, W) covers."""
        color = torch.as_tensor(color, device=alpha.device, dtype=alpha.dtype).view(-1, 3, 1, 1)
        self.rgb = self.rgb * (1 - alpha[:, None]) + color * alpha[:, None]


def render_creatures(numbers: Tensor, size_px: int) -> Tensor:
    """Paint animals (B, 26) as sRGB (B, 3, size, size) in 0..1; differentiable in the numbers."""
    v = _Values(numbers)
    body = body_rgb(numbers)
    canvas = _Canvas(_ground(numbers, v, size_px))
    _paint_body(canvas, v, body)
    cos, sin = _whole(v["tilt"].cos()), _whole(v["tilt"].sin())
    x, y = canvas.x - _whole(v["head_x"]), canvas.y - _whole(v["head_y"])
    u, w = (cos * x + sin * y) / _whole(v["head_size"]), (-sin * x + cos * y) / _whole(v["head_size"])
    for side in _SIDES.values():
        _paint_ear(canvas, v, body, u, w, side)
    one = torch.ones_like(v["yaw"])
    canvas.paint(body, canvas.cover(u, w, one * 0.98, v["head_height"] * 0.9, v["head_size"]))
    _paint_mouth(canvas, v, body, u, w)
    for side in _SIDES.values():
        _paint_eye(canvas, v, u, w, side)
    return canvas.rgb.clamp(0, 1)


def _light(body: Tensor) -> Tensor:
    return body * 0.45 + 0.55


def _ground(numbers: Tensor, v: _Values, size_px: int) -> Tensor:
    top = ground_rgb(numbers)
    bottom = top * v["ground_shade"][:, None]
    down = (torch.arange(size_px, device=numbers.device) + 0.5) / size_px
    column = top[:, :, None] * (1 - down) + bottom[:, :, None] * down  # (B, 3, H)
    return column[..., None].expand(-1, -1, -1, size_px)


def _paint_body(canvas: _Canvas, v: _Values, body: Tensor) -> None:
    x, wide, one = canvas.x - _whole(v["head_x"]) * 0.5, v["body_width"], torch.ones_like(v["yaw"])
    canvas.paint(body, canvas.cover(x, canvas.y - 1.05, wide, 0.75 * one, one))
    canvas.paint(_light(body), canvas.cover(x, canvas.y - 1.1, wide * 0.6, 0.55 * one, one))


def _paint_ear(canvas: _Canvas, v: _Values, body: Tensor, u: Tensor, w: Tensor, side: float) -> None:
    x, y, angle = (_whole(part) for part in v.ear(side))
    along, length = -angle.sin() * (u - x) + angle.cos() * (w - y), v["ear_length"]
    across, wide = angle.cos() * (u - x) + angle.sin() * (w - y), 0.16 + 0.22 * v["ear_width"]
    scale = v["head_size"]
    canvas.paint(body * 0.62, canvas.cover(across, along + _whole(length) * 0.55, wide, length * 0.75 + 0.15, scale))
    inner = canvas.cover(across, along + _whole(length) * 0.5, wide * 0.55, length * 0.5 + 0.08, scale)
    canvas.paint(_light(body), inner)


def _paint_mouth(canvas: _Canvas, v: _Values, body: Tensor, u: Tensor, w: Tensor) -> None:
    fx, fy = (_whole(part) for part in v.face)
    muzzle, wide, high, scale = v["muzzle_size"], v["mouth_width"], v["mouth_openness"], v["head_size"]
    canvas.paint(_light(body), canvas.cover(u - fx * 1.15, w - 0.38 - fy, muzzle * 1.5, muzzle * 1.05, scale))
    x, y, one = u - fx * 1.2, w - 0.5 - fy, torch.ones_like(wide)
    mouth = canvas.cover(x, y - _whole(high) * 0.5, wide, high, scale)
    canvas.paint(_MOUTH, mouth)
    canvas.paint(_TONGUE, mouth * canvas.cover(x, y - _whole(high), wide * 0.7, high * 0.45, scale))
    canvas.paint(_NOSE, canvas.cover(u - fx * 1.3, w - 0.27 - fy, 0.11 * one, 0.075 * one, scale))


def _paint_eye(canvas: _Canvas, v: _Values, u: Tensor, w: Tensor, side: float) -> None:
    x, y = (_whole(part) for part in v.eye(side))
    px, py = (_whole(part) for part in v.pupil(side))
    size, scale, quarter = v["eye_size"], v["head_size"], _whole(v["eye_size"]) * 0.25
    white = canvas.cover(u - x, w - y, size * 1.25, size * 1.45 * v["eye_openness"] + 0.01, scale)
    canvas.paint(_WHITE, white)
    pupil = canvas.cover(u - px, w - py, size * 0.62, size * 0.75, scale) * white
    canvas.paint(_PUPIL, pupil)
    canvas.paint(_WHITE, canvas.cover(u - px + quarter, w - py + quarter, size * 0.2, size * 0.2, scale) * pupil)


def handles(numbers: Tensor, size_px: int) -> dict[str, Tensor]:
    """Return named points of each animal as (B, 2) pixels (x, y) of a canvas of this size, as functions of the numbers.

    Tips and rims lie a little inside their part, so that the pixel there has the part's own colour. Differentiable.
    """
    v = _Values(numbers)
    points = {name: _to_canvas(v, x, y) for name, (x, y) in _head_points(v).items()}
    for name, side in _SIDES.items():
        points[f"body_{name}"] = torch.stack([v["head_x"] * 0.5 + side * v["body_width"] * 0.8, 0.7 + 0 * v["yaw"]], -1)
    return {name: (point + 1) / 2 * size_px for name, point in points.items()}


HANDLES = (
    "nose", "mouth_bottom", "mouth_left", "mouth_right", "head_top", "chin",
    "left_ear", "right_ear", "left_eye", "right_eye", "left_pupil", "right_pupil", "left_lid", "right_lid",
    "body_left", "body_right",
)  # fmt: skip
"""The names that `handles` returns."""


def _head_points(v: _Values) -> dict[str, tuple[Tensor, Tensor]]:
    (fx, fy), wide, high = v.face, v["mouth_width"], v["mouth_openness"]
    points = {
        "nose": (fx * 1.3, fy + 0.27),
        "mouth_bottom": (fx * 1.2, fy + 0.5 + high * 1.4),
        "mouth_left": (fx * 1.2 - wide * 0.9, fy + 0.5 + high * 0.5),
        "mouth_right": (fx * 1.2 + wide * 0.9, fy + 0.5 + high * 0.5),
        "head_top": (fx * 0, v["head_height"] * -0.85),
        "chin": (fx * 0, v["head_height"] * 0.85),
    }
    for name, side in _SIDES.items():
        x, y, angle = v.ear(side)
        length = v["ear_length"] * 0.55 + (v["ear_length"] * 0.75 + 0.15) * 0.8
        points[f"{name}_ear"] = x + angle.sin() * length, y - angle.cos() * length
        points[f"{name}_eye"], points[f"{name}_pupil"] = v.eye(side), v.pupil(side)
        ex, ey = v.eye(side)
        points[f"{name}_lid"] = ex, ey - v["eye_size"] * 1.3 * v["eye_openness"]
    return points


def _to_canvas(v: _Values, x: Tensor, y: Tensor) -> Tensor:
    """Return (B, 2) in -1..1 of the canvas for a point in the head's own axes."""
    cos, sin, size = v["tilt"].cos(), v["tilt"].sin(), v["head_size"]
    return torch.stack([v["head_x"] + size * (cos * x - sin * y), v["head_y"] + size * (sin * x + cos * y)], dim=-1)
