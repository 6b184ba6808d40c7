"""Drags of illustrations, and ten edits in a row: truth arrives, idle hands do not, what creeps in is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine.bench.conftest import careless, gifted, idle
from scumble_engine.bench.beside import Beside
from scumble_engine.bench.drift import run_drift
from scumble_engine.bench.hands import Run
from scumble_engine.bench.latent import FAST, FITTED, handle_of, run_latent
from scumble_engine.bench.sheet import Keep
from scumble_engine.bench.tasks import Studio, Task, make_tasks
from scumble_engine.imaging.arrays import Bytes
from scumble_protocol.messages import Cue, Settings

Kept = tuple[list[tuple[str, list[Bytes]]], Keep]


@pytest.fixture(scope="module")
def tasks(studio: Studio) -> list[Task]:
    return make_tasks(studio, "move", 3, 4)


def test_truth_arrives_and_doing_nothing_does_not(tasks: list[Task], kept: Kept) -> None:
    rows = run_latent(tasks, idle, kept[1], FAST)
    truth, still = ([row for row in rows if row.method == name] for name in ("truth", "no-op"))
    assert [row.progress for row in truth] == [1.0] * 3
    assert all((row.handle_px, row.iou, row.inside, row.uncovered, row.ssim) == (0, 1, 99, 99, 1) for row in truth)
    assert [row.progress for row in still] == [0.0] * 3
    assert all(row.iou == 0 and row.inside < 30 and row.handle_px > 3 for row in still)


def test_truth_is_found_again_even_on_plain_things(studio: Studio, kept: Kept) -> None:
    many = make_tasks(studio, "move", 12, 8)
    rows = [row for row in run_latent(many, idle, kept[1], {}) if row.method == "truth"]
    assert [row.progress for row in rows] == [1.0] * 12


def test_a_patch_that_arrives_while_its_thing_is_torn_costs_the_whole(tasks: list[Task], kept: Kept) -> None:
    def torn(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        task = next(task for task in tasks if np.array_equal(task.before, picture))
        end, result = handle_of(task).end, picture.copy()
        x, y = int(end.x), int(end.y)
        here = np.s_[max(0, y - 10) : y + 11, max(0, x - 10) : x + 11]
        result[here] = task.truth[here]
        return Run(result)

    rows = run_latent(tasks, torn, kept[1], FAST)
    answers, truth = ([row for row in rows if row.method == name] for name in ("warp", "truth"))
    assert all(row.handle_px == 0 for row in answers)
    assert all(row.whole < 30 and row.whole_ssim < 0.99 for row in answers)
    assert all((row.whole, row.whole_ssim) == (99.0, 1.0) for row in truth)


def test_where_the_patch_is_there_already_no_progress_is_told(tasks: list[Task], kept: Kept) -> None:
    still = [replace(task, truth=task.before) for task in tasks]
    assert {row.progress for row in run_latent(still, idle, kept[1], {})} == {None}


def test_others_do_the_same_drags_beside_the_engine(tasks: list[Task], kept: Kept) -> None:
    beside = Beside({"editor": gifted(tasks)}, lambda picture: picture // 2 + 64)
    rows = run_latent(tasks, idle, kept[1], FAST, beside)
    by_method = {name: [row for row in rows if row.method == name] for name in ("editor", "truth, coded", "warp")}
    assert {row.progress for row in by_method["editor"]} == {1.0}
    assert all(row.whole < 30 for row in by_method["truth, coded"])
    assert len(kept[0][0][1]) == 5  # before, two methods, one beside, truth


def test_a_gifted_hand_arrives_by_every_method(tasks: list[Task], kept: Kept) -> None:
    for methods in (FAST, FITTED):
        rows = run_latent(tasks, gifted(tasks), kept[1], methods)
        assert {row.progress for row in rows if row.method in methods} == {1.0}
    assert {FITTED[name].fidelity for name in FITTED} == {"fast", "lora"}


def test_the_handle_moves_with_the_thing(tasks: list[Task]) -> None:
    for task in tasks:
        handle = handle_of(task)
        x, y = (int(each) for each in (handle.start.x, handle.start.y))
        assert task.pair.object_before[y, x] > 0.9
        assert handle.start.distance(handle.end) > 3


def test_a_round_that_ends_where_it_began_does_not_drift(studio: Studio, tasks: list[Task]) -> None:
    recolorings = make_tasks(studio, "recolor", 1, 6)
    rows = run_drift(recolorings, tasks[:1], idle, edits=4)
    assert [row.kind for row in rows] == ["language", "brush", "drag"]
    assert {(row.inside_first, row.inside_last, row.outside) for row in rows} == {(99.0, 99.0, 0)}


def test_what_creeps_in_is_seen(studio: Studio, tasks: list[Task]) -> None:
    recolorings = make_tasks(studio, "recolor", 1, 6)
    assert not recolorings[0].may[:4, :4].any()
    grain = np.random.default_rng(0)

    def grains(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        return Run(np.clip(picture + grain.normal(0, 4, picture.shape), 0, 255).astype(np.uint8))

    for row in run_drift(recolorings, tasks[:1], grains, edits=6):
        assert row.inside_last < row.inside_first - 2
        assert row.outside > 1000
    # Spilt an odd number of times: an even one would undo itself.
    assert {row.outside for row in run_drift(recolorings, [], careless(idle), edits=3)} == {16}
