"""An erase through the engine's own door."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import DEPTHS, disc, full_layer, laid_over, mask_of, perform, photograph, picture, strokes_of
from scumble_engine.imaging.mask import grow
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Cue, Settings
from scumble_protocol.pixels import Depth


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_thing_is_gone_and_the_ramp_goes_on(depth: Depth) -> None:
    before, clean = photograph(depth), photograph(depth)
    top = {"u8": 255, "u16": 65535}.get(depth, 1)
    layer, steps, sketches = perform(picture(before), [strokes_of(disc(15))])
    after = laid_over(before, layer).astype(float) / top
    truth = np.linspace(0.25, 0.6, 128)[None, :, None] + np.array([0.0, 0.05, 0.1])
    error = np.abs(after - truth)[disc(15) > 0]
    assert error.mean() < 0.03
    assert np.abs(clean.astype(float) / top - truth)[disc(13) > 0].mean() > 0.2
    assert steps[-1].done == steps[-1].of
    assert len(sketches) == 1


@settings(max_examples=12)
@given(st.sampled_from(DEPTHS), st.integers(0, 2**31), st.floats(0, 12))
def test_outside_mask_and_strokes_nothing_changes_bit_for_bit(depth: Depth, seed: int, feather_px: float) -> None:
    rng = np.random.default_rng(seed)
    before = photograph(depth, seed=seed % 1000)
    strokes = disc(int(rng.integers(3, 20)), (float(rng.integers(20, 110)), float(rng.integers(20, 80))))
    mask = np.zeros_like(strokes)
    mask[:, : int(rng.integers(30, 128))] = 255
    if not strokes[mask > 0].any():
        return
    layer, _, _ = perform(
        picture(before), [strokes_of(strokes), mask_of(mask)], settings=Settings(seed=seed, feather_px=feather_px)
    )
    alpha = full_layer(layer)[..., 3]
    untouched = (mask == 0) | ~grow(strokes > 0, 12.0)
    assert (alpha[untouched] == 0).all()
    assert np.array_equal(laid_over(before, layer)[untouched], before[untouched])
    assert (alpha > 0).any()


def test_the_rim_of_the_thing_goes_too_and_the_strokes_are_covered_whole() -> None:
    """Strokes a little short of the edge still take the antialiased rim: the layer reaches past them and is solid under them."""
    layer, _, _ = perform(picture(photograph()), [strokes_of(disc(14))])
    alpha = full_layer(layer)[..., 3]
    assert (alpha[disc(14) > 0] == 255).all()
    assert (alpha[grow(disc(14) > 0, 1.0)] > 0).all()


def test_it_is_bit_for_bit_the_same_again_and_another_with_another_seed() -> None:
    image = picture(photograph("u16"))
    one, again = (perform(image, [strokes_of(disc(15))])[0] for _ in range(2))
    assert one.plane == again.plane
    assert perform(image, [strokes_of(disc(15))], settings=Settings(seed=5))[0].plane != one.plane


def test_without_weights_a_sentence_says_so() -> None:
    layer, _, _ = perform(picture(photograph()), [strokes_of(disc(15))])
    assert any("scumble models pull photo-fill" in note for note in layer.notes)
    assert layer.provenance.model == "classical"


def test_a_preview_fills_smoothly_without_a_model() -> None:
    before = photograph()
    layer, _, _ = perform(picture(before), [strokes_of(disc(16))], purpose="preview")
    after = laid_over(before, layer).astype(int)
    assert (after[48, 40, 0] - after[48, 40, 1]) < 40
    assert layer.provenance.forwards == 0


def test_strokes_on_everything_still_answer() -> None:
    layer, _, _ = perform(picture(photograph()), [strokes_of(np.full((96, 128), 255))])
    assert np.isfinite(full_layer(layer).astype(float)).all()


@pytest.mark.parametrize(
    ("cues", "sentence"),
    [
        ([strokes_of(np.zeros((96, 128)))], "strokes are empty"),
        ([strokes_of(disc(10)), mask_of(disc(8, (110, 20)))], "outside the mask"),
        ([strokes_of(disc(5, (10, 10), 20, 20))], "20×20"),
    ],
)
def test_what_cannot_be_erased_is_refused_in_words(cues: list[Cue], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        perform(picture(photograph()), cues)
