"""The language benchmark tells right from wrong: idle hands score as the no-op, gifted ones as the truth, spills are seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from engine.bench.conftest import KnowingJudge, careless, gifted, idle
from scumble_engine.bench.beside import Beside
from scumble_engine.bench.hands import Run
from scumble_engine.bench.language import LanguageRow, run_language, scored, ways_to_say, where_to_look
from scumble_engine.bench.own import model_painter, run_own
from scumble_engine.bench.sheet import Keep
from scumble_engine.bench.tasks import LANGUAGE_KINDS, Studio, Task, make_tasks
from scumble_engine.bench.verdict import cut_around, verdict, wanted_of
from scumble_engine.imaging.arrays import Bytes
from scumble_engine.imaging.mask import grow
from scumble_protocol.messages import Cue, Instruction, Mask, PromptPair, Settings
from tiny_models import tiny_model

Kept = tuple[list[tuple[str, list[Bytes]]], Keep]


@pytest.fixture(scope="module")
def tasks(studio: Studio) -> list[Task]:
    return [task for number, kind in enumerate(LANGUAGE_KINDS) for task in make_tasks(studio, kind, 2, 11 + number)]


@pytest.fixture(scope="module")
def judge(tasks: list[Task]) -> KnowingJudge:
    return KnowingJudge(tasks)


def _without_costs(row: LanguageRow) -> dict[str, object]:
    costs = ("method", "seconds", "first_preview_s", "forwards", "reference", "gflop", "peak_mib", "outside")
    return {name: value for name, value in vars(row).items() if name not in costs}


def test_truth_is_right_and_doing_nothing_is_not(tasks: list[Task], judge: KnowingJudge, kept: Kept) -> None:
    rows = run_language(tasks, idle, judge, kept[1])
    truth, still = ([row for row in rows if row.method == name] for name in ("truth", "no-op"))
    assert {row.kind for row in truth} == set(LANGUAGE_KINDS)
    assert all(row.right and row.thing and row.inside == 99.0 and row.apart == 0 for row in truth)
    assert not any(row.right for row in still)
    assert all(row.inside is not None and row.inside < 30 for row in still)
    assert all((row.kept_psnr, row.kept_ssim, row.kept_mse, row.kept_apart) == (99.0, 1.0, 0.0, 0.0) for row in still)


def test_an_idle_hand_scores_as_the_no_op_and_a_gifted_one_as_the_truth(
    tasks: list[Task], judge: KnowingJudge, kept: Kept
) -> None:
    for hand, control in ((idle, "no-op"), (gifted(tasks), "truth")):
        rows = run_language(tasks, hand, judge, kept[1])
        for mine, its in zip(_of(rows, "said"), _of(rows, control), strict=True):
            assert _without_costs(mine) == _without_costs(its)
    assert {row.reference for row in _of(rows, "said")} == {6 * 8}
    assert {row.forwards for row in _of(rows, "said")} == {7}
    assert kept[0][0][0] == tasks[0].said
    assert len(kept[0][0][1]) == 5
    assert len(kept[0]) == 2 * len(tasks)


def test_what_is_spilt_costs_background_and_is_counted_outside_the_selection(
    tasks: list[Task], judge: KnowingJudge, kept: Kept
) -> None:
    recolorings = [task for task in tasks if task.kind == "recolor" and not task.may[:4, :4].any()]
    assert recolorings
    row, selected = run_language(recolorings[:1], careless(gifted(tasks)), judge, kept[1])[:2]
    assert row.inside == 99.0
    assert row.kept_psnr is not None
    assert row.kept_psnr < 40
    assert row.kept_mse is not None
    assert row.kept_mse > 1
    assert row.kept_apart is not None
    assert row.kept_apart > 0
    assert (row.outside, selected.outside) == (None, 16)


def test_the_right_thing_in_the_wrong_colour_is_half_right(
    studio: Studio, judge: KnowingJudge, tasks: list[Task]
) -> None:
    task = next(task for task in tasks if task.kind == "recolor")
    row = scored(task, "said", Run(task.before), judge)
    assert (row.thing, row.color, row.right, row.manner) == (True, False, False, None)


def test_a_task_is_said_with_and_without_a_selection_and_spelled_out(tasks: list[Task]) -> None:
    ways = ways_to_say(tasks[0])
    assert ways["said"] == (Instruction(tasks[0].said),)
    assert ways["said, selected"][0] == Instruction(tasks[0].said)
    assert isinstance(ways["said, selected"][1], Mask)
    assert ways["spelled out"] == (tasks[0].reading,)


def test_what_was_added_is_looked_for_where_most_changed_whatever_happens_at_the_edges(studio: Studio) -> None:
    for task in make_tasks(studio, "add", 4, 5):
        coded = cv2.GaussianBlur(task.truth, (0, 0), 1.0)  # as an autoencoder, it is wrong at every edge
        wrong = np.abs(coded.astype(int) - task.before).max(axis=-1) > 24
        assert (wrong & ~grow(task.thing, 8.0)).any()
        found = where_to_look(task, coded, selected=False)
        assert (found & task.thing).sum() > 0.7 * task.thing.sum()
        assert not (found & ~grow(task.thing, 10.0)).any()
        assert np.array_equal(where_to_look(task, task.before, selected=False), task.thing)


def test_what_stands_beside_is_told_in_full_and_the_autoencoders_loss_is_shown(
    tasks: list[Task], judge: KnowingJudge, kept: Kept
) -> None:
    heard: list[tuple[type, ...]] = []

    def other(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        heard.append(tuple(type(cue) for cue in cues))
        return gifted(tasks)(picture, cues, settings)

    rows = run_language(
        tasks, idle, judge, kept[1], beside=Beside({"editor": other}, lambda picture: picture // 2 + 64)
    )
    assert all(row.right for row in _of(rows, "editor") + _of(rows, "editor, selected"))
    assert set(heard) == {(PromptPair,), (PromptPair, Mask)}
    assert {row.outside for row in _of(rows, "editor")} == {None}
    assert {row.outside for row in _of(rows, "editor, selected")} == {0}
    assert all(row.inside is not None and row.inside < 40 for row in _of(rows, "truth, coded"))
    assert len(kept[0][0][1]) == 6


def test_each_kind_asks_for_what_it_changes(tasks: list[Task]) -> None:
    asked = {task.kind: wanted_of(task) for task in tasks}
    assert asked["recolor"].color
    assert asked["swap"].color
    assert asked["remove"].concept == "nothing"
    assert asked["restyle"].style
    assert asked["background"].ground
    assert asked["repaint"].ground_color
    assert {kind for kind, wanted in asked.items() if wanted.cut} == {"add", "remove"}


def test_a_cut_shows_the_thing_in_its_middle_even_at_the_border() -> None:
    picture, where = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), bool)
    picture[2:20, 50:64] = 255
    where[2:20, 50:64] = True
    cut = cut_around(picture, where)
    side = cut.shape[0]
    assert cut.shape == (side, side, 3)
    assert 18 < side <= 30
    assert cut[side // 2, side // 2].min() == 255
    assert np.array_equal(cut_around(picture, where & False), picture)


def test_a_verdict_on_a_removal_looks_only_where_the_thing_was(tasks: list[Task], judge: KnowingJudge) -> None:
    task = next(task for task in tasks if task.kind == "remove")
    assert verdict(judge, wanted_of(task), task.truth, task.thing).right
    assert not verdict(judge, wanted_of(task), task.before, task.thing).right


def test_pictures_of_the_models_own_are_judged_without_a_truth(
    tasks: list[Task], judge: KnowingJudge, kept: Kept
) -> None:
    some = [task for task in tasks if task.kind in ("recolor", "background")]
    lookup = {
        text: pic for task in some for text, pic in ((task.pair.source, task.before), (task.pair.target, task.truth))
    }
    rows = run_own(some, gifted(some), lambda prompts, seed: [lookup[one] for one in prompts], judge, kept[1], 0)
    by_method = {name: _of(rows, name) for name in ("own sample, edited", "own sample, no-op", "painted from words")}
    assert all(row.right for row in by_method["own sample, edited"] + by_method["painted from words"])
    assert not any(row.right for row in by_method["own sample, no-op"])
    assert all(row.inside is None and row.kept_psnr is None for row in rows)


def test_a_model_paints_as_many_pictures_as_prompts_the_same_for_a_seed() -> None:
    model = tiny_model("sd2", vae="linear", latent_channels=16)
    paint = model_painter(model, steps=2)
    one, other = paint(["a red apple", "a blue cat"], 3)
    assert one.shape == (64, 64, 3)
    assert model.meter.forwards == 2 * 2 * 2
    assert np.array_equal(one, paint(["a red apple", "a blue cat"], 3)[0])
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, paint(["a red apple", "a blue cat"], 4)[0])


def _of(rows: list[LanguageRow], method: str) -> list[LanguageRow]:
    return [row for row in rows if row.method == method]
