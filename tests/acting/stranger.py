"""A peer that speaks to an engine frame by frame, with or without its key."""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import time
from collections.abc import Sequence

import zmq
from scumble_protocol import PROTOCOL_VERSION
from scumble_protocol.connection import PLAIN_USER, ConnectionInfo, plain_password
from scumble_protocol.messages import Hello, Message, Ping, Pong, Welcome
from scumble_protocol.pixels import Buffer
from scumble_protocol.wire import HEADER, MAC_BYTES, NONCE_BYTES, SPOKEN_MAJORS, Channel


class Stranger:
    """A DEALER and a channel of its own. `key` seals its messages and `password` opens the connection; both default to the engine's."""

    def __init__(self, info: ConnectionInfo, key: bytes | None = None, password: str | None = None) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndtimeo = 20_000
        self.socket.plain_username = PLAIN_USER.encode()
        self.socket.plain_password = (plain_password(info.key) if password is None else password).encode()
        self.socket.connect(info.address)
        self.nonce = os.urandom(NONCE_BYTES)
        self.channel = Channel(key or info.key, self.nonce, "client", time.time_ns())

    def __enter__(self) -> Stranger:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self._context.term()

    def hello(self, versions: tuple[int, ...] = SPOKEN_MAJORS) -> list[bytes]:
        """Seal a greeting without sending it."""
        return [bytes(frame) for frame in self.channel.seal(Hello("stranger", versions, self.nonce))]

    def push(self, frames: Sequence[Buffer]) -> None:
        self.socket.send_multipart(list(frames))

    def say(self, message: Message) -> list[bytes]:
        """Seal and send; return the frames, for those who want to send them again."""
        frames = [bytes(frame) for frame in self.channel.seal(message)]
        self.push(frames)
        return frames

    def sealed(self, kind: int, body: bytes, planes: tuple[bytes, ...] = ()) -> list[bytes]:
        """Seal any body with the session's key, as SPEC.md says it."""
        channel = self.channel
        channel._sent += 1
        fields = (b"SCUM", *PROTOCOL_VERSION, kind, 0, channel.nonce, channel._sent, len(planes), len(body))
        mac = hmac.new(channel._outgoing, HEADER.pack(*fields, b"")[:-MAC_BYTES], hashlib.sha256)
        for frame in (body, *planes):
            mac.update(struct.pack(">Q", len(frame)) + frame)
        return [HEADER.pack(*fields, mac.digest()), body, *planes]

    def hear(self, timeout_s: float = 5.0) -> Message | None:
        """Return the next message, or None when none comes."""
        if not self.socket.poll(int(timeout_s * 1000)):
            return None
        return self.channel.open(self.socket.recv_multipart())

    def is_answered(self, timeout_s: float = 0.3) -> bool:
        return bool(self.socket.poll(int(timeout_s * 1000)))

    def enter(self) -> Welcome:
        """Open a session."""
        self.push(self.hello())
        welcome = self.hear()
        assert isinstance(welcome, Welcome)
        return welcome

    def answers_to_ping(self, number: int = 77) -> bool:
        """Say whether the engine still answers, whatever else it says before."""
        self.say(Ping(number))
        heard: Message | None = self.hear()
        while heard is not None and not (isinstance(heard, Pong) and heard.number == number):
            heard = self.hear()
        return heard is not None
