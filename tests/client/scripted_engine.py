"""An engine's end of the wire for tests: it greets as an engine does and answers messages as the test says."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from scumble_protocol.client.transport import MemoryTransport, Transport, memory_pair
from scumble_protocol.connection import ConnectionInfo
from scumble_protocol.errors import ProtocolError
from scumble_protocol.messages import EngineMessage, EngineState, Message, Ping, Pong, Welcome
from scumble_protocol.pixels import Buffer
from scumble_protocol.wire import Channel, SeenNonces, accept_hello

KEY = bytes(range(32))
STATE = EngineState("9.9", "ready", "test-model", "cpu", ("Handle",))
INFO = ConnectionInfo("ipc:///nowhere", KEY, os.getpid(), "9.9", (1,), 0.0)

Answer = Callable[[Message], Sequence[EngineMessage]]


def no_answer(_: Message) -> Sequence[EngineMessage]:
    return ()


class ScriptedEngine:
    """Serve one session in a thread over an in-memory pair; `heard` is what the client said."""

    def __init__(self, answer: Answer = no_answer, key: bytes = KEY, deaf_to: tuple[type, ...] = ()) -> None:
        self.heard: list[Message] = []
        self.refused: list[ProtocolError] = []
        self.near, self._far = memory_pair()
        self._answer, self._key, self._deaf_to = answer, key, deaf_to
        self._seen = SeenNonces()
        self._channel: Channel | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def connect(self, _: ConnectionInfo) -> Transport:
        return self.near

    def __enter__(self) -> ScriptedEngine:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vanish()

    def vanish(self) -> None:
        """Go without a word, as a killed process does."""
        self._stop.set()
        self._far.wake()
        self._thread.join(5)
        self._far.close()

    def say(self, *messages: EngineMessage) -> None:
        assert self._channel is not None
        for message in messages:
            self._far.send(self._channel.seal(message))

    def say_raw(self, frames: list[Buffer]) -> None:
        self._far.send(frames)

    def await_heard(self, kind: type, count: int = 1, timeout_s: float = 5.0) -> list[Message]:
        """Wait until the client has said `count` messages of a kind, and return them."""
        deadline = time.monotonic() + timeout_s
        while len(found := [m for m in self.heard if isinstance(m, kind)]) < count:
            assert time.monotonic() < deadline, f"{kind.__name__} did not come; heard {self.heard}"
            time.sleep(0.005)
        return found

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                frames = self._far.receive(0.05)
            except ConnectionError:
                return
            if frames is not None:
                self._take(frames)

    def _take(self, frames: Sequence[Buffer]) -> None:
        try:
            if self._channel is None:
                self._greet(frames)
                return
            message = self._channel.open(frames)
        except ProtocolError as exc:
            self.refused.append(exc)
            return
        self.heard.append(message)
        if not isinstance(message, self._deaf_to):
            self.say(*([Pong(message.number, STATE)] if isinstance(message, Ping) else self._answer(message)))

    def _greet(self, frames: Sequence[Buffer]) -> None:
        self._channel, hello = accept_hello(self._key, frames, self._seen)
        self.heard.append(hello)
        if not isinstance(hello, self._deaf_to):
            answers = self._answer(hello) or (Welcome(1, os.urandom(16), STATE),)
            self.say(*answers)


__all__ = ["INFO", "KEY", "STATE", "MemoryTransport", "ScriptedEngine", "no_answer"]
