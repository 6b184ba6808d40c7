"""A character through the engine's own door: made, pulled, slid, edit after edit; and what is refused, each in a sentence."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from photographs import full_layer, handle, laid_over, mask_of, perform, picture
from scumble_engine.edits import character, own_picture
from scumble_engine.edits.work import Layer
from scumble_engine.gan.config import GeneratorConfig
from scumble_engine.gan.drag import DragPlan
from scumble_engine.gan.folder import save_generator
from scumble_engine.imaging.arrays import array_of
from scumble_engine.models.shelf import Shelf
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Character, Cue, Settings, Slide
from tiny_generator import TINY, tiny_generator

PLACE = Bounds(8, 4, 64, 64)
SHELF = Shelf(device="cpu")
GRAY = np.full((96, 128, 3), 128, np.uint8)
# A generator that has learnt nothing is pulled hard, and no patch of it is ever lost.
UNLEARNT = DragPlan(through=True, along=False, rate=0.1, keep=0.0, mask_weight=0.0, hold=0.0, bound=0.0, lost=9.0)
PULL = handle(38, 30, 46, 30)


@pytest.fixture(autouse=True)
def generators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a folder of generators with `tiny` in it."""
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path))
    monkeypatch.setattr(character, "plan_for", lambda generator, steps: replace(UNLEARNT, steps=steps))
    save_generator(tmp_path / "generators" / "tiny", tiny_generator(), {"z": [f"n{n}" for n in range(8)]}, half=False)
    return tmp_path / "generators"


def made(*cues: Cue, seed: int = 5, steps: int = 6, on: np.ndarray = GRAY) -> Layer:
    return perform(picture(on), list(cues), SHELF, settings=Settings(seed=seed, steps=steps))[0]


def new(seed: int = 5) -> Layer:
    return made(Character("tiny", PLACE), seed=seed)


def carried(layer: Layer) -> Character:
    assert layer.character is not None
    return layer.character


def test_a_new_character_fills_its_place_and_carries_its_w() -> None:
    layer = new()
    assert layer.bounds == PLACE
    assert (array_of(layer.plane)[..., 3] == 255).all()
    assert array_of(layer.plane)[..., :3].std() > 4
    assert carried(layer).generator == "tiny"
    assert carried(layer).place == PLACE
    assert len(carried(layer).sha256) == 64
    assert layer.provenance.method == "gan"


def test_a_seed_gives_the_same_character_and_another_another() -> None:
    assert new().plane == new().plane
    assert new().plane != new(6).plane


def test_a_pull_goes_on_from_the_w_that_the_layer_carries() -> None:
    """Users of the paper's interface: “w not saved”. A second pull begins where the first ended."""
    first = new()
    canvas = laid_over(GRAY, first)
    second = made(carried(first), PULL, on=canvas)
    third = made(carried(second), PULL, on=laid_over(canvas, second))
    assert carried(first).ws != carried(second).ws != carried(third).ws
    again = made(replace(carried(second), ws=carried(first).ws), PULL, on=canvas)
    assert again.plane == second.plane


def test_pulls_show_progress_and_end_when_they_are_closed() -> None:
    first = new()
    _, steps, _ = perform(picture(GRAY), [carried(first), PULL], SHELF, settings=Settings(steps=6))
    assert [one.done for one in steps if one.stage == "pulling"] == sorted(
        one.done for one in steps if one.stage == "pulling"
    )
    assert steps[-1].done == steps[-1].of


def test_outside_the_mask_no_pixel_changes_over_ten_pulls() -> None:
    canvas = laid_over(GRAY, new())
    mask = np.zeros((96, 128), np.uint8)
    mask[20:50, 20:60] = 255
    begun, now = canvas, carried(new())
    for number in range(10):
        layer = made(now, handle(38, 30, 42 + number % 3, 30), mask_of(mask), on=canvas, steps=4)
        canvas, now = laid_over(canvas, layer), carried(layer)
    assert np.array_equal(canvas[mask == 0], begun[mask == 0])
    assert not np.array_equal(canvas, begun)


def test_a_slide_changes_the_picture_along_a_named_direction_and_back() -> None:
    first = new()
    there = made(carried(first), Slide("n3", 1.0), on=laid_over(GRAY, first))
    back = made(carried(there), Slide("n3", -1.0), on=laid_over(GRAY, there))
    off = [np.abs(array_of(one.plane).astype(int) - array_of(first.plane)).mean() for one in (there, back)]
    assert off[0] > 3 * off[1]


