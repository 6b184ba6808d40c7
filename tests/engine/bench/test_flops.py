"""Counts on meta tensors: known costs, what edits may cost at real size, and that counting asks for what a real model is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scumble_engine.bench.costs import META, cost_of
from scumble_engine.bench.counted import CountedModel, counted_model
from scumble_engine.bench.flops import RECOLOR, counted, our_rows, reference_rows, scene, unit_costs
from scumble_engine.edits.choose import perform
from scumble_engine.imaging.arrays import plane_of
from scumble_engine.models.shelf import Shelf
from scumble_protocol.messages import Edit, PromptPair
from scumble_protocol.pixels import Picture
from tiny_models import tiny_model


def test_a_known_product_costs_what_it_costs() -> None:
    left, right = torch.zeros(2, 3, device=META), torch.zeros(3, 5, device=META)
    answer, cost = cost_of(lambda: (left @ right) @ torch.zeros(5, 4, device=META))
    assert answer.shape == (2, 4)
    assert cost.flops == 2 * (2 * 3 * 5 + 2 * 5 * 4)
    assert cost.peak == 4 * (2 * 5 + 5 * 4 + 2 * 4)


def test_what_was_freed_is_not_in_the_peak() -> None:
    def chain() -> torch.Tensor:
        held = torch.zeros(1000, device=META)
        for _ in range(10):
            held = held + 1
        return held

    assert cost_of(chain)[1].peak == 2 * 4000


@pytest.fixture(scope="module")
def sd15() -> CountedModel:
    return counted_model("sd1")


def test_sd15_has_its_published_size_and_costs(sd15: CountedModel) -> None:
    """860 M, 84 M and 123 M numbers in half precision; 401 billion multiplications a forward at 512 px (2 operations each)."""
    assert sd15.weights_bytes == 2 * (859_520_964 + 83_653_863 + 123_060_480)
    unit = unit_costs(sd15, 512)
    assert unit["forward"] == pytest.approx(0.803e12, rel=0.01)
    assert unit["brushnet"] < unit["forward"]
    assert 0.2 < unit["controlnet"] / unit["forward"] < 0.6


def test_words_on_sd15_stay_under_their_bound_and_a_second_edit_pays_its_target_alone(sd15: CountedModel) -> None:
    first = counted(sd15, 512, "first", (RECOLOR,))
    again = counted(sd15, 512, "again", (replace(RECOLOR, target="a blue apple on grass"),), fresh=False)
    assert first.encodes == 1
    assert again.encodes == 0
    assert again.forwards == first.forwards - 8
    finals = first.tflop - (first.decodes - 2) * unit_costs(sd15, 512)["decode"] / 1e12
    assert finals <= 25
    assert first.peak_gib is not None
    assert 2 < first.peak_gib < 8


def test_counting_asks_for_what_a_real_model_is_asked_for(sd15: CountedModel) -> None:
    shelf, real = Shelf(), tiny_model()
    shelf.__dict__["diffusion"] = real
    edit = Edit(Picture(plane_of(scene(64), "u8")), (RECOLOR,))
    list(perform(edit, shelf, "final"))
    assert real.meter.forwards == counted(sd15, 128, "words", (RECOLOR,)).forwards


def test_a_second_drag_on_the_picture_needs_no_inversion(sd15: CountedModel) -> None:
    rows = {row.edit: row for row in our_rows(sd15, 512, ("drag",))}
    first, again = rows["drag on latents"], rows["drag, the same picture again"]
    assert first.forwards == 6 * 3 + 6
    assert again.forwards == 6
    assert again.encodes == 1


def test_the_reference_implementations_cost_what_is_known_of_them(sd15: CountedModel) -> None:
    rows = {row.edit.split(",")[0]: row for row in reference_rows(sd15, 512)}
    assert rows["InfEdit"].tflop == pytest.approx(72 * 0.803 + 1.1 + 2.5, rel=0.02)
    assert rows["DragDiffusion"].tflop == pytest.approx(1159, rel=0.1)
    assert rows["MagicQuill"].forwards == 40


def test_words_that_ask_for_nothing_else_cost_nothing_else(sd15: CountedModel) -> None:
    """A pair that is not steered by attention has no layout branch."""
    pair = PromptPair("a red apple", "a winter scene", (), (), "style")
    assert counted(sd15, 512, "style", (pair,)).forwards == 8 + 8 + 6
