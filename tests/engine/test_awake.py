"""The clock that leaves out pauses."""

from __future__ import annotations

from scumble_engine.awake import LONGEST_TURN_S, AwakeClock


def test_of_a_pause_only_a_long_turn_counts_and_all_else_does() -> None:
    now = 100.0
    clock = AwakeClock(lambda: now)
    for _ in range(8):
        now += 0.25
        clock()
    assert clock() == 2.0
    now += 3600
    assert clock() == 2.0 + LONGEST_TURN_S
    now += 1
    assert clock() == 3.0 + LONGEST_TURN_S
