"""When a worker is started, given up, and killed: policy alone, with a scripted child and a clock of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from scumble_engine.boot import OUT_OF_MEMORY
from scumble_engine.supervisor import STARTS_IN_A_ROW, Patience, Supervisor, death
from scumble_protocol.errors import EngineError, ProtocolError
from scumble_protocol.messages import (
    Cancel,
    EngineState,
    Failure,
    Goodbye,
    Guessed,
    Instruction,
    Message,
    Ping,
    Pong,
    Progress,
    Read,
    Welcome,
)

ASLEEP = EngineState("0", "starting", "auto", "cpu", ())
READY = replace(ASLEEP, phase="ready", cues=("Handle",))
PATIENCE = Patience(heartbeat_s=1, silence_s=10, start_s=60, step_s=100, cancel_s=5, retry_s=30)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeChild:
    """What a worker process looks like to its supervisor."""

    def __init__(self) -> None:
        self.says: list[Message | ProtocolError] = []
        self.told: list[Message] = []
        self.code: int | None = None
        self.ended = False

    def send(self, message: Message) -> None:
        self.told.append(message)

    def heard(self) -> Iterator[Message]:
        while self.says:
            assert not self.ended, "a closed socket was read"
            said = self.says.pop(0)
            if isinstance(said, ProtocolError):
                raise said
            yield said

    def exit_code(self) -> int | None:
        return self.code

    def wait(self, timeout_s: float) -> None: ...

    def end(self) -> None:
        self.ended = True


class Stage:
    """A supervisor, its clock and every child that it has started."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.children: list[FakeChild] = []
        self.supervisor = Supervisor(self._open, ASLEEP, PATIENCE, self.clock)  # type: ignore[arg-type]

    def _open(self) -> FakeChild:
        self.children.append(FakeChild())
        return self.children[-1]

    def after(self, seconds: float, *said: Message | ProtocolError, code: int | None = None) -> list[Message]:
        """Let time pass and the newest child speak or die; return what came out."""
        self.clock.now += seconds
        if self.children:
            self.children[-1].says += said
            self.children[-1].code = code
        return list(self.supervisor.look_after())

    def ready(self) -> FakeChild:
        self.after(0)
        self.after(0, Welcome(1, b"", ASLEEP), Pong(0, READY))
        assert self.supervisor.ready
        return self.children[-1]

    def at_work(self) -> FakeChild:
        child = self.ready()
        self.supervisor.begin(Read("job", Instruction("x")))
        return child

    @property
    def alias(self) -> str:
        """What the newest job is called at the worker."""
        return [said.job for child in self.children for said in child.told if isinstance(said, Read)][-1]


def failure_in(events: list[Message]) -> Failure:
    failures = [event for event in events if isinstance(event, Failure)]
    assert len(failures) == 1, events
    return failures[0]


def test_a_worker_is_started_and_is_ready_when_it_says_so() -> None:
    stage = Stage()
    assert stage.after(0) == []
    assert len(stage.children) == 1
    stage.after(1, Welcome(1, b"", ASLEEP))
    assert not stage.supervisor.ready
    stage.after(1, Pong(0, READY))
    assert stage.supervisor.ready
    assert stage.supervisor.state.cues == ("Handle",)


def test_heartbeats_are_asked_for_in_time() -> None:
    stage = Stage()
    child = stage.ready()
    for _ in range(10):
        stage.after(0.5, Pong(0, READY))
    assert child.told.count(Ping(0)) == 5


def test_a_worker_that_dies_fails_its_job_and_is_replaced_at_once() -> None:
    stage = Stage()
    child = stage.at_work()
    assert failure_in(stage.after(1, code=-9)).code == "engine-killed"
    assert child.ended
    assert len(stage.children) == 2
    assert not stage.supervisor.busy


def test_what_a_worker_said_before_it_died_still_counts() -> None:
    stage = Stage()
    stage.at_work()
    assert stage.after(1, Guessed(stage.alias, (), ()), code=-9) == [Guessed("job", (), ())]


