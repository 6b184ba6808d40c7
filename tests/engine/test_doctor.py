"""The doctor finds what is missing, says what to do about it, and fails only when the main job can't run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scumble_engine import cli, doctor
from scumble_engine.doctor import Finding
from scumble_engine.models.catalogue import PHOTO_FILL


def no_spec(*gone: str):
    return lambda name: None if name in gone else object()


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", no_spec("zmq", "torch"))
    needed, extra = doctor.look_at_packages(), doctor.look_at_extra_packages()
    assert (needed.ok, needed.vital, needed.state) == (False, True, "not installed: zmq")
    assert (extra.ok, extra.vital, extra.state) == (False, False, "not installed: torch")
    assert "pip install" in extra.advice


def test_missing_and_damaged_weights_are_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path / "models"))
    finding = doctor.look_at_photo_fill()
    assert (finding.ok, finding.vital) == (False, False)
    assert "scumble models pull photo-fill" in finding.advice
    assert doctor.look_at_disk().state.endswith(str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / PHOTO_FILL.file).write_bytes(b"broken")
    assert "damaged" in doctor.look_at_photo_fill().state


def test_an_open_runtime_folder_is_vital(own_runtime_dir: Path) -> None:
    own_runtime_dir.chmod(0o755)
    finding = doctor.look_at_runtime_dir()
    assert (finding.ok, finding.vital) == (False, True)
    own_runtime_dir.chmod(0o700)
    assert doctor.look_at_runtime_dir().ok


def test_an_engine_is_started_tried_and_ended(own_runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(own_runtime_dir / "state"))
    stale = {"address": f"ipc://{own_runtime_dir}/dead.sock", "key": "00" * 32, "pid": 1, "engine_version": "0.0",
             "protocols": [1], "started_at": 0.0}  # fmt: skip
    (own_runtime_dir / "engine.json").write_text(json.dumps(stale))
    (own_runtime_dir / "engine.json").chmod(0o600)
    finding = doctor.look_at_engine()
    assert finding.ok, finding
    assert "starts and answers" in finding.state
    assert "replacing a stale connection file" in finding.state


def test_an_engine_that_cant_be_started_is_vital_and_the_exit_code_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SCUMBLE_ENGINE", str(tmp_path / "gone"))
    assert cli.run(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "MISSING  engine: The engine could not be started" in said
    assert "-> Run “scumble engine” in a terminal" in said
    assert "Edits can't run until what is MISSING is there." in said


def test_advice_stands_only_where_something_is_missing() -> None:
    lines = doctor.report([Finding("a", True, "fine", "do a"), Finding("b", False, "gone", "do b")])
    assert lines == ["ok       a: fine", "missing  b: gone", "         -> do b", "Photographs can be edited."]
