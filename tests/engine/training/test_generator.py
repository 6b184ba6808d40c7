"""Teaching a generator the family of creatures: it learns, stops, resumes, and grows without forgetting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scumble_engine.gan.config import GeneratorConfig
from scumble_engine.training.creatures import NUMBERS, handles
from scumble_engine.training.generator import Course, Distillation, difference, looked_at, psnr, spreads, with_unit_z
from scumble_engine.training.widening import widened
from tiny_generator import tiny_generator

SMALL = GeneratorConfig(len(NUMBERS), 24, (16, 16, 12), 2, 0.3, normalize_z=False, noise=False)


def _run(folder: Path, steps: int, run: Distillation | None = None) -> Distillation:
    run = run or Distillation(Course(1e6, config=SMALL), folder)
    for _ in range(steps):
        run.learn(0.4)
    return run


def test_it_learns(tmp_path: Path) -> None:
    run = Distillation(Course(1e6, config=SMALL), tmp_path)
    before = psnr(run.generator, 8)
    assert psnr(_run(tmp_path, 120, run).generator, 8) > before + 2.5


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = _run(tmp_path / "state", 5)
    first.spent_s = 12.0
    first.save()
    second = Distillation(Course(1e6, config=SMALL), tmp_path / "state")
    assert second.resume()
    assert (second.step, second.seen, second.spent_s) == (5, 20, 12.0)
    for a, b in zip(first.generator.parameters(), second.generator.parameters(), strict=True):
        assert torch.equal(a, b)
    torch.manual_seed(3)
    _run(tmp_path, 1, first)
    torch.manual_seed(3)
    _run(tmp_path, 1, second)  # the optimiser remembers, too
    for a, b in zip(first.generator.parameters(), second.generator.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_stopped_run_saves_and_ends(tmp_path: Path) -> None:
    run = Distillation(Course(1e6, config=SMALL), tmp_path / "state")
    run.stopped = True
    run.run()
    assert Distillation(Course(1e6, config=SMALL), tmp_path / "state").resume()


def test_a_run_ends_by_itself_when_its_time_is_spent(tmp_path: Path) -> None:
    run = Distillation(Course(0.5 / 60, config=SMALL), tmp_path / "state")
    run.run()
    assert run.step > 0
    assert run.spent_s >= 0.5


def test_the_side_grows_and_the_rate_falls() -> None:
    course = Course(10)
    assert (course.side(0.1), course.side(0.9)) == (course.config.resolution // 2, course.config.resolution)
    rates = [course.rate(share, 1000) for share in (0.0, 0.5, 0.75, 0.999)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.02 * rates[0]


def test_eyes_and_mouth_count_more() -> None:
    numbers = torch.zeros(1, len(NUMBERS))
    weight = looked_at(numbers, 64)
    x, y = handles(numbers, 64)["left_eye"][0].long().tolist()
    assert weight[0, 0, y, x] > 4
    assert weight[0, 0, 2, 2] < 1.01
    truth = torch.zeros(1, 3, 64, 64)
    near, far = truth.clone(), truth.clone()
    near[0, :, y, x], far[0, :, 2, 2] = 1, 1
    assert difference(near, truth, weight) > 3 * difference(far, truth, weight)


def test_a_grown_generator_paints_the_same_at_the_old_side() -> None:
    small = tiny_generator()
    config = replace(small.config, channels=(20, 20, 16, 12, 8))
    torch.manual_seed(1)
    large = widened(tiny_generator(), config)
    ws = small.plus(small.w(torch.ones(1, 8)))
    bigger = large.synthesis(large.plus(large.w(torch.ones(1, 8))), last=32).rgb
    assert torch.allclose(bigger, small.synthesis(ws).rgb, atol=1e-5)


def test_a_generator_does_not_shrink() -> None:
    small = tiny_generator()
    with pytest.raises(ValueError, match="shrink"):
        widened(small, replace(small.config, channels=(8, 8, 8, 8)))


def test_a_published_generator_takes_plain_normal_numbers() -> None:
    plain, folded = tiny_generator(config=SMALL), with_unit_z(tiny_generator(config=SMALL))
    z = torch.randn(3, len(NUMBERS), generator=torch.Generator().manual_seed(1))
    assert torch.allclose(plain(spreads() * z), folded(z), atol=1e-5)


def test_the_pose_is_spread_farther_as_training_goes_on() -> None:
    early, late = spreads(0.0), spreads(1.0)
    assert (late >= early).all()
    assert (late > early).sum() == 8
