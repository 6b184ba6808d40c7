"""What can be done to an animal of the family, in words and in numbers, and how an animal is described."""

from __future__ import annotations

import colorsys
import random
from dataclasses import dataclass

import torch
from scumble_engine.imaging.palette import PALETTE
from scumble_engine.training.creatures import PLACE, body_rgb, ground_rgb, number_for
from scumble_engine.training.palette import color_lab, rgb_to_lab
from torch import Tensor


@dataclass(frozen=True)
class Deed:
    """A change of one number: what a painter says, what is true afterwards, which way the number goes, what moves.

    words are commands; after the state as a caption says it; sign the way the number goes; handles the points (names of
    `creatures.HANDLES`) whose places tell how far it went.
    """

    words: tuple[str, ...]
    after: str
    number: str
    sign: int
    handles: tuple[str, ...]


_EARS, _LIDS, _PUPILS = ("left_ear", "right_ear"), ("left_lid", "right_lid"), ("left_pupil", "right_pupil")

DEEDS: dict[str, Deed] = {
    "open mouth": Deed(
        ("open its mouth", "open the mouth"), "with an open mouth", "mouth_openness", 1, ("mouth_bottom",)
    ),
    "close mouth": Deed(
        ("close its mouth", "shut the mouth"), "with a closed mouth", "mouth_openness", -1, ("mouth_bottom",)
    ),
    "wide mouth": Deed(("a wider mouth",), "with a wide mouth", "mouth_width", 1, ("mouth_left", "mouth_right")),
    "small mouth": Deed(("a smaller mouth",), "with a small mouth", "mouth_width", -1, ("mouth_left", "mouth_right")),
    "long ears": Deed(("longer ears", "make the ears longer"), "with long ears", "ear_length", 1, _EARS),
    "short ears": Deed(("shorter ears", "make the ears shorter"), "with short ears", "ear_length", -1, _EARS),
    "ears apart": Deed(("ears apart", "spread its ears"), "with ears apart", "ear_spread", 1, _EARS),
    "ears up": Deed(("ears up", "raise its ears"), "with ears up", "ear_spread", -1, _EARS),
    "big eyes": Deed(("bigger eyes", "make the eyes bigger"), "with big eyes", "eye_size", 1, _LIDS),
    "small eyes": Deed(("smaller eyes", "make the eyes smaller"), "with small eyes", "eye_size", -1, _LIDS),
    "open eyes": Deed(("open its eyes", "open the eyes"), "with open eyes", "eye_openness", 1, _LIDS),
    "close eyes": Deed(("close its eyes", "shut the eyes"), "with closed eyes", "eye_openness", -1, _LIDS),
    "look left": Deed(("look left", "look to the left"), "looking left", "gaze_x", -1, _PUPILS),
    "look right": Deed(("look right", "look to the right"), "looking right", "gaze_x", 1, _PUPILS),
    "look up": Deed(("look up",), "looking up", "gaze_y", -1, _PUPILS),
    "look down": Deed(("look down",), "looking down", "gaze_y", 1, _PUPILS),
    "turn left": Deed(("turn the head left", "turn its head left"), "turned left", "yaw", -1, ("nose",)),
    "turn right": Deed(("turn the head right", "turn its head right"), "turned right", "yaw", 1, ("nose",)),
    "raise head": Deed(("raise its head", "lift the head"), "head raised", "pitch", -1, ("nose",)),
    "lower head": Deed(("lower its head", "lower the head"), "head lowered", "pitch", 1, ("nose",)),
    "tilt left": Deed(("tilt its head left",), "head tilted left", "tilt", -1, ("head_top", "chin")),
    "tilt right": Deed(("tilt its head right",), "head tilted right", "tilt", 1, ("head_top", "chin")),
    "long head": Deed(("a longer head",), "with a long head", "head_height", 1, ("head_top", "chin")),
    "short head": Deed(("a shorter head",), "with a short head", "head_height", -1, ("head_top", "chin")),
    "wide body": Deed(
        ("make it fatter", "a wider body"), "with a wide body", "body_width", 1, ("body_left", "body_right")
    ),
    "thin body": Deed(
        ("make it thinner", "a thinner body"), "with a thin body", "body_width", -1, ("body_left", "body_right")
    ),
}
"""Name -> deed. Every deed's opposite is there too."""

BODY_COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
"""The palette's colours that an animal can have; the others are too dark, too pale or too grey for its numbers."""

_CLEAR = 0.8  # a number this far from the middle may be told in a caption


def ready_for(numbers: Tensor, deed: Deed) -> Tensor:
    """Return one animal (26,) with the deed's number on the other side of the middle, so that the deed shows."""
    made = numbers.clone()
    made[PLACE[deed.number]] = -deed.sign * made[PLACE[deed.number]].abs().clamp(0.5, 1.2)
    if deed.number.startswith("gaze"):  # a small or half-closed eye hides where it looks
        for name in ("eye_openness", "eye_size"):
            made[PLACE[name]] = made[PLACE[name]].clamp_min(0.5)
    return made


def done(numbers: Tensor, deed: Deed, amount: float) -> Tensor:
    """Return one animal (26,) after the deed; amount in standard deviations of the number, 1.6 is plain to see."""
    made = numbers.clone()
    made[PLACE[deed.number]] += deed.sign * amount
    return made


def recolored(numbers: Tensor, color: str) -> Tensor:
    """Return one animal (26,) in a colour of BODY_COLORS."""
    made = numbers.clone()
    hsv = colorsys.rgb_to_hsv(*(channel / 255 for channel in PALETTE[color]))
    for name, value in zip(("hue", "saturation", "brightness"), hsv, strict=True):
        made[PLACE[name]] = number_for(name, value)
    return made


def color_name(rgb: Tensor) -> str:
    """Return the word of BODY_COLORS nearest to an sRGB colour (3,) by its Lab hue and chroma, lightness halved."""
    lab = rgb_to_lab(rgb.view(3, 1, 1)).flatten()
    weights = torch.tensor([0.5, 1.0, 1.0])
    away = {name: float(((color_lab(name) - lab) * weights).norm()) for name in BODY_COLORS}
    return min(away, key=lambda name: away[name])


def told(numbers: Tensor) -> list[str]:
    """Return what is plainly true of one animal (26,), in the words of `Deed.after`."""
    return [deed.after for deed in DEEDS.values() if float(numbers[PLACE[deed.number]]) * deed.sign > _CLEAR]


def describe_creature(numbers: Tensor, draw: random.Random | None = None, must: str = "") -> str:
    """Say one animal (26,) in a caption: its colour, up to two of what is plainly true, sometimes the ground.

    draw None gives the shortest full sentence. `must` (a `Deed.after`) is said first where given.
    """
    facts = [fact for fact in told(numbers) if fact != must]
    if draw is not None:
        draw.shuffle(facts)
        facts = facts[: draw.choice((0, 1, 2))]
    words = f"a {color_name(body_rgb(numbers))} animal"
    words = words.replace("a orange", "an orange")
    facts = [must, *facts] if must else facts[:2]
    ground = f" on a {color_name(ground_rgb(numbers))} background" if draw is None or draw.random() < 0.5 else ""
    return " ".join([words, " and ".join(facts)]).strip() + ground
