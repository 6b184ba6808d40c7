"""What an edit must satisfy: each fault gets one sentence that a painter can act on."""

from __future__ import annotations

import dataclasses
import math
import time

import pytest
from protocol.samples import EDIT, PAIR, WORDS
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import (
    AddStrokes,
    ColorStrokes,
    Cue,
    Edit,
    Grab,
    Handle,
    Instruction,
    Mask,
    PromptPair,
    Settings,
    SubtractStrokes,
)
from scumble_protocol.pixels import Picture, Plane
from scumble_protocol.rules import check_edit, check_text, mask_is_empty, notes_for

W, H = 8, 6
PICTURE = Picture(Plane(W, H, 3, "u8", bytes(W * H * 3)))


def gray(value: int = 255, width: int = W, height: int = H) -> Plane:
    return Plane(width, height, 1, "u8", bytes([value]) * (width * height))


def handle(x0: float, y0: float, x1: float, y1: float) -> Handle:
    return Handle(Point(x0, y0), Point(x1, y1))


GOOD = handle(1, 1, 5, 4)
RGBA = Plane(W, H, 4, "u8", bytes([9, 9, 9, 255]) * (W * H))


def edit(*cues: Cue, **settings: object) -> Edit:
    return Edit(PICTURE, cues, dataclasses.replace(Settings(), **settings))  # type: ignore[arg-type]


def fault(bad: Edit) -> RequestError:
    with pytest.raises(RequestError) as caught:
        check_edit(bad)
    sentence = caught.value.sentence
    assert sentence[0].isupper()
    assert sentence[-1] == "."
    assert len(sentence) < 200
    return caught.value


@pytest.mark.parametrize(
    "good",
    [
        edit(GOOD),
        edit(GOOD, handle(2, 1, 5, 4), Grab(gray()), Mask(gray())),
        edit(SubtractStrokes(gray())),
        edit(AddStrokes(gray(1)), ColorStrokes(RGBA), Instruction("a hat")),
        edit(PAIR),
        edit(Mask(gray(0)), Instruction("x")),
        edit(handle(0, 0, W - 0.01, H - 0.01), strength=0.0, steps=1000, seed=2**32 - 1, feather_px=512.0),
        edit(Instruction("x" * 4000)),
        WORDS,
    ],
    ids=range(9),
)
def test_what_is_in_order_passes(good: Edit) -> None:
    check_edit(good)


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        (edit(), "no-cues", "nothing to do"),
        (edit(Mask(gray())), "no-cues", "nothing to do"),
        (edit(Grab(gray())), "no-handles", "no handle"),
        (edit(Grab(gray()), Instruction("move it")), "no-handles", "no handle"),
        (edit(handle(W, 1, 2, 2)), "handle-outside", "Handle 1 is outside"),
        (edit(GOOD, handle(2, 2, 3, H)), "handle-outside", "Handle 2 is outside"),
        (edit(handle(-0.1, 1, 2, 2)), "handle-outside", "8×6"),
        (edit(handle(math.nan, 1, 2, 2)), "handle-nowhere", "not a number"),
        (edit(handle(1, 1, 2, math.inf)), "handle-nowhere", "not a number"),
        (edit(handle(1, 1, 1, 1)), "handle-still", "ends where it starts"),
        (edit(handle(1, 1, 1.3, 1.3)), "handle-still", "ends where it starts"),
        (edit(handle(1.1, 1.1, 5, 4), handle(1.9, 1.9, 2, 4)), "handles-same", "Handles 1 and 2"),
        (edit(*[handle(1, 1, 5, 4)] * 257), "too-many-cues", "256"),
        (edit(GOOD, Mask(gray()), Mask(gray())), "too-many-cues", "one mask"),
        (edit(GOOD, Grab(gray()), Grab(gray())), "too-many-cues", "one hold mask"),
        (edit(Instruction("a"), Instruction("b")), "too-many-cues", "one instruction"),
        (edit(PAIR, PAIR), "too-many-cues", "one pair"),
        (edit(Instruction("a"), PAIR), "too-many-cues", "not both"),
        (edit(GOOD, Mask(gray(255, W, H + 1))), "size-mismatch", "8×7"),
        (edit(SubtractStrokes(gray(255, 1, 1))), "size-mismatch", "1×1"),
        (edit(GOOD, Mask(RGBA)), "bad-pixels", "1 channel of 8 bits, not 4 of u8"),
        (edit(GOOD, Mask(Plane(W, H, 1, "u16", bytes(W * H * 2)))), "bad-pixels", "not 1 of u16"),
        (edit(ColorStrokes(gray())), "bad-pixels", "4 channels of 8 bits"),
        (edit(AddStrokes(gray(0))), "empty-strokes", "add strokes"),
        (edit(SubtractStrokes(gray(0))), "empty-strokes", "subtract strokes"),
        (edit(ColorStrokes(Plane(W, H, 4, "u8", bytes([9, 9, 9, 0]) * (W * H)))), "empty-strokes", "colour strokes"),
        (edit(GOOD, Grab(gray(0))), "empty-strokes", "hold mask"),
        (edit(Instruction("  \n")), "empty-text", "instruction is empty"),
        (edit(Instruction("x" * 4001)), "text-too-long", "4,001"),
        (edit(Instruction("x" * 30_000)), "text-too-long", "30,000 characters"),
        (edit(Instruction("\udc80")), "bad-text", "not whole"),
        (edit(PromptPair("", "a")), "empty-text", "what the picture shows"),
        (edit(PromptPair("a", " ")), "empty-text", "what it should show"),
        (edit(PromptPair("a", "b" * 4001)), "text-too-long", "what it should show"),
        (edit(PromptPair("a", "b", ("w",) * 65)), "text-too-long", "64"),
        (edit(GOOD, strength=1.01), "bad-strength", "0 to 1"),
        (edit(GOOD, strength=-0.01), "bad-strength", "0 to 1"),
        (edit(GOOD, strength=math.nan), "bad-strength", "nan"),
        (edit(GOOD, steps=-1), "bad-steps", "automatic"),
        (edit(GOOD, steps=1001), "bad-steps", "1000"),
        (edit(GOOD, seed=-1), "bad-seed", "-1"),
        (edit(GOOD, seed=2**32), "bad-seed", "4294967296"),
        (edit(GOOD, feather_px=512.5), "bad-feather", "512"),
        (edit(GOOD, feather_px=-1.0), "bad-feather", "512"),
        (edit(GOOD, feather_px=math.nan), "bad-feather", "nan"),
    ],
)
def test_each_fault_has_its_sentence(bad: Edit, code: str, words: str) -> None:
    error = fault(bad)
    assert error.code == code
    assert words in error.sentence


