"""Asking the probe inside Krita: Python that runs on its main thread, with answers as JSON."""

from __future__ import annotations

import base64
import json
import socket
import struct
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class ProbeError(AssertionError):
    """What was asked raised inside Krita."""


class Probe:
    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, source: str, timeout_s: float = 60.0) -> Any:
        """Run statements inside Krita and return what they left in `answer`."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(timeout_s)
            peer.connect(str(self.path))
            text = textwrap.dedent(source).encode()
            peer.sendall(struct.pack(">I", len(text)) + text)
            size = struct.unpack(">I", _exactly(peer, 4))[0]
            reply = json.loads(_exactly(peer, size))
        if "error" in reply:
            raise ProbeError(reply["error"])
        return _decoded(reply["value"])

    def value(self, expression: str, timeout_s: float = 60.0) -> Any:
        return self.ask(f"answer = ({expression})", timeout_s)


def _exactly(peer: socket.socket, size: int) -> bytes:
    whole = bytearray()
    while len(whole) < size:
        part = peer.recv(min(size - len(whole), 2**20))
        if not part:
            raise ConnectionError("Krita's probe hung up")
        whole += part
    return bytes(whole)


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"base64"}:
            return base64.b64decode(value["base64"])
        return {key: _decoded(one) for key, one in value.items()}
    return [_decoded(one) for one in value] if isinstance(value, list) else value


def eventually(what: Callable[[], T], timeout_s: float = 30.0, every_s: float = 0.1) -> T:
    """Return the first truthy answer; fail when none comes in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(every_s)
    raise AssertionError(f"not within {timeout_s} s: {what}")
