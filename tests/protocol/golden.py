"""One conversation with fixed keys and nonces, whose every byte is kept in golden.hex.

After a compatible change of the protocol (a new field with a default): raise its minor version and write the file anew with
`PYTHONPATH=protocol:tests python -m protocol.golden`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from protocol.samples import CLIENT_MESSAGES, ENGINE_MESSAGES, HELLO, KEY, NONCE, WELCOME
from scumble_protocol.pixels import Buffer
from scumble_protocol.wire import Channel

GOLDEN = Path(__file__).with_name("golden.hex")


def conversation() -> Iterator[tuple[str, list[Buffer]]]:
    """Yield each message's name and frames, in the order they are sealed."""
    client, engine = (
        Channel(KEY, NONCE, "client", first_counter=1_700_000_000_000_000_000),
        Channel(KEY, NONCE, "engine"),
    )
    hello = client.seal(HELLO)
    engine.open(hello)
    welcome = engine.seal(WELCOME)
    client.open(welcome)
    yield "Hello", hello
    yield "Welcome", welcome
    for number, message in enumerate(CLIENT_MESSAGES):
        yield f"client {number} {type(message).__name__}", client.seal(message)
    for number, message in enumerate(ENGINE_MESSAGES):
        yield f"engine {number} {type(message).__name__}", engine.seal(message)


def kept() -> dict[str, list[bytes]]:
    """Read golden.hex: a heading a message, frames apart by empty lines, "-" for an empty frame."""
    found: dict[str, list[bytes]] = {}
    for block in GOLDEN.read_text("ascii").split("# ")[1:]:
        name, _, rest = block.partition("\n")
        found[name] = [bytes.fromhex(frame.replace("-", "")) for frame in rest.strip().split("\n\n")]
    return found


def write() -> None:
    """Write golden.hex from what the code seals now."""
    blocks = [
        f"# {name}\n" + "\n\n".join("\n".join(textwrap.wrap(bytes(frame).hex(), 120)) or "-" for frame in frames)
        for name, frames in conversation()
    ]
    GOLDEN.write_text("\n\n".join(blocks) + "\n", "ascii")


if __name__ == "__main__":
    write()
