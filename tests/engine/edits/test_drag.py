"""A drag through the engine's own door: where it lands, what it uncovers, what it leaves alone, and what it refuses."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from photographs import (
    DEPTHS,
    THING,
    classical_shelf,
    disc,
    full_layer,
    grab_of,
    handle,
    laid_over,
    mask_of,
    perform,
    photograph,
    picture,
)
from scumble_engine.imaging.arrays import array_of
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Cue, Settings
from scumble_protocol.pixels import Depth

X, Y = THING
RIGHT = handle(X, Y, X + 40, Y)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_thing_lands_bit_for_bit_and_its_old_place_is_background(depth: Depth) -> None:
    before = photograph(depth)
    layer, steps, sketches = perform(picture(before), [RIGHT, grab_of(disc(16))])
    after = laid_over(before, layer)
    assert layer.plane.depth == depth
    inner = disc(11) > 0
    moved = np.roll(inner, 40, axis=1)
    assert np.array_equal(after[moved], before[inner])
    top = {"u8": 255, "u16": 65535}.get(depth, 1)
    old, ramp = after[inner].astype(float) / top, before[80:, 20:60].astype(float) / top
    assert np.abs(old.mean(axis=0) - ramp.mean(axis=(0, 1))).max() < 0.08
    assert [s.done for s in steps] == sorted(s.done for s in steps)
    assert steps[-1].done == steps[-1].of
    assert len(sketches) == 1


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(DEPTHS), st.integers(0, 2**31), st.floats(0, 12), st.integers(1, 3))
def test_outside_the_mask_nothing_changes_bit_for_bit(depth: Depth, seed: int, feather_px: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    before = photograph(depth, seed=seed % 1000)
    mask = disc(int(rng.integers(20, 60)), (float(rng.integers(30, 60)), float(rng.integers(35, 60))))
    handles: list[Cue] = []
    for number in range(count):
        x, y = X - 8 + 8 * number, Y - 6 * (number % 2)
        handles.append(handle(x, y, x + float(rng.uniform(-60, 60)), y + float(rng.uniform(-60, 60))))
    layer, _, _ = perform(
        picture(before), [*handles, mask_of(mask), grab_of(disc(13))], settings=Settings(feather_px=feather_px)
    )
    whole = full_layer(layer)
    assert (whole[..., 3][mask == 0] == 0).all()
    assert np.array_equal(laid_over(before, layer)[mask == 0], before[mask == 0])
    assert (whole[..., 3] > 0).any()


def test_the_same_edit_gives_the_same_bits_whatever_was_held_before() -> None:
    before = photograph("u16")
    shelf = classical_shelf()
    first, _, _ = perform(picture(before), [RIGHT], shelf)
    perform(picture(before), [handle(X, Y, X + 10, Y + 5)], shelf)
    again, _, _ = perform(picture(before), [RIGHT], shelf)
    fresh, _, _ = perform(picture(before), [RIGHT], classical_shelf())
    assert first.plane == again.plane == fresh.plane
    assert first.bounds == fresh.bounds
    other, _, _ = perform(picture(before), [RIGHT], shelf, settings=Settings(seed=1))
    assert other.plane != first.plane


def landscape(shadow: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a meadow under a sky with a red disc and the shadow that it casts, and the same without, (96, 128, 3) u8."""
    rows, columns = np.mgrid[:96, :128].astype(float)
    share = np.clip(rows - 46 - 2 * np.sin(columns / 40), 0, 1)[..., None]
    sky = np.stack([0.5 + rows / 300, 0.75 + rows / 400, np.full_like(rows, 0.95)], axis=-1)
    ground = sky * (1 - share) + (np.stack([0.5 - rows / 400, 0.9 - rows / 300, np.full_like(rows, 0.3)], -1)) * share
    cast = np.clip((18 - np.hypot(columns - X - 2, rows - Y - 2)) / 4, 0, 1)[..., None]
    seen = np.where((disc(14) > 0)[..., None], (0.8, 0.1, 0.15), ground * (1 - shadow * cast))
    return np.rint(seen * 255).astype(np.uint8), np.rint(ground * 255).astype(np.uint8)


def test_where_a_thing_stood_on_a_landscape_neither_its_shadow_nor_an_edge_is_left() -> None:
    """The shadow goes along; what is uncovered has no more edges than the landscape itself has there (steps between pixels)."""
    before, truth = landscape(0.4)
    after = laid_over(before, perform(picture(before), [handle(X, Y, X + 50, Y)])[0]).astype(float)
    uncovered = (slice(20, 80), slice(14, 66))
    assert np.abs(after - truth)[uncovered].mean() < 3
    steps = [np.abs(np.diff(image.astype(float), axis=axis))[uncovered] for image in (after, truth) for axis in (0, 1)]
    assert np.quantile(steps[0], 0.97) <= np.quantile(steps[2], 0.97) + 7
    assert np.quantile(steps[1], 0.97) <= np.quantile(steps[3], 0.97) + 3
    shaded = (slice(63, 65), slice(90, 96))
    assert np.abs(after[shaded] - 0.6 * truth[shaded]).mean() < 12


