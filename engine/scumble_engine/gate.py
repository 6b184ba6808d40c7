"""Who may connect at all: ZeroMQ asks here (ZAP, RFC 27) before a peer may send its first message. No messages, no guests."""

from __future__ import annotations

import hmac

import zmq
from scumble_protocol.connection import PLAIN_USER, curve_seed, plain_password
from zmq.utils import z85

from .curve import CurveKeys

ENDPOINT = "inproc://zeromq.zap.01"
DOMAIN = b"scumble"
HANDSHAKE_MS = 3000  # a peer that is not through by then is hung up on
_ANSWERS_AT_ONCE = 256


class Gate:
    """Answer ZeroMQ's questions about new connections; only whoever holds the connection file's key gets through.

    On this machine the token is PLAIN's password, elsewhere the client's CURVE key is derived from the key, so that it never travels.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], key: bytes) -> None:
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(ENDPOINT)
        self.refused = 0
        self._passes: set[tuple[bytes, ...]] = {(b"PLAIN", PLAIN_USER.encode(), plain_password(key).encode())}
        if zmq.has("curve"):
            self._passes.add((b"CURVE", z85.decode(zmq.curve_public(z85.encode(curve_seed(key))))))

    def protect(self, socket: zmq.Socket[bytes], curve: CurveKeys | None) -> None:
        """Make an unbound socket ask here, and hang up on peers that take too long to say who they are."""
        socket.handshake_ivl = HANDSHAKE_MS
        socket.zap_domain = DOMAIN
        if curve is None:
            socket.plain_server = True
        else:
            curve.protect(socket)

    def answer(self) -> None:
        """Answer what was asked. The server calls it often."""
        for _ in range(_ANSWERS_AT_ONCE):
            if not self.socket.poll(0):
                return
            version, number, _domain, _address, _identity, *shown = self.socket.recv_multipart()
            known = self._knows(tuple(shown))
            self.refused += not known
            self.socket.send_multipart([version, number, *((b"200", b"OK") if known else (b"400", b"No")), b"", b""])

    def _knows(self, shown: tuple[bytes, ...]) -> bool:
        """Compare in a time that tells nothing about how much was right."""
        return any(
            len(shown) == len(each) and all(hmac.compare_digest(*pair) for pair in zip(shown, each, strict=True))
            for each in self._passes
        )

    def close(self) -> None:
        self.socket.close()
