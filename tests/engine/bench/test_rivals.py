"""Hands beside the engine's: what the editor is given for an edit's cues, and that masks bind both."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scumble_engine.bench.beside import coder_of
from scumble_engine.bench.rivals import asked_of, delta_hand, editor_hand
from scumble_engine.diffusion.editor import Asked, Painted
from scumble_engine.imaging.arrays import Bytes, plane_of
from scumble_protocol.geometry import Point
from scumble_protocol.messages import (
    AddStrokes,
    ColorStrokes,
    Handle,
    Instruction,
    Mask,
    PromptPair,
    Settings,
    SubtractStrokes,
)
from tiny_models import tiny_model

PICTURE = np.full((64, 64, 3), 128, np.uint8)
PAIR = PromptPair("a red apple", "a green apple", ("apple",), (), "recolor")


def channel(value: int) -> Bytes:
    plane = np.zeros((64, 64, 1), np.uint8)
    plane[:, :32] = value
    return plane


class Greens:
    """An editor that paints all green, and remembers what it was given."""

    def __init__(self) -> None:
        self.asked: list[tuple[Asked, int, int]] = []

    def paint(self, asked: Asked, steps: int, seed: int) -> Painted:
        self.asked.append((asked, steps, seed))
        green = np.zeros((32, 32, 3), np.float32)
        green[..., 1] = 1.0
        return Painted(green, np.zeros((32, 32), np.float32))


def test_the_editor_is_given_every_cue() -> None:
    strokes = np.concatenate([np.repeat(channel(200), 3, axis=2), channel(255)], axis=2)
    asked = asked_of(
        PICTURE,
        (
            PAIR,
            Mask(plane_of(channel(255), "u8")),
            AddStrokes(plane_of(channel(255), "u8")),
            SubtractStrokes(plane_of(channel(51), "u8")),
            ColorStrokes(plane_of(strokes, "u8")),
            Handle(Point(1.5, 2.5), Point(30.0, 40.0)),
        ),
    )
    assert asked.words == "a green apple"
    assert asked.pulls == ((1.5, 2.5, 30.0, 40.0),)
    assert asked.mask is not None
    assert asked.add is not None
    assert asked.subtract is not None
    assert asked.color is not None
    assert (asked.mask.max(), asked.add.max(), round(float(asked.subtract.max()), 3)) == (1.0, 1.0, 0.2)
    assert np.array_equal(asked.color, strokes)


def test_without_cues_the_editor_is_given_words_alone() -> None:
    asked = asked_of(PICTURE, (Instruction("open its mouth"),))
    assert asked.words == "open its mouth"
    assert (asked.mask, asked.add, asked.subtract, asked.color, asked.pulls) == (None, None, None, None, ())


def test_the_editors_answer_keeps_to_the_mask_and_takes_the_settings() -> None:
    editor = Greens()
    run = editor_hand(editor)(PICTURE, (PAIR, Mask(plane_of(channel(255), "u8"))), Settings(steps=3, seed=5))  # type: ignore[arg-type]
    assert (run.picture[:, 32:] == PICTURE[:, 32:]).all()
    assert (run.picture[:, :31] == (0, 255, 0)).all()
    assert editor.asked[0][1:] == (3, 5)


def test_the_delta_loop_keeps_to_the_mask_and_repeats_itself() -> None:
    perform = delta_hand(tiny_model("sd2"))
    cues, settings = (PAIR, Mask(plane_of(channel(255), "u8"))), Settings(steps=2, seed=1)
    one, other = (perform(PICTURE, cues, settings).picture for _ in range(2))
    assert np.array_equal(one, other)
    assert (one[:, 32:] == PICTURE[:, 32:]).all()
    assert (one[:, :32] != PICTURE[:, :32]).any()


def test_a_coder_sends_a_picture_there_and_back() -> None:
    model = tiny_model("sd2")
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    coded = coder_of(model)(picture)
    straight = model.decode(model.encode(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255))
    assert coded.shape == picture.shape
    assert np.abs(coded / 255 - straight[0].detach().clamp(0, 1).permute(1, 2, 0).numpy()).max() < 0.01
    assert coded == pytest.approx(coder_of(model)(picture))