def test_what_was_painted_onto_a_character_is_said_to_stay_below() -> None:
    first = new()
    canvas = laid_over(GRAY, first)
    assert not any("painted onto" in note for note in made(carried(first), PULL, on=canvas).notes)
    canvas[20:50, 20:50] = (255, 0, 0)
    assert any("painted onto" in note for note in made(carried(first), PULL, on=canvas).notes)


def test_a_character_half_off_the_canvas_is_cut_at_its_border() -> None:
    layer = made(Character("tiny", Bounds(100, 60, 64, 64)))
    assert layer.bounds == Bounds(100, 60, 28, 36)
    assert full_layer(layer)[95, 127, 3] == 255


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_a_handle_off_the_character_is_said_where_it_lies() -> None:
    with pytest.raises(RequestError, match="Handle 1 starts off the character, which lies at 8,4 and is 64×64"):
        made(carried(new()), handle(100, 30, 90, 30))


def test_a_mask_beside_the_character_is_refused() -> None:
    mask = np.zeros((96, 128), np.uint8)
    mask[:, 100:] = 255
    with pytest.raises(RequestError, match="lies outside what may change"):
        made(carried(new()), PULL, mask_of(mask))


def test_a_generator_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(RequestError, match=r"The generator “gone” is not here \(here: .*tiny"):
        made(replace(carried(new()), generator="gone"), PULL)


def test_another_generator_of_the_same_name_is_not_taken_for_it(generators: Path) -> None:
    first = new()
    save_generator(generators / "tiny", tiny_generator(seed=9), half=False)
    with pytest.raises(RequestError, match="made by another “tiny” than the one that is here"):
        made(carried(first), PULL)


def test_w_of_another_resolution_is_refused(generators: Path) -> None:
    first = new()
    other = GeneratorConfig(8, 24, (16, 16, 12), 2)
    save_generator(generators / "other", tiny_generator(config=other), half=False)
    with pytest.raises(RequestError, match="made by another generator than the “other”"):
        made(replace(carried(first), generator="other", sha256=""), PULL)


@pytest.mark.parametrize(
    "ws", ["not base64!", base64.b64encode(np.full(TINY.w_size, np.nan, "<f4").tobytes()).decode()]
)
def test_damaged_w_are_refused(ws: str) -> None:
    with pytest.raises(RequestError, match="What this layer says of its generator is damaged"):
        made(replace(carried(new()), ws=ws), PULL)


def test_a_generator_cut_short_is_refused(generators: Path) -> None:
    weights = generators / "tiny" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(RequestError, match=r"tiny|model\.safetensors"):
        made(Character("tiny", PLACE))


def test_a_slider_that_the_generator_has_not_is_said_with_those_that_it_has(generators: Path) -> None:
    with pytest.raises(RequestError, match=r"no direction “moustache”; it has n0, n1"):
        made(carried(new()), Slide("moustache", 1.0))
    save_generator(generators / "plain", tiny_generator(), half=False)
    with pytest.raises(RequestError, match="no named directions, so no sliders"):
        made(replace(carried(new()), generator="plain", sha256=""), Slide("n0", 1.0))


# ---- the painter's own picture --------------------------------------------------------------------------------------


def own_canvas() -> np.ndarray:
    """A picture that the generator can paint, but nobody has its w."""
    return laid_over(GRAY, new(seed=8))


def test_an_own_picture_becomes_pullable_and_is_kept(generators: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users of the paper's interface: “no own picture”."""
    canvas = own_canvas()
    first = made(Character("tiny", PLACE), PULL, on=canvas)
    assert carried(first).generator.startswith("tiny-own-")
    assert (generators / carried(first).generator).is_dir()

    def never(*_: object) -> None:
        raise AssertionError("found a second time")

    monkeypatch.setattr(own_picture, "invert", never)
    assert made(Character("tiny", PLACE), PULL, on=canvas).plane == first.plane
    second = made(carried(first), PULL, on=laid_over(canvas, first))
    assert carried(second).generator == carried(first).generator


def test_a_picture_of_something_else_is_refused_before_long() -> None:
    noise = np.random.default_rng(1).integers(0, 2, (96, 128, 3)).astype(np.uint8) * 255
    with pytest.raises(RequestError, match="not like anything that the generator “tiny” paints"):
        made(Character("tiny", PLACE), PULL, on=noise)


def test_an_own_picture_must_hold_all_of_the_characters_place() -> None:
    with pytest.raises(RequestError, match="place leaves the picture"):
        made(Character("tiny", Bounds(100, 4, 64, 64)), handle(110, 30, 115, 30), on=own_canvas())
