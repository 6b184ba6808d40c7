"""An engine's settings: where it listens, for whom its files are, and how one that cannot work is said and nothing starts."""

from __future__ import annotations

import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from acting.engine import ActingEngine, edit, eventually, final_of
from scumble_protocol.client.session import Session
from scumble_protocol.errors import ScumbleError
from scumble_protocol.messages import EngineState, Failure, Result


@pytest.fixture
def folder(own_runtime_dir: Path) -> Path:
    return own_runtime_dir


# ---- where it listens -----------------------------------------------------------------------------------------------


def test_loopback_tcp_is_used_on_request(folder: Path) -> None:
    with ActingEngine(folder, listen="tcp") as engine:
        assert engine.info.address.startswith("tcp://127.0.0.1:")
        session = engine.session()
        assert isinstance(final_of(session, session.submit(edit("steps 1 0"))), Result)
        session.close()


@pytest.mark.parametrize(
    ("listen", "words"),
    [
        ("tcp://0.0.0.0:0", "--curve-keys"),
        ("tcp://*:5999", "--curve-keys"),
        ("tcp://192.0.2.1:5999", "--curve-keys"),
        ("http://127.0.0.1", "give tcp://HOST:PORT"),
        ("tcp://127.0.0.1:no", "choose another --listen"),
        ("ipc:///no/such/folder/socket", "choose another --listen"),
    ],
)
def test_an_address_that_is_open_to_others_or_is_none_is_refused(folder: Path, listen: str, words: str) -> None:
    with ActingEngine(folder, listen=listen) as engine:
        code, _, complaint = engine.ended()
    assert code == 2
    assert words in complaint
    assert complaint.count("\n") == 1
    assert {path.name for path in folder.iterdir()} <= {"engine.lock", "logs"}


def test_with_curve_keys_it_may_be_reached_from_elsewhere_and_only_with_its_public_key(folder: Path) -> None:
    with ActingEngine(folder, listen="tcp://0.0.0.0:*", curve_keys=str(folder / "keys")) as engine:
        info = engine.info
        assert info.address.startswith("tcp://127.0.0.1:")
        assert len(info.curve_public_key) == 40
        assert stat.S_IMODE((folder / "keys" / "engine.key_secret").stat().st_mode) == 0o600
        session = Session(info, "far away")
        session.wait_until_open(10)
        assert isinstance(final_of(session, session.submit(edit("steps 1 0"))), Result)
        session.close()
        in_the_clear = Session(replace(info, curve_public_key=""), "in the clear")
        with pytest.raises(ScumbleError):
            in_the_clear.wait_until_open(10)
        in_the_clear.close()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are of another kind there")
def test_curve_keys_that_others_can_read_are_refused(folder: Path) -> None:
    with ActingEngine(folder, curve_keys=str(folder / "keys")) as engine:
        assert engine.info.curve_public_key
        engine.end()
    (folder / "keys" / "engine.key_secret").chmod(0o644)
    with ActingEngine(folder, curve_keys=str(folder / "keys")) as engine:
        code, _, complaint = engine.ended()
    assert code == 2
    assert "chmod 600" in complaint


# ---- settings that cannot work --------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["gpu", "cuda:x"])
def test_a_name_of_no_device_is_refused_before_anything_starts(folder: Path, device: str) -> None:
    with ActingEngine(folder, device=device) as engine:
        code, said, complaint = engine.ended()
    assert (code, said) == (2, "")
    assert "is not known; use auto, cpu, cuda" in complaint


def test_a_device_that_the_worker_does_not_find_ends_the_engine_with_its_sentence(folder: Path) -> None:
    with ActingEngine(folder, model="refuse") as engine:
        code, _, complaint = engine.ended()
    assert code == 2
    assert complaint == "The device cuda:7 was asked for, but torch finds none.\n"
    assert {path.name for path in folder.iterdir()} <= {"engine.lock", "logs"}


def test_a_real_worker_refuses_cuda_where_there_is_none(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one here")
    worker = (sys.executable, "-m", "scumble_engine.worker")
    with ActingEngine(folder, device="cuda:3", worker_command=worker) as engine:
        code, _, complaint = engine.ended(timeout_s=120)
    assert code == 2
    assert "cuda:3 was asked for, but torch finds none" in complaint


def state_when(session: Session, settled: str) -> EngineState:
    def told() -> EngineState | None:
        session.poll()
        return session.state if session.state and settled in session.state.note else None

    return eventually(told)


@pytest.mark.parametrize(
    ("model", "words"), [("fail", "The model could not be opened."), ("die", "ended by itself (exit code 3)")]
)
def test_a_worker_that_cannot_start_is_a_note_and_a_sentence_for_each_job_not_a_loop(
    folder: Path, model: str, words: str
) -> None:
    with ActingEngine(folder, model=model) as engine:
        session = engine.session()
        for _ in range(2):
            failure = final_of(session, session.submit(edit("steps 1 0")))
            assert isinstance(failure, Failure)
            assert words in failure.sentence
            assert state_when(session, words).phase == "starting"
        assert (engine.logs / "engine.log").read_text().count("WARNING worker ended") == 3
        session.close()


def test_a_model_that_cannot_be_used_is_a_note_and_other_edits_run(folder: Path) -> None:
    with ActingEngine(folder, model="note") as engine:
        session = engine.session()
        assert state_when(session, "The model folder is empty.").phase == "ready"
        assert isinstance(final_of(session, session.submit(edit("steps 1 0"))), Result)
        session.close()


def test_a_runtime_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with ActingEngine(tmp_path / "file" / "run") as engine:
        code, _, complaint = engine.ended()
    assert code == 2
    assert "SCUMBLE_RUNTIME_DIR" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are of another kind there")
def test_a_runtime_folder_that_others_can_enter_is_refused(folder: Path) -> None:
    folder.chmod(0o755)
    with ActingEngine(folder) as engine:
        code, _, complaint = engine.ended()
    assert code == 3
    assert "chmod 700" in complaint


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are of another kind there")
def test_logs_are_for_their_owner_only(folder: Path) -> None:
    (folder / "logs").mkdir(mode=0o755)
    (folder / "logs" / "engine.log").touch(0o644)
    with ActingEngine(folder) as engine:
        session = engine.session()
        assert isinstance(final_of(session, session.submit(edit("steps 1 0"))), Result)
        session.close()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in engine.logs.iterdir()}
        assert modes == {"engine.log": 0o600, "worker.log": 0o600}
        assert stat.S_IMODE(engine.logs.stat().st_mode) == 0o700


def test_a_log_that_cannot_be_written_is_said(folder: Path) -> None:
    (folder / "file").write_text("")
    with ActingEngine(folder, log_dir=str(folder / "file")) as engine:
        code, _, complaint = engine.ended()
    assert code == 2
    assert "can't write its log" in complaint
