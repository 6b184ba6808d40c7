"""How others send pictures, to compare with: PNG in base64 in JSON, over the same kind of socket."""

from __future__ import annotations

import base64
import io
import json
import sys
from typing import Any

import zmq
from PIL import Image

MODULE = "scumble_engine.bench.png_echo"


def pack(size: tuple[int, int], pixels: bytes, compress_level: int) -> bytes:
    """Encode RGBA pixels. `compress_level`: zlib's; 6 is what most programs use, 1 the fastest."""
    stream = io.BytesIO()
    Image.frombytes("RGBA", size, pixels).save(stream, "PNG", compress_level=compress_level)
    return json.dumps({"level": compress_level, "image": base64.b64encode(stream.getvalue()).decode()}).encode()


def unpack(message: bytes) -> tuple[tuple[int, int], bytes, int]:
    """Decode to the picture's size, its RGBA pixels and the level it was packed with."""
    told: dict[str, Any] = json.loads(message)
    with Image.open(io.BytesIO(base64.b64decode(told["image"]))) as image:
        return image.size, image.tobytes(), int(told["level"])


def main(address: str) -> None:
    """Decode what comes, encode it again, and send it back, until a message is empty."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with context, context.socket(zmq.ROUTER) as socket:
        socket.bind(address)
        while True:
            identity, message = socket.recv_multipart()
            if not message:
                return
            socket.send_multipart([identity, pack(*unpack(message))])


if __name__ == "__main__":
    main(sys.argv[1])