def test_crashing_in_every_job_never_makes_the_supervisor_give_up() -> None:
    stage = Stage()
    for _ in range(3 * STARTS_IN_A_ROW):
        stage.at_work()
        stage.after(1, code=-11)
        assert stage.supervisor.trouble is None
        stage.after(0)
        assert not stage.children[-1].ended


def test_busy_is_told_from_hung() -> None:
    stage = Stage()
    stage.at_work()
    for step in range(50):
        assert stage.after(9, Progress(stage.alias, step, 50), Pong(0, READY)) == [Progress("job", step, 50)]
    assert failure_in(stage.after(11)).code == "engine-hung"
    assert stage.children[0].ended


def test_a_beating_heart_without_steps_is_hung_too() -> None:
    stage = Stage()
    stage.at_work()
    events: list[Message] = []
    seconds = 0
    while not events:
        seconds += 5
        events = stage.after(5, Pong(0, READY))
    assert seconds == 105
    assert "made no step for 100 s" in failure_in(events).sentence


def test_silence_counts_from_a_ping_that_was_not_answered() -> None:
    stage = Stage()
    child = stage.at_work()
    assert stage.after(35) == []
    assert child.told[-1] == Ping(0)
    assert stage.after(9) == []
    assert failure_in(stage.after(2)).code == "engine-hung"


def test_a_worker_that_is_never_ready_is_ended() -> None:
    stage = Stage()
    stage.after(0)
    for _ in range(7):
        stage.after(9, Pong(0, ASLEEP))
    assert stage.children[0].ended
    assert len(stage.children) == 2


def test_a_cancel_is_asked_once_and_then_enforced() -> None:
    stage = Stage()
    child = stage.at_work()
    stage.supervisor.cancel()
    stage.supervisor.cancel()
    assert child.told.count(Cancel(stage.alias)) == 1
    assert stage.after(4, Pong(0, READY)) == []
    assert failure_in(stage.after(2, Pong(0, READY))).code == "cancelled"
    assert child.ended


def test_a_job_of_long_steps_is_given_time_to_end_its_step() -> None:
    stage = Stage()
    child = stage.at_work()
    for step in range(2):
        stage.after(9, Pong(0, READY), Progress(stage.alias, step, 5))
    stage.supervisor.cancel()
    assert stage.after(9, Pong(0, READY)) == []
    assert stage.after(8, Pong(0, READY)) == []
    assert not child.ended
    assert failure_in(stage.after(2, Pong(0, READY))).code == "cancelled"
    assert child.ended


def test_a_worker_that_dies_while_it_is_being_cancelled_counts_as_cancelled() -> None:
    stage = Stage()
    stage.at_work()
    stage.supervisor.cancel()
    assert failure_in(stage.after(1, code=-11)).code == "cancelled"


def test_a_worker_that_ran_out_of_memory_is_replaced_after_its_job_was_told() -> None:
    stage = Stage()
    child = stage.at_work()
    assert (
        failure_in(stage.after(1, Failure(stage.alias, OUT_OF_MEMORY, "Memory."), Pong(0, READY))).sentence == "Memory."
    )
    assert child.ended
    assert len(stage.children) == 2


def test_words_about_another_job_are_not_passed_on() -> None:
    stage = Stage()
    stage.at_work()
    assert stage.after(0, Guessed("an older job", (), ())) == []
    assert stage.supervisor.busy


def test_the_worker_never_hears_the_same_name_twice() -> None:
    stage = Stage()
    child = stage.at_work()
    first = stage.alias
    stage.supervisor.cancel()
    assert failure_in(stage.after(1, Failure(first, "cancelled", "."), Pong(0, READY))).job == "job"
    stage.supervisor.begin(Read("job", Instruction("y")))
    assert stage.alias != first
    assert child.told.count(Cancel(stage.alias)) == 0
    assert stage.after(0, Guessed(stage.alias, (), ())) == [Guessed("job", (), ())]


