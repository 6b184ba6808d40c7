"""Dragging on w: it moves, stops, keeps what must stay, and never ends worse than it began."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scumble_engine.gan.drag import PUBLISHED, Dragged, DragPlan, PointDrag, drag, feature_side
from scumble_engine.gan.spread import Spread, spread_of
from tiny_generator import tiny_generator
from torch import Tensor

GENERATOR = tiny_generator()
SPREAD: Spread = spread_of(GENERATOR, 512)
WS = GENERATOR.plus(GENERATOR.w(torch.ones(1, 8)))
HANDLES = torch.tensor([[12.0, 14.0]]), torch.tensor([[17.0, 14.0]])


def _states(plan: DragPlan, fixed: Tensor | None = None, handles: tuple[Tensor, Tensor] = HANDLES) -> list[Dragged]:
    return list(drag(GENERATOR, SPREAD, WS, handles, fixed, plan))


def test_the_axes_give_back_what_was_mapped() -> None:
    """Coordinates along the axes are standard deviations: they and the mean make w again."""
    w = GENERATOR.w(torch.randn(64, 8, generator=torch.Generator().manual_seed(3)))
    assert torch.allclose(SPREAD.coordinates(w) @ SPREAD.axes + SPREAD.mean, w, atol=1e-3)
    many = SPREAD.coordinates(GENERATOR.w(torch.randn(2000, 8, generator=torch.Generator().manual_seed(4))))
    spread = many.std(0)[SPREAD.inverse.abs().sum(0) > 0]
    assert torch.allclose(spread, torch.ones_like(spread), atol=0.25)
    assert SPREAD.strangeness(w) < 2 < SPREAD.strangeness(SPREAD.mean + 5 * (w - SPREAD.mean))


def test_a_handle_moves_to_its_target() -> None:
    """Users of the paper's interface: “nothing moves”."""
    states = _states(DragPlan(rate=0.2, keep=0.0, steps=60, lost=9.0))
    assert states[-1].distance < 0.5 * 5
    assert not torch.equal(states[-1].ws, WS)


def test_only_the_layers_that_the_features_hang_on_move() -> None:
    assert feature_side(GENERATOR) == 8
    last = _states(DragPlan(rate=0.2, steps=5, lost=9.0))[-1]
    assert torch.equal(last.ws[:, 3:], WS[:, 3:])
    published = _states(replace(PUBLISHED, steps=20, rate=0.05))[-1]
    assert torch.equal(published.ws[:, 6:], WS[:, 6:])


def test_the_best_is_kept_and_never_worse_than_the_beginning() -> None:
    """Users: “real faces oscillate”: a rate that overshoots ends with the best that there was."""
    states = _states(DragPlan(rate=3.0, steps=40, patience=8, lost=9.0))
    distances = [state.distance for state in states]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] <= 5.0
    assert states[-1].ending in ("stuck", "arrived", "out of steps")


def test_it_gives_up_when_it_gets_no_nearer() -> None:
    states = _states(DragPlan(rate=0.0, steps=100, patience=4))
    assert states[-1].ending == "stuck"
    assert len(states) <= 6
    assert torch.equal(states[-1].ws, WS)


def test_a_lost_handle_ends_it_with_what_was_before() -> None:
    states = _states(DragPlan(rate=2.0, steps=40, lost=1e-4))
    assert states[-1].ending == "lost"
    assert torch.equal(states[-1].ws, WS)


def test_what_is_there_already_costs_one_look() -> None:
    start = torch.tensor([[12.0, 14.0]])
    states = _states(DragPlan(), handles=(start, start + 0.1))
    assert [state.ending for state in states] == ["arrived"]
    assert torch.equal(states[0].ws, WS)


def test_steps_have_a_limit_and_it_stops_when_told() -> None:
    """Users: the official interface has no limit, and its stop button does nothing."""
    assert len(_states(DragPlan(rate=1e-6, steps=3, patience=99))) == 4
    iterator = drag(GENERATOR, SPREAD, WS, HANDLES, None, DragPlan())
    first = next(iterator)
    iterator.close()
    assert torch.equal(first.ws, WS)


def test_the_masks_term_holds_what_is_fixed() -> None:
    """Users: “mask ignored”."""
    fixed = torch.zeros(1, 1, 32, 32)
    fixed[..., 20:, :] = 1

    def moved(fixed_now: Tensor | None) -> float:
        ws = _states(DragPlan(rate=0.1, keep=0.0, hold=0.0, steps=15, patience=99, lost=9.0, arrived=1e-4), fixed_now)[
            -1
        ].ws
        before, after = (GENERATOR.synthesis(one, side=8).features for one in (WS, ws))
        assert before is not None
        assert after is not None
        return float((after - before)[..., 6:, :].abs().mean())

    assert moved(fixed) < 0.6 * moved(None)


def test_a_mask_holds_only_for_its_own_drag() -> None:
    """Users: “mask stale”: a drag after a masked one is as if the other had never been."""
    plan = DragPlan(rate=0.1, steps=6, patience=99, lost=9.0)
    before = _states(plan)[-1].ws
    _states(plan, torch.ones(1, 1, 32, 32))
    assert torch.equal(_states(plan)[-1].ws, before)


def test_w_stays_among_the_mapped_ones() -> None:
    far = torch.tensor([[3.0, 3.0]]), torch.tensor([[29.0, 29.0]])
    free = DragPlan(rate=0.5, steps=40, patience=99, lost=99.0, hold=0.0, keep=0.0, bound=0.0)
    work = [PointDrag(GENERATOR, SPREAD, WS, *far, None, replace(free, bound=bound)) for bound in (0.0, 50.0)]
    for one in work:
        for _ in range(40):
            one.step(one.look()[0])
    loose, held = (SPREAD.strangeness(one.ws.detach()) for one in work)
    assert held < loose


@pytest.mark.parametrize("corner", [(0.0, 0.0), (31.9, 31.9)])
def test_a_handle_at_the_border_is_dragged_like_any_other(corner: tuple[float, float]) -> None:
    start = torch.tensor([corner])
    states = _states(DragPlan(steps=3), handles=(start, torch.tensor([[16.0, 16.0]])))
    assert states[-1].points.min() >= 0
    assert states[-1].points.max() <= 32


def test_through_z_every_w_is_a_mapped_one() -> None:
    z = torch.ones(1, 8)
    plan = DragPlan(through=True, along=False, rate=0.1, keep=0.0, hold=0.0, steps=20, lost=9.0)
    *_, last = drag(GENERATOR, SPREAD, WS, HANDLES, None, plan, z)
    assert last.distance < 5
    assert torch.equal(last.ws, last.ws[:, :1].expand_as(last.ws))


def test_what_is_kept_is_eased_where_the_handles_get_no_nearer() -> None:
    """Kept too hard, nothing moves; eased, it does."""

    def moved(ease: float) -> float:
        work = PointDrag(GENERATOR, SPREAD, WS, *HANDLES, None, DragPlan(rate=0.02, keep=1e3, hold=0.0, ease=ease))
        for number in range(20):
            work.step(work.look()[0])
            if number == 4:
                work.ease()
        return float((work.ws.detach() - WS).norm())

    assert moved(1e-4) > 2 * moved(1.0)
