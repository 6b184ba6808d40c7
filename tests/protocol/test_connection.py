"""The connection file: whole or not there, ours or refused."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from scumble_protocol import connection
from scumble_protocol.connection import (
    ConnectionInfo,
    connection_path,
    is_loopback_or_ipc,
    local_address,
    new_key,
    own_runtime_dir,
    process_alive,
    publish,
    read,
    remove_if_ours,
    runtime_dir,
)
from scumble_protocol.errors import ProtocolError

INFO = ConnectionInfo("tcp://127.0.0.1:4711", bytes(range(32)), 1234, "0.1.0", (1,), 1700000000.25)


def refusal(path: Path | None = None) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        read(path)
    assert caught.value.code == "protocol-connection-file"
    return caught.value


def test_what_is_published_is_read() -> None:
    assert read() is None
    path = publish(INFO)
    assert path == connection_path()
    assert read() == INFO


def test_the_file_and_its_folder_are_for_the_owner_only() -> None:
    path = publish(INFO)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_key_is_not_shown() -> None:
    assert INFO.key.hex() not in repr(INFO)
    assert repr(INFO.key) not in repr(INFO)


def test_a_reader_that_holds_the_file_for_a_moment_does_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows a file that somebody reads can be neither replaced nor removed."""
    refused: list[str] = []

    def holding(name: str, times: int) -> None:
        plain, left = getattr(os, name), [times]

        def act(*places: str | Path) -> None:
            if left[0]:
                left[0] -= 1
                refused.append(name)
                raise PermissionError(13, "in use by another program")
            plain(*places)

        monkeypatch.setattr(os, name, act)

    holding("replace", 5)
    path = publish(INFO)
    assert read() == INFO
    holding("unlink", 5)
    assert remove_if_ours(INFO)
    assert not path.exists()
    assert refused == ["replace"] * 5 + ["unlink"] * 5


def test_publishing_leaves_nothing_else_behind() -> None:
    publish(INFO)
    publish(INFO)
    assert [each.name for each in runtime_dir().iterdir()] == ["engine.json"]


def test_a_failed_publication_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(INFO)

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(connection.os, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        publish(ConnectionInfo("tcp://127.0.0.1:1", new_key(), 1, "x", (1,), 0.0))
    assert read() == INFO
    assert [each.name for each in runtime_dir().iterdir()] == ["engine.json"]


def test_a_reader_never_sees_half_a_file() -> None:
    publish(INFO)
    stop = threading.Event()
    faults: list[Exception] = []

    def look() -> None:
        while not stop.is_set():
            try:
                assert read() is not None
            except Exception as exc:
                faults.append(exc)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(200):
        publish(ConnectionInfo("ipc:///x", new_key(), number, "0.1.0" * 50, (1,), 0.0))
    stop.set()
    reader.join()
    assert faults == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_a_file_that_others_can_read_is_refused() -> None:
    publish(INFO).chmod(0o644)
    assert "other users" in refusal().sentence


@pytest.mark.skipif(sys.platform == "win32", reason="owners are POSIX")
def test_a_file_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(INFO)
    monkeypatch.setattr(connection.os, "getuid", lambda: os.geteuid() + 1)
    assert "another user" in refusal().sentence


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_a_folder_that_others_can_enter_is_refused() -> None:
    runtime_dir().chmod(0o755)
    with pytest.raises(ProtocolError, match="closed to others"):
        publish(INFO)


def test_the_folder_is_made_for_its_owner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", str(tmp_path / "a" / "b"))
    assert stat.S_IMODE(own_runtime_dir().stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 5000,
        '{"address": "ipc:///x"}',
        json.dumps(
            {"address": "ipc:///x", "key": "zz", "pid": 1, "engine_version": "", "protocols": [], "started_at": 0}
        ),
        json.dumps(
            {"address": "ipc:///x", "key": "00", "pid": 1, "engine_version": "", "protocols": [], "started_at": 0}
        ),
        json.dumps(
            {"address": "ipc:///x", "key": "00" * 32, "pid": "?", "engine_version": "", "protocols": 1, "started_at": 0}
        ),
        json.dumps(
            {
                "address": "tcp://8.8.8.8:1",
                "key": "00" * 32,
                "pid": 1,
                "engine_version": "",
                "protocols": [1],
                "started_at": 0,
            }
        ),
        " " * 20_000,
        "\xff\xfe",
    ],
)
def test_damaged_files_are_refused_in_words(text: str) -> None:
    path = publish(INFO)
    path.write_bytes(text.encode("latin-1"))
    assert "Remove it and start the engine again." in refusal().sentence


def test_fields_of_a_later_release_are_ignored() -> None:
    path = publish(INFO)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mood": "blue"}))
    assert read() == INFO


def test_only_our_own_file_is_removed() -> None:
    publish(INFO)
    other = ConnectionInfo(INFO.address, new_key(), INFO.pid, "0.1.0", (1,), 0.0)
    assert not remove_if_ours(other)
    assert read() == INFO
    assert remove_if_ours(INFO)
    assert read() is None
    assert not remove_if_ours(INFO)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("ipc:///run/user/1000/scumble/engine-1.sock", True),
        ("tcp://127.0.0.1:5555", True),
        ("tcp://127.8.9.1:5555", True),
        ("tcp://localhost:1", True),
        ("tcp://[::1]:5555", True),
        ("tcp://127.0.0.1:*", True),
        ("tcp://*:5555", False),
        ("tcp://0.0.0.0:5555", False),
        ("tcp://192.168.1.2:5555", False),
        ("tcp://127.0.0.1.example.org:5555", False),
        ("tcp://localhost.example.org:1", False),
        ("tcp://127.0.0.1", False),
        ("udp://127.0.0.1:1", False),
        ("", False),
    ],
)
def test_addresses_that_stay_on_this_machine(address: str, local: bool) -> None:
    assert is_loopback_or_ipc(address) is local


def test_a_local_address_is_ipc_unless_its_path_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.sys, "platform", "linux")
    assert local_address(7) == f"ipc://{runtime_dir()}/engine-7.sock"
    assert local_address(7, prefer_tcp=True) == "tcp://127.0.0.1:*"
    monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", "/tmp/" + "x" * 100)
    assert local_address(7) == "tcp://127.0.0.1:*"


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_RUNTIME_DIR": "/run/user/7"}, Path("/run/user/7/scumble")),
        ("darwin", {}, Path.home() / "Library" / "Application Support" / "Scumble" / "run"),
        ("win32", {"LOCALAPPDATA": "/local"}, Path("/local/Scumble/run")),
    ],
)
def test_each_system_has_its_folder(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], expected: Path
) -> None:
    for name in ("SCUMBLE_RUNTIME_DIR", "XDG_RUNTIME_DIR", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(connection.sys, "platform", platform)
    assert runtime_dir() == expected


def test_a_system_without_a_session_folder_gets_one_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SCUMBLE_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(connection.sys, "platform", "linux")
    assert runtime_dir().name == f"scumble-{os.getuid()}"


def test_living_ended_and_zombie_processes_are_told_apart() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process_alive(child.pid)
    child.communicate(b"\n")
    assert not process_alive(child.pid)
    zombie = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert zombie.stdout is not None
    zombie.stdout.read()  # it has closed its end, and nobody has waited for it yet
    deadline = threading.Event()
    for _ in range(100):
        if not process_alive(zombie.pid):
            break
        deadline.wait(0.05)
    assert not process_alive(zombie.pid)
    zombie.wait()
    zombie.stdout.close()
    assert process_alive(os.getpid())
    assert not process_alive(0)
    assert not process_alive(2**70)
