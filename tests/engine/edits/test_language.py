"""Language edits on tiny random models: what they obey whatever the weights are."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.edits.language import language
from scumble_engine.edits.steps import Painted, Placed, Reading
from scumble_engine.edits.work import Sketch, Step
from scumble_engine.imaging.arrays import array_of
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Cue, Edit, Instruction, PromptPair, Settings
from scumble_protocol.pixels import Picture
from strokes import TinyShelf, disc, illustration, mask, run, whole_alpha
from tiny_models import tiny_model

GREEN = PromptPair("a red apple", "a green apple", ("apple",), (), "recolor")
PEAR = PromptPair("a red apple", "a blue pear", (), (), "replace")


def _shelf(kind: str = "sd2") -> TinyShelf:
    return TinyShelf(tiny_model(kind, vae="linear", latent_channels=16))


def _edit(*cues: Cue, picture: Picture | None = None, **settings: object) -> Edit:
    return Edit(picture or illustration(), cues, Settings(**{"steps": 3, **settings}))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["sd1", "sd2", "xl"])
def test_no_pixel_outside_the_mask_changes(kind: str) -> None:
    picture = illustration()
    where = disc(picture, 40, 40, 20)
    layer, _ = run(language(_edit(PEAR, mask(where), picture=picture), _shelf(kind), "final"))  # type: ignore[arg-type]
    alpha = whole_alpha(layer, picture)
    assert alpha[where].max() > 0
    assert not alpha[~where].any()


def test_progress_and_previews_come_on_the_way() -> None:
    layer, seen = run(language(_edit(PEAR), _shelf(), "final"))  # type: ignore[arg-type]
    steps = [one for one in seen if isinstance(one, Step) and one.stage == "painting"]
    assert [(one.done, one.of) for one in steps] == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(seen[1], Sketch)
    assert layer.reading == PEAR
    assert layer.provenance.forwards == 3 * 3 - 1  # near the end, guidance buys nothing
    assert (layer.provenance.method, layer.provenance.steps) == ("language", 3)


def test_a_preview_draws_no_sketches() -> None:
    _, seen = run(language(_edit(PEAR, steps=0), _shelf(), "preview"))  # type: ignore[arg-type]
    assert not any(isinstance(one, Sketch) for one in seen)


def test_the_same_request_gives_the_same_layer_bit_for_bit_remembered_or_not() -> None:
    shelf = _shelf()
    first, _ = run(language(_edit(PEAR), shelf, "final"))  # type: ignore[arg-type]
    again, _ = run(language(_edit(PEAR), shelf, "final"))  # type: ignore[arg-type]
    fresh, _ = run(language(_edit(PEAR), _shelf(), "final"))  # type: ignore[arg-type]
    assert first.plane == again.plane == fresh.plane
    other, _ = run(language(_edit(PEAR, seed=1), shelf, "final"))  # type: ignore[arg-type]
    assert other.plane != first.plane


def test_strength_is_only_a_decode() -> None:
    shelf = _shelf()
    run(language(_edit(PEAR), shelf, "final"))  # type: ignore[arg-type]
    none, _ = run(language(_edit(PEAR, strength=0.0), shelf, "final"))  # type: ignore[arg-type]
    assert not array_of(none.plane)[..., 3].any()
    assert none.provenance.forwards == 2 * 3 - 1


@pytest.mark.parametrize("depth", ["u8", "u16"])
def test_the_layer_has_the_pictures_own_depth(depth: str) -> None:
    layer, _ = run(language(_edit(PEAR, picture=illustration(depth=depth)), _shelf(), "final"))  # type: ignore[arg-type]
    assert layer.plane.depth == depth
    assert layer.plane.channels == 4


def test_a_large_picture_keeps_its_detail_where_little_changes() -> None:
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    picture = Picture(type(illustration().plane)(400, 300, 3, "u8", grain.tobytes()))
    edit = _edit(GREEN, picture=picture)
    layer, _ = run(language(edit, _shelf(), "final"))  # type: ignore[arg-type]
    b, rgba = layer.bounds, array_of(layer.plane).astype(float)
    solid = (rgba[..., 3] > 200) & (np.roll(rgba[..., 3], 1, axis=1) > 200)
    assert solid.any()
    before = grain[b.y : b.bottom, b.x : b.right].astype(float)
    fine = [(plane - np.roll(plane, 1, axis=1))[solid].ravel() for plane in (before, rgba[..., :3])]
    assert np.corrcoef(fine[0], fine[1])[0, 1] > 0.7


def test_instructions_are_read_and_the_reading_comes_back() -> None:
    layer, _ = run(language(_edit(Instruction("make the apple green")), _shelf(), "final"))  # type: ignore[arg-type]
    assert layer.reading == PromptPair("an apple", "a green apple", ("apple",), (), "recolor")


@pytest.mark.parametrize(
    ("cues", "words"),
    [
        ((Instruction("make the apple green"), GREEN), "not both"),
        ((Instruction("frobnicate"),), "--from and --to"),
        ((Instruction("a" * 30_000),), "30000 characters"),
        ((PromptPair("an apple " * 30, "a pear"),), "fewer words"),
        ((PromptPair("a cat", "a dog", ("hat",), (), "replace"),), "'hat' is in neither prompt"),
        ((PromptPair("", ""),), "empty"),
        ((PromptPair("an apple", "An  apple"),), "nothing would change"),
    ],
)
def test_words_that_cannot_be_used_are_refused(cues: tuple[Cue, ...], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        run(language(_edit(*cues), _shelf(), "final"))  # type: ignore[arg-type]


def test_a_step_count_beyond_reason_is_refused() -> None:
    with pytest.raises(RequestError, match="1 to 50"):
        run(language(_edit(PEAR, steps=400), _shelf(), "final"))  # type: ignore[arg-type]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (900, 6), (33, 200)])
def test_pictures_of_odd_shapes_come_through(width: int, height: int) -> None:
    layer, _ = run(language(_edit(PEAR, picture=illustration(width, height)), _shelf(), "final"))  # type: ignore[arg-type]
    assert layer.bounds.right <= width
    assert layer.bounds.bottom <= height


def test_what_is_removed_is_filled_from_its_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    import scumble_engine.edits.painting as module
    import torch
    from scumble_engine.models.photo_fill import ClassicalFill

    def found(reading: Reading, placed: Placed, steps: int = 0) -> object:
        """The loop's answer of a model that knows where the disc is."""
        delta = torch.zeros(1, 16, placed.window.size[1] // 8, placed.window.size[0] // 8)
        rows, columns = delta.shape[-2:]
        delta[..., rows // 4 : 3 * rows // 4, columns // 5 : 2 * columns // 3] = 1.0
        yield Step(1, 1, "painting")
        return Painted(delta, delta)

    monkeypatch.setattr(module, "change", found)
    shelf = _shelf()
    object.__setattr__(shelf, "fill", ClassicalFill())
    edit = _edit(PromptPair("a red apple", "a plain background", (), (), "remove"))
    layer, _ = run(language(edit, shelf, "final"))  # type: ignore[arg-type]
    b, rgba = layer.bounds, array_of(layer.plane)
    assert rgba[40 - b.y, 40 - b.x, 3] == 255
    assert rgba[40 - b.y, 40 - b.x, 0] < 130, "no red is left"
    assert not whole_alpha(layer, illustration())[:5].any()


def test_what_seems_to_be_everywhere_was_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import scumble_engine.edits.painting as module
    import torch

    def everywhere(*how: object) -> object:
        yield Step(1, 1, "painting")
        return Painted(torch.ones(1, 16, 8, 8), torch.ones(1, 16, 8, 8))

    monkeypatch.setattr(module, "change", everywhere)
    edit = _edit(PromptPair("a red apple", "a plain background", (), (), "remove"))
    with pytest.raises(RequestError, match="draw subtract strokes"):
        run(language(edit, _shelf(), "final"))  # type: ignore[arg-type]
