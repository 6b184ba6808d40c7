"""The worker's process and its private socket: what it may be given, who may listen, what it may import."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from acting.engine import ACTING_WORKER, eventually
from scumble_engine.child import Child
from scumble_engine.supervisor import WORKER_COMMAND
from scumble_protocol.messages import Message, Ping, Pong, Welcome


def words_of(child: Child, kind: type[Message]) -> Message:
    said: list[Message] = []

    def heard() -> list[Message]:
        said.extend(message for message in child.heard() if isinstance(message, kind))
        return said

    return eventually(heard)[0]


def test_no_other_user_hears_or_silences_a_worker_on_loopback(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)  # too deep for a socket file
    deep.mkdir(parents=True)
    child = Child(ACTING_WORKER, "auto", "cpu", deep, tmp_path / "worker.log")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stranger = context.socket(zmq.PAIR)
    try:
        assert child.address.startswith("tcp://127.0.0.1:")
        stranger.connect(child.address)  # long before the worker is there
        words_of(child, Welcome)
        child.send(Ping(7))
        words_of(child, Pong)
        assert not stranger.poll(300)
    finally:
        stranger.close(linger=0)
        context.term()
        child.end()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are of another kind there")
def test_the_workers_log_is_its_owners_only_even_if_an_older_one_was_not(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text("old\n")
    log.chmod(0o644)
    child = Child(ACTING_WORKER, "auto", "cpu", tmp_path, log)
    child.end()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert log.read_text().startswith("old\n")


def test_nothing_is_imported_from_the_current_folder_also_where_python_knows_no_safe_path(tmp_path: Path) -> None:
    for name in ("scumble_engine", "zmq", "json", "runpy"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'caught')!r}, 'a').write({name!r})")
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(WORKER_COMMAND, cwd=tmp_path, env=plain, input=b"no greeting\n", capture_output=True)
    assert not (tmp_path / "caught").exists()
    assert b"JSONDecodeError" in done.stderr, "the real worker did not start"
