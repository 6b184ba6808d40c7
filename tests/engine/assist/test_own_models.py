"""The painter's own reader and guesser: real transformers classes, tiny, loaded from folders, asked, believed or not, let go of."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from own_models import language_model, looking_model
from scumble_engine.assist.guesser import guess_strokes, load_guesser
from scumble_engine.assist.namer import OwnGuesser, drawn, word_in
from scumble_engine.assist.own_model import OwnModel
from scumble_engine.assist.reader import OwnReader, read
from scumble_engine.assist.schema import OPENING, answered, question
from scumble_engine.assist.vocabulary import Thing, Vocabulary
from scumble_engine.edits import choose
from scumble_engine.models.shelf import Shelf
from scumble_engine.worker import ShelfStudio, own_models
from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.messages import Edit, PromptPair
from strokes import add, illustration
from tiny_models import tiny_model

OPEN = Vocabulary()
SAID, SHOWN = "let the barn be of a colder blue", "a red barn"
ANSWER = ("a red barn", "a cold blue barn", ["barn"], [], "recolor")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    answer = answered(ANSWER).removeprefix(OPENING)
    return language_model(tmp_path_factory.mktemp("reader"), question(SAID, SHOWN) + OPENING, answer, 500)


@pytest.fixture(scope="module")
def untaught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return language_model(tmp_path_factory.mktemp("babbler"), "{", "}", 0)


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return looking_model(tmp_path_factory.mktemp("looker"), "An octopus.", 500)


def _lines() -> NDArray[np.bool_]:
    return cv2.circle(np.zeros((60, 80), np.uint8), (40, 30), 18, 255, 2) > 0


def test_a_taught_reader_answers_and_is_let_go_of(taught: Path) -> None:
    own = OwnModel("reader", str(taught), "cpu")
    reader = OwnReader(own)
    assert not own.in_memory
    first = read(SAID, OPEN, SHOWN, reader)
    assert first == (PromptPair("a red barn", "a cold blue barn", ("barn",), (), "recolor"), "")
    assert own.in_memory
    assert own.get().model.dtype == torch.float32  # half precision crawls on CPUs
    own.unload()
    assert not own.in_memory
    assert read(SAID, OPEN, SHOWN, reader) == first


def test_nonsense_falls_back_to_the_rules_and_says_so(untaught: Path) -> None:
    reader = OwnReader(OwnModel("reader", str(untaught), "cpu"))
    pair, note = read("make the apple green", OPEN, "", reader)
    assert (pair, "") == read("make the apple green", OPEN)
    assert f"The reader {untaught.name} wrote" in note
    assert note.endswith("the instruction was read by rules.")


def test_a_reader_that_is_not_there_falls_back_and_nothing_is_fetched(tmp_path: Path) -> None:
    for name, why in ((str(tmp_path), "not a transformers model"), ("some/one", "not on this machine; fetch it with")):
        pair, note = read("make the apple green", OPEN, "", OwnReader(OwnModel("reader", name, "cpu")))
        assert pair.kind == "recolor"
        assert why in note
        with pytest.raises(RequestError, match="not sure what 'wibble wobble' means"):
            read("wibble wobble", OPEN, "", OwnReader(OwnModel("reader", name, "cpu")))
    with pytest.raises(RequestError, match="neither a folder nor a hub id"):
        OwnModel("reader", "nonsense", "cpu").get()


def test_pickled_and_damaged_weights_are_refused_before_anything_is_loaded(untaught: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((untaught / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    own = OwnModel("reader", str(tmp_path), "cpu")
    with pytest.raises(RequestError, match="pickled"):
        own.get()
    (tmp_path / "model.safetensors").write_bytes((untaught / "model.safetensors").read_bytes()[:-8])
    with pytest.raises(RequestError, match="damaged"):
        own.get()
    (tmp_path / "model.safetensors").write_bytes((untaught / "model.safetensors").read_bytes())
    with pytest.raises(RequestError, match="could not be loaded"):
        own.get()  # it has no tokenizer


def test_a_model_that_needs_its_own_code_is_refused(untaught: Path, tmp_path: Path) -> None:
    for file in untaught.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {
        "model_type": "strange",
        "auto_map": {"AutoModelForCausalLM": "strange.Model", "AutoConfig": "strange.Config"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "strange.py").write_text("raise SystemExit('this ran')")
    with pytest.raises(RequestError, match="could not be loaded"):
        OwnModel("reader", str(tmp_path), "cpu").get()


def test_what_does_not_fit_makes_room_and_is_then_refused(untaught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("scumble_engine.diffusion.devices.free_bytes", lambda device: 1000)
    own = OwnModel("reader", str(untaught), "cpu", lambda: asked.append("room"))
    with pytest.raises(EngineError, match="GiB"):
        own.get()
    assert asked == ["room"]


def test_a_looking_model_names_strokes(looking: Path) -> None:
    guesser = OwnGuesser(OwnModel("guesser", str(looking), "cpu"))
    guesses = guess_strokes(Edit(illustration(80, 60), (add(_lines()),)), OPEN, guesser)
    assert guesses.words[0] == "octopus"
    assert guesses.note == ""
    assert all(0 < chance <= 1 for chance in guesses.probabilities)
    assert list(guesses.probabilities) == sorted(guesses.probabilities, reverse=True)


def test_where_it_names_nothing_known_the_engine_s_own_guesses(looking: Path) -> None:
    edit, only = Edit(illustration(80, 60), (add(_lines()),)), Vocabulary(things=(Thing("balloon", "balloons"),))
    own, missing = (OwnGuesser(OwnModel("guesser", name, "cpu")) for name in (str(looking), "some/one"))
    for guesser, why in ((own, "named nothing that the model knows"), (missing, "not on this machine")):
        guesses = guess_strokes(edit, only, guesser)
        assert why in guesses.note
        assert guesses.words == guess_strokes(edit, only, load_guesser()).words


def test_the_drawing_that_it_is_shown_does_not_depend_on_the_pen() -> None:
    thin, thick = drawn(_lines()), drawn(cv2.dilate(_lines().astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    assert (thin[..., 0] == 0).sum() == pytest.approx((thick[..., 0] == 0).sum(), rel=0.15)
    assert (drawn(np.zeros((5, 5), bool)) == 255).all()


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("It is a red apple.", "red apple"),
        ("Answer: teddy-bear", "teddy-bear"),
        ("It looks like a drawing of the moon", "moon"),
        ("cat, or maybe a dog", "cat"),
        ("I cannot tell what this is, sorry", ""),
        ("12 %", ""),
        ("", ""),
    ],
)
def test_only_words_are_taken_from_an_answer(answer: str, word: str) -> None:
    assert word_in(answer) == word


def test_the_engine_s_options_reach_the_shelf_and_what_is_missing_is_said(taught: Path) -> None:
    named = own_models([f"--reader={taught}", "--guesser=some/one", "--other=1"])
    assert named == {"reader": str(taught), "guesser": "some/one", "loras": (), "controls": ()}
    note = ShelfStudio("auto", "cpu", **named).state().note
    assert "some/one is not on this machine" in note
    assert "reader" not in note
    shelf = Shelf("auto", "cpu", str(taught))
    shelf.__dict__["diffusion"] = tiny_model()
    assert shelf.own_guesser is None
    assert choose.read("make the apple green", "", shelf)[1].startswith(f"The reader {taught.name} wrote")
