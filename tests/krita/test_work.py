"""Jobs between the docker's buttons and the engine: a real engine process with an acting worker, no Krita."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from acting.engine import ActingEngine, edit
from kritatest.stand_in import StandIn
from scumble_protocol.client.host import Canvas, LayerPlan, Snapshot
from scumble_protocol.client.launcher import Launcher
from scumble_protocol.client.request import Request
from scumble_protocol.errors import EngineError
from scumble_protocol.geometry import Bounds


class Easel:
    """A host that keeps what is placed."""

    def __init__(self) -> None:
        self.placed: list[LayerPlan] = []

    def place(self, plan: LayerPlan) -> None:
        self.placed.append(plan)


def request(words: str) -> Request:
    asked = edit(words)
    whole = Bounds(0, 0, 8, 8)
    return Request(asked, Snapshot(Canvas("doc", whole, "layer", "Layer", whole), whole, asked.picture), asked.cues[0])


@pytest.fixture
def engine(own_runtime_dir: Path) -> Iterator[ActingEngine]:
    with ActingEngine(own_runtime_dir) as engine:
        assert engine.info  # it is up
        yield engine
        engine.end()


@pytest.fixture
def work(stand_in: StandIn) -> Iterator[Any]:
    work = import_module("scumble_krita.work").Work("test 1")
    yield work
    work.close()


def until(work: Any, what: Callable[[], object], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, (work.phase, work.trouble)
        work.tick()
        time.sleep(0.01)


def test_an_edit_waits_for_the_engine_and_is_placed_once(work: Any, engine: ActingEngine) -> None:
    assert work.phase == "off"
    easel = Easel()
    job = work.begin(easel, request("steps 2 0.01"), "doc")
    assert (work.phase, job.run) == ("starting", None)
    until(work, lambda: work.finished)
    assert work.finished == [job]
    assert (job.sentence, len(easel.placed)) == ("", 1)
    assert work.jobs == {}
    assert work.state is not None


def test_cancelling_before_it_is_sent_ends_it_at_once(work: Any, own_runtime_dir: Path) -> None:
    job = work.begin(Easel(), request("steps 2 0.01"), "doc")
    work.cancel("doc")
    assert (job.over, job.cancelled) == (True, True)


def test_cancelling_stops_a_running_edit(work: Any, engine: ActingEngine) -> None:
    easel = Easel()
    job = work.begin(easel, request("steps 500 0.02"), "doc")
    until(work, lambda: job.run is not None and job.run.progress is not None)
    work.cancel("doc")
    until(work, lambda: work.finished)
    assert (job.cancelled, easel.placed) == (True, [])


def test_two_documents_edits_end_each_with_its_own_layer(work: Any, engine: ActingEngine) -> None:
    easels = {name: Easel() for name in ("one", "two")}
    for name, easel in easels.items():
        work.begin(easel, request("steps 3 0.01"), name)
    until(work, lambda: len(work.finished) == 2)
    assert [len(easel.placed) for easel in easels.values()] == [1, 1]


def test_a_dead_engine_ends_every_edit_with_a_sentence_and_the_next_one_looks_again(
    work: Any, own_runtime_dir: Path
) -> None:
    with ActingEngine(own_runtime_dir) as engine:
        assert engine.info
        job = work.begin(Easel(), request("steps 500 0.02"), "doc")
        until(work, lambda: job.run is not None and job.run.progress is not None)
        engine.process.kill()
        until(work, lambda: work.finished)
    assert "engine" in job.sentence
    assert work.phase == "failed"
    with ActingEngine(own_runtime_dir) as engine:
        assert engine.info
        again = work.begin(Easel(), request("steps 1 0.01"), "doc")
        until(work, lambda: again.over)
        assert again.sentence == ""
        engine.end()


def test_stopping_the_engine_ends_its_process_and_its_edits_in_words_and_the_next_edit_starts_one(
    work: Any, own_runtime_dir: Path
) -> None:
    work.stop_engine()  # there is none: nothing happens
    with ActingEngine(own_runtime_dir) as engine:
        assert engine.info
        easel = Easel()
        job = work.begin(easel, request("steps 500 0.02"), "doc")
        until(work, lambda: job.run is not None and job.run.progress is not None)
        work.stop_engine()
        until(work, lambda: work.finished)
        assert (job.cancelled, easel.placed) == (True, [])
        assert job.sentence == "The engine was stopped, and with it this edit. Nothing was changed."
        assert (work.phase, work.trouble, work.state) == ("off", "", None)
        assert engine.process.wait(20) == 0
    with ActingEngine(own_runtime_dir) as engine:
        assert engine.info
        again = work.begin(Easel(), request("steps 1 0.01"), "doc")
        until(work, lambda: again.over)
        assert again.sentence == ""
        engine.end()


def test_an_engine_that_cannot_be_found_is_said(stand_in: StandIn) -> None:
    class Lost(Launcher):
        def poll(self) -> None:
            raise EngineError("Scumble's engine is not installed.", "engine-not-found")

    work = import_module("scumble_krita.work").Work("test 1", launcher=Lost)
    job = work.begin(Easel(), request("steps 1 0"), "doc")
    work.tick()
    assert job.sentence == work.trouble == "Scumble's engine is not installed."
    assert work.phase == "failed"


def test_only_the_newest_live_preview_is_asked_for(work: Any, engine: ActingEngine) -> None:
    work.wake()
    until(work, lambda: work.state is not None)
    easel = Easel()
    for words in ("steps 1 0.01", "steps 2 0.01", "steps 3 0.01"):
        work.preview(easel, request(words))
    until(work, lambda: work.live is not None and work.live.over)
    assert work.live.phase == "previewed"
    assert work.live.request.edit.cues[0].text == "steps 3 0.01"
    assert easel.placed == []


def test_a_guess_comes_back_as_words(work: Any, engine: ActingEngine) -> None:
    work.wake()
    until(work, lambda: work.state is not None)
    work.guess(edit("anything"))
    until(work, lambda: work.guessed)
    assert work.guessed == ("hat", "boat")