def test_without_a_grab_the_thing_under_the_handle_is_found() -> None:
    before = photograph("u8")
    layer, _, _ = perform(picture(before), [RIGHT])
    after = laid_over(before, layer).astype(int)
    red = (after[..., 0] - after[..., 1]) > 90
    assert np.abs(np.argwhere(red).mean(axis=0) - (Y, X + 40)).max() < 1.5
    assert red.sum() == pytest.approx((disc(14) > 0).sum(), rel=0.1)


def test_two_things_dragged_apart_do_not_cancel() -> None:
    """Each handle moves its own thing; an average of opposed motions would leave both where they were."""
    before = photograph("u8")
    second = disc(9, (90, 60)) > 0
    before[second] = (20, 40, 220)
    layer, _, _ = perform(picture(before), [handle(X, Y, X + 30, Y - 20), handle(90, 60, 55, 75)])
    after = laid_over(before, layer).astype(int)
    red, blue = (after[..., 0] - after[..., 2]) > 90, (after[..., 2] - after[..., 0]) > 120
    assert np.abs(np.argwhere(red).mean(axis=0) - (Y - 20, X + 30)).max() < 2.5
    assert np.abs(np.argwhere(blue).mean(axis=0) - (75, 55)).max() < 2.5


def test_pieces_of_a_grab_go_with_their_own_handles_and_later_ones_lie_on_top() -> None:
    before = photograph("u8")
    second = disc(9, (90, 48))
    before[second > 0] = (20, 40, 220)
    grab = np.maximum(disc(16), disc(11, (90, 48)))
    cues: list[Cue] = [handle(X, Y, 66, Y), handle(90, 48, 66, Y), grab_of(grab)]
    with pytest.raises(RequestError, match="Handles 1 and 2 end on one pixel"):
        perform(picture(before), cues)
    cues[1] = handle(90, 48, 68, Y)
    layer, _, _ = perform(picture(before), cues)
    assert laid_over(before, layer)[48, 68].tolist() == [20, 40, 220]


def test_two_handles_turn_the_thing() -> None:
    before = photograph("u8")
    bar = np.zeros((96, 128), np.uint8)
    bar[44:52, 20:60] = 255
    before[bar > 0] = (230, 220, 40)
    before[44:52, 20:28] = (20, 40, 220)
    cues: list[Cue] = [handle(24, 48, 84, 30), handle(56, 48, 84, 62), grab_of(bar)]
    after = laid_over(before, perform(picture(before), cues)[0]).astype(int)
    assert after[30, 84].tolist() == pytest.approx([20, 40, 220], abs=30)
    assert after[60, 84].tolist() == pytest.approx([230, 220, 40], abs=30)


def test_a_preview_is_close_to_the_result_and_runs_no_model() -> None:
    before = photograph("u8")
    cues: list[Cue] = [RIGHT, grab_of(disc(16)), mask_of(disc(60, (60, 48)))]
    shelf = classical_shelf()
    preview, steps, _ = perform(picture(before), cues, shelf, "preview")
    final, _, _ = perform(picture(before), cues, shelf)
    difference = np.abs(laid_over(before, preview).astype(int) - laid_over(before, final).astype(int))
    assert difference.mean() < 2.0
    assert preview.provenance.forwards == 0
    assert final.provenance.forwards == 1
    assert steps == []
    assert (full_layer(preview)[..., 3][disc(60, (60, 48)) == 0] == 0).all()


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_preview_comes_in_the_picture_s_depth(depth: Depth) -> None:
    before = photograph(depth)
    layer, _, _ = perform(picture(before), [RIGHT, grab_of(disc(16))], purpose="preview")
    assert layer.plane.depth == depth
    top = {"u8": 255, "u16": 65535}.get(depth, 1)
    assert laid_over(before, layer)[48, 80, 0] == pytest.approx(0.8 * top, rel=0.08)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_gray_and_alpha_give_rgba(channels: int) -> None:
    before = photograph("u16", channels)
    before[48, 40] = 1234 if channels <= 2 else (1234, 5678, 91, 65535)
    if channels == 2:
        before[48, 40, 1] = 65535
    layer, _, _ = perform(picture(before), [RIGHT, grab_of(disc(16))])
    moved = full_layer(layer)[48, 80]
    expected = [1234] * 3 if channels <= 2 else [1234, 5678, 91]
    assert moved.tolist() == [*expected, 65535]


def test_transparency_is_carried_and_never_painted_over() -> None:
    before = photograph("u8", 4)
    before[..., 3] = np.where(disc(15) > 0, 255, 0)
    layer, _, _ = perform(picture(before), [RIGHT, grab_of(disc(20))])
    whole = full_layer(layer)
    assert whole[48, 80, 3] == 255
    assert whole[48, 80 + 18, 3] == 0
    assert whole[10, 40, 3] == 0


