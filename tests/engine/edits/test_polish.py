from __future__ import annotations

import torch
from scumble_engine.edits.polish import STEPS, changed, polish_steps
from scumble_protocol.messages import PromptPair
from tiny_models import tiny_model

PAIR = PromptPair("a red apple", "a blue pear", (), (), "replace")


def test_only_the_box_around_what_changed_is_painted_anew() -> None:
    delta = torch.full((1, 4, 16, 16), 1e-3)
    delta[..., 5:8, 6:12] = 1.0
    box = changed(delta)
    assert box.sum() == 5 * 8
    assert box[0, 0, 4:9, 5:13].min() == 1
    assert changed(torch.zeros(1, 4, 8, 8)).sum() == 0


def test_a_polished_change_is_another_inside_and_the_same_outside_and_under_the_mask() -> None:
    model = tiny_model("sd1")
    x0 = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    delta = torch.zeros_like(x0)
    delta[..., 5:8, 6:12] = 1.0
    may = torch.ones(1, 1, 16, 16)
    may[..., :6, :] = 0
    found = list(polish_steps(model, x0, delta, PAIR, may, 0))
    assert len(found) == STEPS
    inside = (changed(delta) * may).bool().expand_as(x0)
    assert torch.equal(found[-1][~inside], delta[~inside])
    assert (found[-1] - delta)[inside].abs().max() > 0.01
