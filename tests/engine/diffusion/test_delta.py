"""The fast language loop against the literal equations, its costs, bounds and repeatability."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from literal_infedit import literal_edit
from scumble_engine.diffusion import trace
from scumble_engine.diffusion.attention import Place, Reads, Triples, nbytes
from scumble_engine.diffusion.delta import DeltaPlan, DeltaStep, delta_steps, prompt_pairs
from scumble_engine.diffusion.kept import Kept
from scumble_engine.diffusion.model import DiffusionModel
from scumble_engine.diffusion.trace import source_steps
from scumble_engine.diffusion.words import token_positions
from scumble_protocol.errors import RequestError
from tiny_models import tiny_model
from torch import Tensor


def _latents(model: DiffusionModel, seed: int = 0) -> Tensor:
    return model.encode(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed)))


def _last(model: DiffusionModel, x0: Tensor, plan: DeltaPlan, **how: Tensor) -> DeltaStep:
    return list(delta_steps(model, x0, plan, **how))[-1]


def _plan(model: DiffusionModel, steps: int = 5, **changes: object) -> DeltaPlan:
    timesteps = model.schedule.few_steps(steps, start=0.9)
    return replace(DeltaPlan("a red apple", "a green pear", timesteps, seed=4), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["sd1", "sd2", "xl"])
@pytest.mark.parametrize(("self_share", "cross_share"), [(0.7, 0.7), (0.0, 0.0), (1.0, 0.4), (0.3, 1.0)])
def test_the_loop_is_the_published_one(kind: str, self_share: float, cross_share: float) -> None:
    model = tiny_model(kind)
    x0, plan = _latents(model), _plan(model, self_share=self_share, cross_share=cross_share)
    expected = literal_edit(model, x0, plan)
    fast = x0 + _last(model, x0, plan).delta
    assert (expected - x0).std() > 1e-2
    assert torch.allclose(fast, expected, atol=2e-3 * float((expected - x0).abs().max()))


@pytest.mark.parametrize("kind", ["sd1", "sd2"])
def test_the_loop_with_a_local_blend_is_the_published_one(kind: str) -> None:
    model = tiny_model(kind)
    x0, plan = _latents(model), _plan(model, self_share=0.5, blend=("pear",), threshold=0.9)
    pear = token_positions(model.prompts.tokenizer, model.words(plan.target), "pear")
    expected = literal_edit(model, x0, plan, {"source": [2, 3], "target": list(pear)})
    last = _last(model, x0, plan)
    assert last.place is not None
    assert 0 < last.place.mean() < 1
    assert torch.allclose(x0 + last.delta, expected, atol=2e-3 * float((expected - x0).abs().max()))


def test_the_same_prompt_changes_nothing() -> None:
    model = tiny_model()
    plan = _plan(model, target="a red apple", guidance=1.0)
    assert _last(model, _latents(model), plan).delta.abs().max() < 1e-4


def test_a_second_edit_pays_only_its_target_and_is_bit_equal() -> None:
    model, other = tiny_model(), tiny_model()
    x0, plan = _latents(model), _plan(model)
    first = _last(model, x0, plan).delta
    model.meter.reset()
    second = _last(model, x0, plan).delta
    assert model.meter.forwards == 2 * 5
    assert torch.equal(first, second)
    pear = replace(plan, target="a blue cat")
    model.meter.reset()
    remembered = _last(model, x0, pear).delta
    assert model.meter.forwards == 2 * 5
    assert torch.equal(remembered, _last(other, x0, pear).delta)


def test_twelve_steps_cost_at_most_half_of_the_reference() -> None:
    model = tiny_model()
    plan = _plan(model, steps=12, blend=("pear",))
    _last(model, _latents(model), plan)
    assert model.meter.forwards <= 12 + 12 * 2 + 4
    model.meter.reset()
    _last(model, _latents(model), plan)
    assert model.meter.forwards <= 28  # the reference takes 72


def test_nothing_moves_outside_the_mask() -> None:
    model = tiny_model()
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 2:5] = 1
    delta = _last(model, _latents(model), _plan(model), mask=mask).delta
    assert delta[..., 2:5, 2:5].abs().min() > 0
    assert not (delta * (1 - mask)).any()


def test_the_loop_starts_from_a_given_difference() -> None:
    model = tiny_model()
    x0 = _latents(model)
    start = torch.randn(x0.shape, generator=torch.Generator().manual_seed(2))
    assert not torch.allclose(
        _last(model, x0, _plan(model), start=start).delta, _last(model, x0, _plan(model)).delta, atol=1e-2
    )


def test_words_to_keep_hold_their_place() -> None:
    model = tiny_model()
    x0 = _latents(model)
    plan = _plan(model, source="a red apple on grass", target="a red pear on grass", blend=("pear",), threshold=0.2)
    kept = replace(plan, keep=("grass",), threshold=0.2)
    still = (_last(model, x0, kept).delta.abs().amax(1) == 0).float().mean()
    assert still > (_last(model, x0, plan).delta.abs().amax(1) == 0).float().mean()


def test_a_blend_word_in_neither_prompt_is_named() -> None:
    model = tiny_model()
    with pytest.raises(RequestError, match="'dog' is in neither prompt"):
        _last(model, _latents(model), _plan(model, blend=("dog",)))


def test_other_seeds_give_other_edits() -> None:
    model = tiny_model()
    x0 = _latents(model)
    assert not torch.equal(_last(model, x0, _plan(model)).delta, _last(model, x0, _plan(model, seed=5)).delta)


def test_pairs_cover_start_words_end_and_padding() -> None:
    model = tiny_model()
    pairs = prompt_pairs(model.words("a red apple"), model.words("a ripe red pear"))
    length = model.words("a ripe red pear").length
    assert pairs[0] == 0
    assert pairs[length - 3 : length] == (2, -1, 4)
    assert pairs[length] == 5
    assert len(pairs) == 16


def test_what_is_too_large_to_remember_is_run_again() -> None:
    model = tiny_model()
    model.memories["source"] = Kept(limit_bytes=10)
    x0 = _latents(model)
    for _ in range(2):
        model.meter.reset()
        list(source_steps(model, x0, "a cat", (900, 500), 0, (Reads(), Reads())))
        assert model.meter.forwards == 2
    assert not model.memories["source"].values


def test_the_oldest_picture_is_forgotten_first() -> None:
    model = tiny_model()
    for seed in range(10):
        list(source_steps(model, _latents(model, seed), "a cat", (500,), 0))
    model.meter.reset()
    list(source_steps(model, _latents(model, 9), "a cat", (500,), 0))
    assert model.meter.forwards == 0
    list(source_steps(model, _latents(model, 0), "a cat", (500,), 0))
    assert model.meter.forwards == 1


@pytest.mark.parametrize("kind", ["sd1", "sd2", "xl"])
def test_the_source_answers_in_one_batch_as_it_does_step_by_step(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In exact arithmetic the same; here to a thousandth of the change: noisy steps amplify the rounding of a batch's sums."""
    model, alone = tiny_model(kind), tiny_model(kind)
    x0, plan = _latents(model), _plan(model, steps=8, blend=("pear",))
    calls: list[int] = []
    model.unet.register_forward_pre_hook(lambda module, given: calls.append(len(given[0])))
    together = _last(model, x0, plan).delta
    assert calls[0] == 8
    assert len(calls) == 1 + 8
    monkeypatch.setattr(trace, "BATCH_LATENTS_CPU", 1)
    assert torch.allclose(together, _last(alone, x0, plan).delta, atol=1e-3 * float(together.abs().max()))


def test_the_source_keeps_only_what_later_steps_read() -> None:
    model = tiny_model()
    x0, plan = _latents(model), _plan(model, steps=5, self_share=0.7, cross_share=0.4)
    _last(model, x0, plan)
    ((steps, size),) = model.memories["source"].values.values()
    layout, words = Place("self", 0), Place("cross", 0)
    assert [layout in step.triples for step in steps] == [True, True, True, False, False]
    assert [words in step.triples for step in steps] == [True, True, False, False, False]
    queries, keys, values = steps[0].triples[layout]
    assert (queries.numel() > 0, keys.numel() > 0, values.numel()) == (True, True, 0)
    assert size == sum(step.nbytes for step in steps)
    assert nbytes(steps[0].triples) < nbytes(_everything(model, x0)) * 0.7
    assert all(one.untyped_storage().nbytes() == one.nbytes for triple in steps[0].triples.values() for one in triple)


def _everything(model: DiffusionModel, x0: Tensor) -> Triples:
    (step,) = source_steps(model, x0, "a red apple", (900,), 0, (Reads(),))
    return step.triples
