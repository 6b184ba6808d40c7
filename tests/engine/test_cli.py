"""The command line's own parts: what it imports, how it reads options, and how it says what went wrong."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from scumble_engine import cli
from scumble_engine.models import registry
from scumble_engine.models.catalogue import PHOTO_FILL
from scumble_protocol.errors import Cancelled, EngineError, ProtocolError, RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle, Instruction, PromptPair


def test_help_needs_nothing_heavy() -> None:
    code = "import sys; from scumble_engine import cli; assert cli.run(['--help']) == 0; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "numpy", "zmq", "PIL", "onnxruntime", "rich", "asyncio"}
    assert "edit" in loaded  # the help was printed


def test_a_drag_is_read_as_a_handle() -> None:
    assert cli.handle_from("120,80.5:-3,4") == Handle(Point(120, 80.5), Point(-3, 4))
    for text in ("", "1,2", "1,2:3", "1,2,3:4,5", "a,b:c,d", "1,2:3,4:5,6"):
        with pytest.raises(click.BadParameter, match="X,Y:X,Y"):
            cli.handle_from(text)


def test_words_make_one_cue() -> None:
    assert cli.words_from(None, None, None) is None
    assert cli.words_from("make it blue", None, None) == Instruction("make it blue")
    assert cli.words_from(None, "a", "b") == PromptPair("a", "b")
    for half in ((None, "a", None), (None, None, "b"), ("x", "a", "b")):
        with pytest.raises(RequestError):
            cli.words_from(*half)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestError("One.\nTwo."), 2),
        (EngineError("One.\nTwo."), 1),
        (ProtocolError("One.\nTwo."), 3),
        (Cancelled("One.\nTwo."), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_one_line_and_a_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(registry, "list_models", fail)
    assert cli.run(["models", "list"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip() == f"scumble: {'Cancelled.' if isinstance(error, KeyboardInterrupt) else 'One. Two.'}"


def test_our_own_faults_are_one_sentence_too_unless_debugging(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(registry, "list_models", fail)
    assert cli.run(["models", "list"]) == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "ZeroDivisionError: division by zero" in said
    monkeypatch.setenv("SCUMBLE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.run(["models", "list"])


def test_known_models_are_listed_with_licence_and_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "photo-fill: " in said
    assert f"sha256 {PHOTO_FILL.sha256}" in said
    assert "licence MIT" in said
