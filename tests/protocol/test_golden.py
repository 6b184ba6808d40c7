"""The bytes on the wire stay what they were. When this fails, the protocol has changed: then its version must change too."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest
from protocol.golden import conversation, kept
from protocol.samples import CLIENT_MESSAGES, ENGINE_MESSAGES, ENGINE_NONCE, HELLO, KEY, NONCE, WELCOME
from scumble_protocol.wire import Channel, SeenNonces, accept_hello


def test_sealed_messages_have_the_kept_bytes() -> None:
    golden = kept()
    sealed = {name: [bytes(frame) for frame in frames] for name, frames in conversation()}
    assert list(sealed) == list(golden)
    for name, frames in sealed.items():
        assert frames == golden[name], name


def test_kept_bytes_open_as_the_messages_they_were() -> None:
    golden = list(kept().values())
    engine, hello = accept_hello(KEY, golden[0], SeenNonces())
    client = Channel(KEY, NONCE, "client")
    assert hello == HELLO
    assert client.open(golden[1]) == WELCOME
    engine.seal(WELCOME)
    said, answered = golden[2 : 2 + len(CLIENT_MESSAGES)], golden[2 + len(CLIENT_MESSAGES) :]
    assert [engine.open(frames) for frames in said] == list(CLIENT_MESSAGES)
    assert [client.open(frames) for frames in answered] == list(ENGINE_MESSAGES)


def test_the_kept_seals_are_what_spec_says_computed_by_hand() -> None:
    """Compute keys and MACs from SPEC.md's words with nothing of wire.py."""
    golden = kept()
    for name, phase, towards in (
        ("Hello", b"hello", b"> "),
        ("Welcome", b"hello", b"< "),
        ("client 0 Submit", b"session" + ENGINE_NONCE, b"> "),
        ("engine 4 Result", b"session" + ENGINE_NONCE, b"< "),
    ):
        key = hmac.new(KEY, b"scumble " + towards + NONCE + phase, hashlib.sha256).digest()
        header, *frames = golden[name]
        text = header[:40] + b"".join(len(frame).to_bytes(8, "big") + frame for frame in frames)
        assert header[40:] == hmac.new(key, text, hashlib.sha256).digest(), name


def test_kept_bodies_are_plain_msgpack_maps() -> None:
    body = msgpack.unpackb(kept()["engine 2 Progress"][1])
    assert body == {"job": "job-1", "step": 4, "of": 20, "seconds_left": 1.5, "stage": "inverting"}


@pytest.mark.slow
def test_the_same_with_msgpack_in_pure_python() -> None:
    """A host may have no compiled msgpack: run this file and test_wire.py again without it."""
    folder = Path(__file__).parent
    check = "import msgpack; assert msgpack.Unpacker.__module__ == 'msgpack.fallback', 'compiled'; "
    run = f"import pytest; raise SystemExit(pytest.main(['-q', '-m', 'not slow', {str(folder / 'test_wire.py')!r}, {__file__!r}]))"
    environment = os.environ | {"MSGPACK_PUREPYTHON": "1"}
    done = subprocess.run(
        [sys.executable, "-c", check + run],
        env=environment,
        cwd=folder.parent.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