def _unclear() -> np.ndarray:
    """Soft waves: nothing in them is a thing."""
    rows, columns = np.mgrid[:96, :128]
    waves = 120 + 50 * np.sin(columns / 9.0) + 40 * np.cos(rows / 11.0 + columns / 30.0)
    return np.repeat(waves.astype(np.uint8)[..., None], 3, axis=2)


def test_where_nothing_stands_out_the_picture_bends_without_a_hole_or_a_fill() -> None:
    before = _unclear()
    layer, steps, sketches = perform(picture(before), [handle(60, 48, 72, 48)])
    after = laid_over(before, layer).astype(int)
    assert layer.provenance.method == "bend"
    assert layer.provenance.forwards == 0
    assert "not clear" in layer.notes[0]
    assert np.abs(after[44:53, 68:77] - before[44:53, 56:65]).max() <= 6
    assert (layer.plane.width, layer.plane.height) != (1, 1)
    assert np.array_equal(after[:, :8], before[:, :8])
    assert np.abs(np.diff(after[..., 0], axis=1)).max() < 40  # nothing tears
    assert steps[-1].done == steps[-1].of
    assert len(sketches) == 1


def test_a_bend_s_preview_takes_the_same_way_and_stays_inside_the_mask() -> None:
    before = _unclear()
    cues: list[Cue] = [handle(60, 48, 72, 50), mask_of(disc(34, (64, 48)))]
    shelf = classical_shelf()
    preview, steps, _ = perform(picture(before), cues, shelf, "preview")
    final, _, _ = perform(picture(before), cues, shelf)
    assert preview.provenance.method == final.provenance.method == "bend"
    assert steps == []
    difference = np.abs(laid_over(before, preview).astype(int) - laid_over(before, final).astype(int))
    assert difference.mean() < 1.0
    for layer in (preview, final):
        assert (full_layer(layer)[..., 3][disc(34, (64, 48)) == 0] == 0).all()


def test_a_selection_or_the_latent_method_never_bends() -> None:
    before = _unclear()
    moved = handle(60, 48, 72, 48)
    selected, _, _ = perform(picture(before), [moved, grab_of(disc(10, (60, 48)))])
    assert selected.provenance.method == "warp"
    latent, _, _ = perform(picture(before), [moved], purpose="preview", settings=Settings(method="latent"))
    assert latent.provenance.method == "warp"


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_bend_keeps_depth_and_alpha(depth: Depth) -> None:
    before = photograph(depth, 4)
    before[disc(14) > 0] = before[90, 60]
    layer, _, _ = perform(picture(before), [handle(60, 48, 72, 48)])
    assert layer.provenance.method == "bend"
    assert layer.plane.depth == depth


def test_a_profile_other_than_srgb_keeps_its_numbers() -> None:
    before = photograph("u16")
    layer, _, _ = perform(
        picture(before, "icc", bytes(imagecodecs.cms_profile("adobergb"))), [RIGHT, grab_of(disc(16))]
    )
    after = laid_over(before, layer)
    assert after[48, 80].tolist() == before[48, 40].tolist()
    old = after[disc(8) > 0].mean(axis=0) / 65535
    assert np.abs(old - before[80:, :60].mean(axis=(0, 1)) / 65535).max() < 0.08


def test_values_beyond_white_survive_in_float_pictures() -> None:
    before = photograph("f32")
    before[disc(14) > 0] *= 6.0
    layer, _, _ = perform(picture(before, "srgb-linear"), [RIGHT, grab_of(disc(16))])
    assert array_of(layer.plane).max() == pytest.approx(before.max(), rel=1e-6)


def test_a_thing_dragged_out_of_the_mask_is_cut_off_and_said_so() -> None:
    layer, _, _ = perform(picture(photograph()), [RIGHT, mask_of(disc(20)), grab_of(disc(15))])
    assert any("cut off" in note for note in layer.notes)


@pytest.mark.parametrize(
    ("cues", "sentence"),
    [
        ([handle(X, Y, X, Y)], "ends where it starts"),
        ([handle(-5, Y, 20, 20)], "outside the picture"),
        ([handle(X, Y, 60, 20), handle(X, Y, 20, 60)], "Handles 1 and 2 start on one pixel"),
        ([handle(X, Y, 60, 20), mask_of(disc(10, (100, 20)))], "Handle 1 starts outside the mask"),
        ([handle(X, Y, 60, 20), mask_of(disc(10, (100, 20))), grab_of(disc(14))], "hold nothing"),
        ([handle(X, Y, 60, 20), mask_of(disc(10, height=50, width=50))], "50×50"),
    ],
)
def test_what_cannot_be_dragged_is_refused_in_words(cues: list[Cue], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        perform(picture(photograph()), cues)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (7, 400)])
def test_odd_sizes_work(height: int, width: int) -> None:
    before = photograph("u8", height=height, width=width)
    layer, _, _ = perform(picture(before), [handle(0.5, 0.5, width - 0.5, height - 0.5 if height > 1 else 1.5)])
    assert layer.bounds.right <= width
    assert layer.bounds.bottom <= height
