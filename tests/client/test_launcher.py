"""Finding an engine or starting one, as a host does: by polling, with whatever an earlier one left behind."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from acting.engine import ACTING_WORKER, HERE, ActingEngine, edit, eventually, final_of
from client.far_ends import RawServer
from scumble_engine.lock import RuntimeLock
from scumble_protocol.client.lasting import lasting_session
from scumble_protocol.client.launcher import (
    ENGINE_VARIABLE,
    Launcher,
    engine_command,
    engine_environment,
    find,
    find_or_start,
    listens,
    pointer_path,
    remember_engine,
)
from scumble_protocol.client.session import Session
from scumble_protocol.connection import ConnectionInfo, new_key, publish
from scumble_protocol.errors import EngineError
from scumble_protocol.messages import Result


def command(folder: Path, **options: object) -> list[str]:
    """What starts an acting engine that leaves soon after its last guest."""
    settings = {"worker_command": ACTING_WORKER, "log_dir": str(folder / "logs"), "idle_exit_s": 1.0} | options
    return [sys.executable, str(HERE / "serve.py"), json.dumps(settings)]


def saying(words: str, code: int) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({words!r}, file=sys.stderr); sys.exit({code})"]


def stale(folder: Path, address: str | None = None) -> ConnectionInfo:
    return ConnectionInfo(address or f"ipc://{folder}/gone.sock", new_key(), 1, "0", (1,), 0.0)


def meets(info: ConnectionInfo) -> bool:
    session = Session(info, "test")
    try:
        return session.wait_until_open(10).engine_version != ""
    finally:
        session.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any scumble."""
    for name in ("HOME", "LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    return tmp_path


def program(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


# ---- finding and starting -------------------------------------------------------------------------------------------


def test_no_poll_waits_and_the_engine_that_it_starts_answers(own_runtime_dir: Path) -> None:
    launcher = Launcher(command(own_runtime_dir))
    longest = 0.0

    def polled() -> ConnectionInfo | None:
        nonlocal longest
        started = time.monotonic()
        info = launcher.poll()
        longest = max(longest, time.monotonic() - started)
        return info

    assert polled() is None
    assert launcher.starting
    assert meets(eventually(polled))
    assert longest < 0.5


def test_a_running_engine_is_used(own_runtime_dir: Path) -> None:
    with ActingEngine(own_runtime_dir) as engine:
        info = engine.info
        assert Launcher(saying("not needed", 9)).poll() == info
        assert find() == info


def test_a_stale_connection_file_is_passed_over(own_runtime_dir: Path) -> None:
    publish(stale(own_runtime_dir))
    assert find() is None
    info = find_or_start(command(own_runtime_dir))
    assert info.pid != 1
    assert meets(info)


def test_a_damaged_connection_file_is_passed_over(own_runtime_dir: Path) -> None:
    (own_runtime_dir / "engine.json").write_text("[1, 2")
    assert find() is None
    assert meets(find_or_start(command(own_runtime_dir)))


def test_two_hosts_that_start_one_at_once_meet_in_the_same_engine(own_runtime_dir: Path) -> None:
    launchers = [Launcher(command(own_runtime_dir)) for _ in range(2)]
    found: dict[int, ConnectionInfo] = {}

    def both() -> bool:
        for number, launcher in enumerate(launchers):
            if number not in found and (info := launcher.poll()) is not None:
                found[number] = info
        return len(found) == 2

    eventually(both)
    assert found[0] == found[1]
    assert meets(found[0])


def test_a_rival_that_is_slow_to_publish_is_waited_for(own_runtime_dir: Path) -> None:
    rival = RuntimeLock(own_runtime_dir)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        info = stale(own_runtime_dir, f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        info = replace(info, pid=os.getpid())
        publishing = threading.Timer(2.5, publish, (info,))
        publishing.start()
        assert find_or_start(command(own_runtime_dir)) == info
        publishing.join()
    rival.release()


def test_a_file_whose_port_another_program_has_now_is_passed_over_once_it_has_not_greeted(
    own_runtime_dir: Path,
) -> None:
    with RawServer("zmtp-tcp", b"220 mail.example.org ESMTP\r\n") as other:
        publish(stale(own_runtime_dir, other.address))
        begin = command(own_runtime_dir)
        session = lasting_session(find_or_start(begin), "test", begin)
        assert isinstance(final_of(session, session.submit(edit("steps 1 0"))), Result)
        session.close()


def test_an_engine_that_will_not_start_is_told_in_its_own_words(own_runtime_dir: Path) -> None:
    with pytest.raises(EngineError, match="did not start: The device cuda:7 is not there") as failed:
        find_or_start(saying("scumble: The device cuda:7 is not there.", 2))
    assert failed.value.code == "engine-not-started"


def test_an_engine_that_ends_without_a_word_is_told_by_its_exit_code(own_runtime_dir: Path) -> None:
    with pytest.raises(EngineError, match="exit code 7; run “scumble doctor”"):
        find_or_start(saying("", 7))


def test_a_program_that_is_not_there_is_told_with_advice(own_runtime_dir: Path) -> None:
    with pytest.raises(EngineError, match=f"No such file.*set {ENGINE_VARIABLE}") as failed:
        find_or_start([str(own_runtime_dir / "no" / "scumble"), "engine"])
    assert failed.value.code == "engine-not-found"


def test_an_engine_that_never_answers_is_not_waited_for_for_ever(own_runtime_dir: Path) -> None:
    with pytest.raises(EngineError, match="has not answered within 0 s") as failed:
        find_or_start([sys.executable, "-c", "import time; time.sleep(5)"], timeout_s=0.4)
    assert failed.value.code == "engine-slow"


# ---- where the command is -------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="programs are of another kind there")
def test_the_command_is_the_users_choice_then_what_install_wrote_then_the_path(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = program(home / "bin" / "scumble")
    assert engine_command() == [on_path, "engine"]
    written = program(home / "venv" / "bin" / "scumble")
    remember_engine([written])
    assert engine_command() == [written, "engine"]
    chosen = program(home / "with a space" / "scumble")
    monkeypatch.setenv(ENGINE_VARIABLE, chosen)
    assert engine_command() == [chosen, "engine"]
    monkeypatch.setenv(ENGINE_VARIABLE, "flatpak-spawn --host scumble")
    assert engine_command() == ["flatpak-spawn", "--host", "scumble", "engine"]


def test_inside_a_flatpak_nothing_from_outside_is_started_and_it_is_said_what_to_do(
    home: Path, own_runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_engine([program(home / "venv" / "bin" / "scumble")])
    monkeypatch.setenv("FLATPAK_ID", "org.kde.krita")
    with pytest.raises(
        EngineError, match=r"flatpak override .*scumble:create org.kde.krita.*keep “scumble engine” running"
    ):
        Launcher().poll()
    monkeypatch.setenv(ENGINE_VARIABLE, "flatpak-spawn --host scumble")
    assert engine_command() == ["flatpak-spawn", "--host", "scumble", "engine"]
    with ActingEngine(own_runtime_dir) as engine:
        info = engine.info
        assert Launcher().poll() == info


@pytest.mark.skipif(sys.platform != "linux", reason="snaps are Linux's")
def test_inside_a_snap_it_is_said_where_the_engine_must_listen(
    home: Path, own_runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_engine([program(home / "venv" / "bin" / "scumble")])
    monkeypatch.setenv("SNAP_NAME", "krita")
    monkeypatch.setenv(
        "SNAP", str(home / "elsewhere")
    )  # inherited from a snap that started this program, which is none
    assert engine_command()[-1] == "engine"
    monkeypatch.setenv("SNAP", os.path.dirname(os.path.realpath(sys.executable)))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7/snap.krita")
    with pytest.raises(EngineError, match=r"SCUMBLE_RUNTIME_DIR=/run/user/7/snap.krita/scumble scumble engine"):
        Launcher().poll()


def test_no_command_anywhere_is_told_with_three_ways_out(home: Path, own_runtime_dir: Path) -> None:
    with pytest.raises(EngineError, match="scumble install") as failed:
        Launcher().poll()
    assert failed.value.code == "engine-not-found"
    assert ENGINE_VARIABLE in failed.value.sentence


@pytest.mark.parametrize(
    "written", ["", "{", "[]", '{"scumble": []}', '{"scumble": [1]}', '{"scumble": ["/gone/scumble"]}']
)
def test_a_pointer_that_leads_nowhere_is_passed_over(home: Path, written: str) -> None:
    on_path = program(home / "bin" / "scumble")
    pointer_path().parent.mkdir(parents=True)
    pointer_path().write_text(written)
    assert engine_command() == [on_path, "engine"]


def test_the_hosts_own_python_settings_do_not_reach_the_engine() -> None:
    host = {
        "PYTHONHOME": "/krita",
        "PYTHONPATH": "/krita/lib",
        "LD_LIBRARY_PATH": "/krita/lib",
        "HOME": "/home/p",
        "LANG": "C",
    }
    assert engine_environment(host) == {"HOME": "/home/p", "LANG": "C"}


def test_the_started_process_is_not_bound_to_the_hosts_folder_or_terminal(
    own_runtime_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.chdir(tmp_path)
    code = f"import os; open({str(tmp_path / 'told')!r}, 'w').write(f'{{os.getcwd()}} {{os.getsid(0) == os.getpid()}}')"
    launcher = Launcher([sys.executable, "-c", code])
    launcher.poll()
    told = tmp_path / "told"
    eventually(lambda: told.exists() and told.read_text())
    assert told.read_text() == f"{os.path.abspath(os.sep)} True"


# ---- what listens ---------------------------------------------------------------------------------------------------


def test_listening_is_told_from_a_dead_socket(own_runtime_dir: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    assert listens(address)
    server.close()
    assert not listens(address)
    assert not listens(f"ipc://{own_runtime_dir}/nothing.sock")
    assert not listens("tcp://127.0.0.1:notaport")
    assert listens("tcp://192.0.2.1:5999"), "a machine elsewhere is not waited for"
