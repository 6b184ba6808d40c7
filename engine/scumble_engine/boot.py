"""What server and worker must agree on before they can talk."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

OUT_OF_MEMORY = "engine-out-of-memory"  # a worker that said so is replaced: what filled the memory may still be there


@dataclass(frozen=True)
class Boot:
    """What the server tells a new worker on its standard input, as one line of JSON, so that no key is in argv or environment.

    `hello` holds the frames of the server's greeting: the worker answers them at `address`.
    """

    address: str
    key: bytes = field(repr=False)
    hello: tuple[bytes, ...]
    model: str
    device: str
    curve_server_key: str = ""  # Z85, where the address is one that others can reach

    def to_line(self) -> str:
        named = {"address": self.address, "key": self.key.hex(), "hello": [frame.hex() for frame in self.hello]}
        settings = {"model": self.model, "device": self.device, "curve_server_key": self.curve_server_key}
        return json.dumps(named | settings) + "\n"

    @staticmethod
    def from_line(line: str) -> Boot:
        named = json.loads(line)
        hello = tuple(bytes.fromhex(frame) for frame in named["hello"])
        settings = (named["model"], named["device"], named["curve_server_key"])
        return Boot(named["address"], bytes.fromhex(named["key"]), hello, *settings)
