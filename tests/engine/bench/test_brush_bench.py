"""The brush benchmark: truth fits what was drawn, an untouched picture does not."""

from __future__ import annotations

import numpy as np
import pytest
from engine.bench.conftest import KnowingJudge, careless, gifted, idle
from scumble_engine.bench.beside import Beside
from scumble_engine.bench.brush import CUES, BrushRow, cues_of, drawn, run_brush
from scumble_engine.bench.hands import Run
from scumble_engine.bench.sheet import Keep
from scumble_engine.bench.tasks import Studio, Task, make_tasks
from scumble_engine.imaging.arrays import Bytes
from scumble_protocol.messages import AddStrokes, ColorStrokes, Cue, Instruction, PromptPair, Settings

Kept = tuple[list[tuple[str, list[Bytes]]], Keep]


@pytest.fixture(scope="module")
def tasks(studio: Studio) -> list[Task]:
    return [task for task in make_tasks(studio, "add", 6, 2) if drawn(task).painted.any()][:3]


def test_truth_fits_the_drawing_and_an_untouched_picture_does_not(tasks: list[Task], kept: Kept) -> None:
    rows = run_brush(tasks, idle, KnowingJudge(tasks), kept[1])
    truth, still = _of(rows, "truth"), _of(rows, "no-op")
    assert len(truth) == len(still) == len(tasks)
    assert all(row.edge_f1 > 0.9 and row.delta_e < 2 and row.inside == 99.0 and row.thing for row in truth)
    for right, wrong in zip(truth, still, strict=True):
        assert wrong.edge_f1 < right.edge_f1 - 0.2
        assert wrong.delta_e > right.delta_e + 5
        assert wrong.inside < 30
        assert not wrong.thing
    idle_rows = _of(rows, "engine")
    assert {row.cues for row in idle_rows} == set(CUES)
    assert {row.delta_e for row in idle_rows} == {row.delta_e for row in still}


def test_a_gifted_hand_scores_as_the_truth(tasks: list[Task], kept: Kept) -> None:
    rows = run_brush(tasks, gifted(tasks), KnowingJudge(tasks), kept[1])
    for cues in CUES:
        mine = [row for row in _of(rows, "engine") if row.cues == cues]
        assert [row.edge_f1 for row in mine] == [row.edge_f1 for row in _of(rows, "truth")]
    assert [len(pictures) for _, pictures in kept[0]] == [5] * len(tasks)


def test_others_are_given_the_strokes_and_told_the_whole_picture(tasks: list[Task], kept: Kept) -> None:
    heard: list[tuple[type, ...]] = []

    def other(picture: Bytes, cues: tuple[Cue, ...], settings: Settings) -> Run:
        heard.append(tuple(type(cue) for cue in cues))
        return gifted(tasks)(picture, cues, settings)

    rows = run_brush(tasks, idle, KnowingJudge(tasks), kept[1], Beside({"editor": other}, lambda picture: picture))
    assert {row.cues for row in _of(rows, "editor")} == set(CUES)
    assert {row.inside for row in _of(rows, "editor") + _of(rows, "truth, coded")} == {99.0}
    assert set(heard) == {
        (PromptPair, AddStrokes), (PromptPair, ColorStrokes), (PromptPair, AddStrokes, ColorStrokes)
    }  # fmt: skip
    assert len(kept[0][0][1]) == 6


def test_a_spill_far_from_the_strokes_is_counted(studio: Studio, kept: Kept) -> None:
    far = [
        task for task in make_tasks(studio, "add", 30, 2) if not task.may[:34, :34].any() and drawn(task).painted.any()
    ]
    tasks = far[:1]
    rows = run_brush(tasks, careless(idle), KnowingJudge(tasks), kept[1])
    assert {row.outside for row in _of(rows, "engine")} == {16}
    assert {row.outside for row in _of(rows, "no-op")} == {0}


def test_strokes_lie_where_the_thing_is(tasks: list[Task]) -> None:
    strokes = drawn(tasks[0])
    solid = np.asarray(tasks[0].pair.object_after.numpy()) > 0.5
    assert strokes.painted.any()
    assert not (strokes.painted & ~solid).any()
    assert not (strokes.painted & strokes.lines).any()
    kinds = {names: {type(cue) for cue in cues_of(strokes, names, "a hat")} for names in CUES}
    assert kinds["edge"] == {Instruction, AddStrokes}
    assert kinds["color"] == {Instruction, ColorStrokes}
    assert kinds["edge+color"] == {Instruction, AddStrokes, ColorStrokes}


def _of(rows: list[BrushRow], method: str) -> list[BrushRow]:
    return [row for row in rows if row.method == method]
