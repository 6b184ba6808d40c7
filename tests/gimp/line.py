"""A line to functions of `inside/`, which run in GIMP's own Python: one JSON object a line, there and back."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

CALL_TIMEOUT_S = 120.0


class InGimp(AssertionError):
    """What went wrong inside GIMP, with its traceback."""


class Line:
    """`call("pictures.make", width=64)` runs `inside/pictures.py: make(width=64)`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(CALL_TIMEOUT_S)

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a function and return what it returns (as JSON can say it). Raises InGimp."""
        self.begin(function, **arguments)
        return self.answer()

    def begin(self, function: str, **arguments: Any) -> None:
        """Call a function and don't wait; `answer` collects what it returns."""
        self._connection.sendall(json.dumps({"call": function, "with": arguments}).encode() + b"\n")

    def answer(self) -> Any:
        data = b""
        while not data.endswith(b"\n"):
            part = self._connection.recv(2**16)
            if not part:
                raise InGimp("GIMP has ended")
            data += part
        reply = json.loads(data)
        if "error" in reply:
            raise InGimp(reply["error"])
        return reply["value"]

    def close(self) -> None:
        with suppress(OSError):
            self._connection.close()