def test_a_pictures_own_sample_passes_but_for_its_handle() -> None:
    check_edit(EDIT)


def test_an_empty_mask_means_everywhere_and_says_so() -> None:
    empty = edit(GOOD, Mask(gray(0)))
    check_edit(empty)
    assert notes_for(empty) == ("The mask is empty, so the edit may change the whole picture.",)
    assert notes_for(edit(GOOD, Mask(gray(1)))) == ()
    assert notes_for(edit(GOOD)) == ()


@pytest.mark.parametrize("width", [1, 2**15, 2**15 + 1, 3 * 2**14])
def test_a_single_sample_anywhere_is_seen(width: int) -> None:
    size = width * 2
    assert mask_is_empty(Plane(width, 2, 1, "u8", bytes(size)))
    for place in (0, size // 2, size - 1):
        marked = bytearray(size)
        marked[place] = 1
        assert not mask_is_empty(Plane(width, 2, 1, "u8", marked))


def test_paint_in_the_last_pixel_of_many_is_seen() -> None:
    data = bytearray(300 * 200 * 4)
    strokes = ColorStrokes(Plane(300, 200, 4, "u8", data))
    picture = Picture(Plane(300, 200, 1, "u8", bytes(300 * 200)))
    data[-2] = 200  # colour without alpha is no paint
    with pytest.raises(RequestError):
        check_edit(Edit(picture, (strokes,)))
    data[-1] = 1
    check_edit(Edit(picture, (strokes,)))


def test_looking_for_paint_takes_milliseconds() -> None:
    plane = Plane(2048, 2048, 1, "u8", bytes(2048 * 2048))
    best = math.inf
    for _ in range(5):
        started = time.thread_time()
        assert mask_is_empty(plane)
        best = min(best, time.thread_time() - started)
    assert best < 0.02


def test_check_text_names_what_is_wrong() -> None:
    with pytest.raises(RequestError, match="The caption is empty"):
        check_text("", "caption")
