"""What the worker makes of steps and of foreign exceptions; its life as a process is in e2e/test_engine_worker.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from scumble_engine.boot import OUT_OF_MEMORY, Boot
from scumble_engine.pace import Memory, Pace
from scumble_engine.worker import ShelfStudio, check_model, told_as
from scumble_protocol.errors import RequestError


def told(pace: Pace, of: int, *steps: tuple[int, str, float]) -> list[float]:
    return [pace.seconds_left(done, of, stage, now_s) for done, stage, now_s in steps]


def test_the_pace_is_unknown_until_two_steps_were_seen_and_then_follows_the_newest() -> None:
    left = told(
        Pace(), 10, (0, "edit", 100.0), (1, "edit", 102.0), (2, "edit", 104.0), (3, "edit", 108.0), (10, "edit", 120.0)
    )
    assert left == [-1, -1, pytest.approx(8 * 2.0), pytest.approx(7 * 3.0), 0]


def test_one_long_step_is_not_taken_for_typical() -> None:
    assert told(Pace(), 3, (0, "find", 0.0), (1, "fill", 1.0), (2, "fill", 21.0)) == [-1, -1, -1]


def test_another_stage_starts_afresh() -> None:
    left = told(
        Pace(), 9, (0, "invert", 0.0), (1, "invert", 5.0), (2, "invert", 10.0), (3, "edit", 15.0), (4, "edit", 16.0)
    )
    assert left[2] == pytest.approx(35.0)
    assert left[3:] == [-1, -1]


def test_saying_the_same_step_twice_does_not_change_its_length() -> None:
    left = told(Pace(), 4, (0, "edit", 0.0), (0, "edit", 3.0), (1, "edit", 4.0), (2, "edit", 8.0))
    assert left == [-1, -1, -1, pytest.approx(8.0)]


def test_the_same_steps_of_an_earlier_job_are_remembered_and_stretched() -> None:
    memory: Memory = {}
    told(Pace("drag", memory), 3, (0, "find", 0.0), (1, "fill", 1.0), (2, "fill", 21.0), (3, "blend", 22.0))
    left = told(
        Pace("drag", memory), 3, (0, "find", 100.0), (1, "fill", 102.0), (2, "fill", 142.0), (3, "blend", 144.0)
    )
    assert left == [pytest.approx(22.0), pytest.approx(2 * 21.0), pytest.approx(2 * 1.0), 0]


def test_what_another_kind_of_job_took_is_not_remembered_for_this_one() -> None:
    memory: Memory = {}
    told(Pace("drag", memory), 2, (0, "fill", 0.0), (1, "fill", 1.0), (2, "fill", 2.0))
    assert told(Pace("erase", memory), 2, (0, "fill", 0.0)) == [-1]
    assert told(Pace("drag", memory), 3, (0, "fill", 0.0)) == [-1]


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


@pytest.mark.parametrize(
    "exc",
    [
        MemoryError(),
        OutOfMemoryError("CUDA"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"
        ),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("std::bad_alloc"),
    ],
    ids=lambda exc: str(exc)[:20],
)
def test_memory_that_ran_out_is_told_as_such(exc: Exception) -> None:
    told = told_as(exc)
    assert told.code == OUT_OF_MEMORY
    assert "smaller region" in told.sentence


def test_other_errors_are_told_without_their_insides() -> None:
    told = told_as(KeyError("/home/painter/secret"))
    assert told.code == "engine-failed"
    assert "KeyError" in told.sentence
    assert "secret" not in told.sentence


@pytest.mark.parametrize("model", ["auto", "illustrator", "owner/name"])
def test_models_that_may_be_had_are_not_complained_about(model: str) -> None:
    check_model(model)


def test_a_folder_that_is_no_model_and_a_name_of_none_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="not a diffusers model folder"):
        check_model(str(tmp_path))
    with pytest.raises(RequestError, match="neither an embedded one, nor a folder, nor a hub id"):
        check_model(str(tmp_path / "no such folder"))


def test_with_a_model_that_cannot_be_used_what_needs_none_is_still_served(tmp_path: Path) -> None:
    state = ShelfStudio(str(tmp_path), "cpu").state()
    assert "not a diffusers model folder" in state.note
    assert "Handle" in state.cues
    assert "PromptPair" not in state.cues
    assert ShelfStudio("owner/name", "cpu").state().note == ""


def test_a_boot_line_carries_everything_and_its_repr_no_key() -> None:
    boot = Boot("ipc:///x", b"k" * 32, (b"header", b"body"), "auto", "cpu")
    assert Boot.from_line(boot.to_line()) == boot
    assert "k" * 32 not in repr(boot)
