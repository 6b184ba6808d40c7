"""The siege really attacks a real engine; its amounts are small here, and the figures that must be 0 are 0."""

from __future__ import annotations

import json

import pytest
from scumble_engine import cli, cli_bench
from scumble_engine.bench.siege import report
from scumble_engine.bench.siege.ground import Tally, small_edit
from scumble_engine.bench.siege.report import HEADINGS, PARTS, Line, rows, run
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Failure, Provenance, Result


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Line]:
    path = tmp_path_factory.mktemp("siege") / "figures.json"
    measured = run(quick=True, json_path=path)
    assert [figures["part"] for figures in json.loads(path.read_text())] == list(PARTS)
    return {line.part: line for line in measured}


def test_the_command_offers_every_part() -> None:
    assert tuple(PARTS) == cli_bench.SIEGE_PARTS


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_lost_or_mixed_up_and_no_stranger_is_answered(lines: dict[str, Line], part: str) -> None:
    line = lines[part]
    assert (line.lost, line.wrong, line.answered, line.painter_lost) == (0, 0, 0, 0)
    assert line.painter_asked > 0
    assert line.longest_wait_s >= line.median_wait_s > 0
    assert line.peak_bytes > 2**20
    assert len(rows([line])[0]) == len(HEADINGS)


def test_jobs_get_their_own_layers_and_kills_are_told(lines: dict[str, Line]) -> None:
    for part in ("crowd", "edits", "pause"):
        assert lines[part].asked == lines[part].layers > 0
    assert set(lines["kills"].failed) | set(lines["kills"].painter_failed) <= {"engine-killed"}
    assert "2 workers were killed" in lines["kills"].notes[0]
    assert lines["pause"].notes == ("the worker is the same",)


def test_a_tally_tells_layers_failures_strangers_layers_and_silence_apart() -> None:
    mine, other = small_edit(1), small_edit(2)
    made = Provenance("0", "passing", "none", "", "", 0, 0, "cpu")
    tally = Tally(asked=4)
    tally.note(mine, Result("a", Bounds(0, 0, 16, 16), mine.picture.plane, made), 1.0)
    tally.note(mine, Result("b", Bounds(0, 0, 16, 16), other.picture.plane, made), 1.0)
    tally.note(mine, Failure("c", "engine-killed", "It was killed."), 1.0)
    assert (tally.layers, tally.wrong, tally.failed, tally.lost) == (1, 1, {"engine-killed": 1}, 1)


def test_a_lost_job_or_an_answered_stranger_is_a_failure_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = Line("edits", "x", 1, 0, {}, 1, 0, 0, 1, 1, 0, {}, 0.1, 0.1, 1.0, ())
    monkeypatch.setattr(report, "run", lambda *_: [bad])
    assert cli.run(["bench", "siege"]) == 1
    assert "Jobs were lost" in capsys.readouterr().err
