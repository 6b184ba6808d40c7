"""The guesser that comes with the engine: drawings to words, whatever their size and pen; loaded late, let go of when told."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scumble_engine.assist.guesser import guess_strokes, load_guesser, stroke_color
from scumble_engine.assist.sketch_net import SIDE_PX, framed
from scumble_engine.assist.vocabulary import Vocabulary
from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.messages import Cue, Edit
from strokes import add, color, disc, illustration

PICTURE = illustration(200, 160)


def _canvas() -> NDArray[np.uint8]:
    return np.zeros((160, 200), np.uint8)


def _heart(scale: float, pen: int) -> NDArray[np.bool_]:
    t = np.linspace(0, 2 * np.pi, 200)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    points = np.stack([100 + scale * x, 78 + scale * y], axis=1).round().astype(np.int32)
    return cv2.polylines(_canvas(), [points], True, 255, pen) > 0


def _star(scale: float, pen: int) -> NDArray[np.bool_]:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 16, 7) * scale
    points = np.stack([100 + radius * np.cos(angles), 80 + radius * np.sin(angles)], axis=1).round().astype(np.int32)
    return cv2.polylines(_canvas(), [points], True, 255, pen) > 0


def _edit(*cues: Cue) -> Edit:
    return Edit(PICTURE, cues)


@pytest.mark.parametrize("scale", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("pen", [1, 3])
def test_simple_drawings_are_named_within_three_whatever_their_size_and_pen(scale: float, pen: int) -> None:
    for word, lines in (("heart", _heart(scale, pen)), ("star", _star(scale, pen))):
        guesses = guess_strokes(_edit(add(lines)), Vocabulary())
        assert word in guesses.words
        assert len(guesses.words) == 3
        assert list(guesses.probabilities) == sorted(guesses.probabilities, reverse=True)
        assert 0 < sum(guesses.probabilities) <= 1.0001


def test_painted_colours_are_put_before_the_word() -> None:
    edit = _edit(add(_heart(3.0, 2)), color(disc(PICTURE, 100, 80, 8), (60, 150, 70)))
    assert stroke_color(edit) == "green"
    assert guess_strokes(edit, Vocabulary()).prompt.startswith("a green ")


def test_colour_strokes_alone_are_guessed_by_their_outline() -> None:
    painted = cv2.morphologyEx(_star(4.0, 1).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(painted, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(_canvas(), contours, -1, 255, cv2.FILLED) > 0
    assert "star" in guess_strokes(_edit(color(filled, (250, 206, 40))), Vocabulary()).words


def test_words_that_the_model_does_not_know_are_left_out() -> None:
    from scumble_engine.assist.vocabulary import Thing

    only = Vocabulary(things=(Thing("heart", "hearts"),))
    assert guess_strokes(_edit(add(_heart(3.0, 2))), only).words == ("heart",)


def test_nothing_drawn_is_refused() -> None:
    with pytest.raises(RequestError, match="no strokes"):
        guess_strokes(_edit(add(np.zeros((160, 200), bool))), Vocabulary())


def test_any_reader_fills_the_slot() -> None:
    class Fixed:
        def guess(self, lines: NDArray[np.bool_], picture: object = None) -> tuple[tuple[str, ...], tuple[float, ...]]:
            return ("octopus",), (float(lines.mean()),)

    guesses = guess_strokes(_edit(add(_star(2.0, 2))), Vocabulary(), Fixed())
    assert guesses.prompt == "an octopus"


def test_it_is_loaded_once_and_let_go_of() -> None:
    load_guesser.cache_clear()
    first = load_guesser()
    assert load_guesser() is first
    load_guesser.cache_clear()
    assert load_guesser() is not first


def test_missing_weights_are_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"weights of the .* missing or damaged; install Scumble again, or say"):
        load_guesser(tmp_path)


def test_the_frame_centres_and_thins() -> None:
    thick, thin = framed(_star(4.0, 9)), framed(_star(4.0, 1))
    assert thick.shape == (SIDE_PX, SIDE_PX)
    assert 0.6 < thick.sum() / thin.sum() < 1.6
    assert framed(np.zeros((50, 50), bool)).sum() == 0
    assert framed(np.ones((1, 1), bool)).sum() > 0