def test_starts_that_fail_in_a_row_end_in_trouble_not_in_a_loop() -> None:
    stage = Stage()
    stage.after(0)
    for _ in range(20):
        stage.after(1, Welcome(1, b"", ASLEEP), Failure("", "engine-model", "The model is broken."), code=1)
    assert len(stage.children) == STARTS_IN_A_ROW
    assert stage.supervisor.trouble is not None
    assert stage.supervisor.trouble.sentence == "The model is broken."


def test_after_trouble_a_wish_starts_a_worker_again_but_not_too_soon() -> None:
    stage = Stage()
    stage.after(0)
    for _ in range(5):
        stage.after(1, code=1)
    stage.supervisor.wake()
    assert len(stage.children) == STARTS_IN_A_ROW
    stage.clock.now += 31
    stage.supervisor.wake()
    assert len(stage.children) == STARTS_IN_A_ROW + 1
    stage.after(0, Pong(0, READY))
    assert stage.supervisor.ready
    assert stage.supervisor.trouble is None


def test_a_wrong_setting_is_a_refusal_at_the_first_start() -> None:
    stage = Stage()
    stage.after(0)
    stage.after(1, Failure("", "no-device", "There is no cuda:7."), code=2)
    assert stage.supervisor.refusal is not None
    assert stage.supervisor.refusal.exit_code == 2
    stage.after(1)
    assert len(stage.children) == 1


def test_nonsense_from_the_worker_ends_it() -> None:
    stage = Stage()
    child = stage.at_work()
    assert failure_in(stage.after(1, ProtocolError("?"))).code == "engine-worker"
    assert child.ended
    assert len(stage.children) == 2


def test_a_program_that_cannot_be_started_is_trouble() -> None:
    def cannot() -> FakeChild:
        raise EngineError("The engine's worker could not be started: no such file.", "engine-worker")

    supervisor = Supervisor(cannot, ASLEEP, PATIENCE, Clock())  # type: ignore[arg-type]
    for _ in range(5):
        supervisor.look_after()
    assert supervisor.trouble is not None
    assert "could not be started" in supervisor.trouble.sentence


def test_a_worker_that_nobody_needs_goes_and_comes_back_with_the_next_job() -> None:
    stage = Stage()
    child = stage.at_work()
    for step in range(60):
        stage.after(9, Progress(stage.alias, step, 60), Pong(0, READY))
    stage.after(0, Guessed(stage.alias, (), ()))
    for _ in range(30):
        stage.after(9, Pong(0, READY))
    assert not child.ended, "it went before 300 s without a job"
    for _ in range(4):
        stage.after(9, Pong(0, READY))
    assert child.told[-1] == Goodbye()
    assert not stage.supervisor.ready
    stage.supervisor.wake()  # a job comes while it leaves
    stage.after(1, code=0)
    assert (child.ended, len(stage.children)) == (True, 1)
    assert stage.supervisor.resting
    assert stage.supervisor.state == READY
    stage.supervisor.wake()
    assert len(stage.children) == 2
    assert stage.supervisor.state.cues == ("Handle",)
    stage.after(2, Pong(0, READY))
    assert stage.supervisor.ready
    assert not stage.supervisor.resting


def test_a_worker_that_does_not_go_to_rest_is_ended() -> None:
    stage = Stage()
    child = stage.ready()
    for _ in range(34):
        stage.after(9, Pong(0, READY))
    assert not child.ended
    stage.after(3)
    assert child.ended
    assert stage.supervisor.child is None
    stage.after(100)
    assert len(stage.children) == 1


def test_stopping_says_goodbye_and_leaves_no_process() -> None:
    stage = Stage()
    child = stage.ready()
    stage.supervisor.stop()
    assert child.told[-1] == Goodbye()
    assert child.ended
    assert stage.supervisor.child is None


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [(-9, "memory ran out"), (-11, "crashed (signal 11)"), (7, "ended by itself (exit code 7)")],
)
def test_a_death_is_told_in_words(exit_code: int, words: str) -> None:
    assert words in death(exit_code).sentence
    assert death(exit_code).code.startswith("engine-")
