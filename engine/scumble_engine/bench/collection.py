"""The scenes of the drag benchmark, from the photographs that scikit-image brings: one list, in strata."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from ..imaging.arrays import Bytes, Floats
from .scenes import Scene, Sprite, bend, make_scene, shift, turn


def cut_sprite(photo: Bytes, centre: tuple[int, int], radii: tuple[int, int], scale: float = 1.0) -> Sprite:
    """Cut an ellipse out of a photograph, with an antialiased edge."""
    (cx, cy), (rx, ry) = centre, radii
    pad = 2
    part = photo[cy - ry - pad : cy + ry + pad, cx - rx - pad : cx + rx + pad].astype(np.float32) / 255.0
    alpha = np.zeros((part.shape[0] * 4, part.shape[1] * 4), np.uint8)
    middle = (alpha.shape[1] // 2, alpha.shape[0] // 2)
    cv2.ellipse(alpha, middle, (rx * 4, ry * 4), 0, 0, 360, 255, -1)
    soft = cv2.resize(alpha, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    rgba = np.concatenate([part * soft[..., None], soft[..., None]], axis=-1)
    if scale != 1.0:
        rgba = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Sprite(rgba)


def _rgb(gray: Bytes) -> Bytes:
    return np.repeat(gray[..., None], 3, axis=2)


def collection() -> list[Scene]:
    """Render every scene (about two seconds)."""
    suit, coffee, cat, sky = data.astronaut(), data.coffee(), data.chelsea(), data.rocket()
    patch = cut_sprite(suit, (171, 385), (37, 37))
    cup = cut_sprite(coffee, (291, 113), (116, 92), 0.6)
    spoon = cut_sprite(coffee, (366, 285), (38, 38))
    tiny = cut_sprite(suit, (171, 385), (37, 37), 0.18)
    wide = Sprite(np.ascontiguousarray(_strip(coffee)))
    brick, grass, gravel = (_rgb(each()) for each in (data.brick, data.grass, data.gravel))
    wall = cut_sprite(brick, (250, 250), (50, 42))
    return [
        make_scene("patch on sky", "translate", sky, [shift(patch, (180, 150), 90, -40)]),
        make_scene("cup on cat", "translate", cat, [shift(cup, (60, 150), 150, 10)]),
        make_scene("spoon on grass", "translate", grass, [shift(spoon, (120, 200), 130, 60)]),
        make_scene("patch on gravel", "translate", gravel, [shift(patch, (300, 300), -60.5, -110.5)]),
        make_scene("cup grows", "scale and turn", sky, [turn(cup, (200, 120), 0, 1.35, 30, 0)]),
        make_scene("patch turns", "scale and turn", cat, [turn(patch, (150, 120), 35, 1.0, 60, 20)]),
        make_scene("spoon shrinks", "scale and turn", grass, [turn(spoon, (200, 200), -20, 0.6, -50, 40)]),
        make_scene("rim bends", "bend", sky, [bend(wide, (170, 120), 26)]),
        make_scene("rim bends on grass", "bend", grass, [bend(wide, (150, 240), -20)]),
        make_scene("two apart", "opposed", sky, [shift(patch, (240, 150), -80, 0), shift(spoon, (330, 160), 90, 10)]),
        make_scene(
            "two cross", "opposed", gravel, [shift(patch, (120, 200), 170, 30), shift(spoon, (320, 210), -170, 60)]
        ),
        make_scene("off the edge", "border", sky, [shift(patch, (40, 20), -55, -10)]),
        make_scene("from the edge", "border", cat, [shift(cup, (-20, 100), 120, 0)]),
        make_scene("brick on brick", "repeated texture", brick, [shift(wall, (100, 120), 150, 90)]),
        make_scene("wide strip", "non-square", sky[250:370], [shift(spoon, (100, 20), 260, 8)]),
        make_scene("tall strip", "non-square", suit[:, :150], [shift(tiny, (60, 60), 20, 300)]),
        make_scene("tiny on cat", "tiny", cat, [shift(tiny, (200, 230), 60, -10)]),
        make_scene("tiny on sky", "tiny", sky, [shift(tiny, (250, 100), -40, 50)]),
        make_scene("no selection, cup", "empty mask", sky, [shift(cup, (360, 60), -120, 60)], masked=False),
        make_scene("no selection, patch", "empty mask", grass, [shift(patch, (80, 80), 170, 60)], masked=False),
    ]


def _strip(coffee: Bytes) -> Floats:
    """Cut a long thin thing: a strip of the cup's rim and wall with rounded ends."""
    return cut_sprite(coffee, (291, 113), (110, 20)).rgba
