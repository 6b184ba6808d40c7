"""What is thrown at the engine. Each attack takes the ground and an amount, ends by itself, and says what it saw."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil
import zmq
from scumble_protocol.client.session import Session
from scumble_protocol.client.zmtp_frames import GREETING, hello_command
from scumble_protocol.connection import PLAIN_USER, plain_password
from scumble_protocol.messages import FINAL_EVENTS, Echo, Edit, Failure, Hello, Message, Ping, Result, Submit
from scumble_protocol.parcel import Sender
from scumble_protocol.pixels import Picture, Plane
from scumble_protocol.wire import MAX_FRAME_BYTES, NONCE_BYTES, SPOKEN_MAJORS, Channel

from .ground import JOB_S, Ground, Tally, finished, small_edit, until

SEED = 20261124
CLIENTS = 24
ECHO_PX = 2048
DEAF_GUESTS = 4


@dataclass
class Seen:
    """What an attack saw: jobs of its own, answers that strangers got, and sentences about the rest."""

    tally: Tally = field(default_factory=Tally)
    answered: int = 0
    notes: list[str] = field(default_factory=list)


# ---- hostile messages -----------------------------------------------------------------------------------------------


def hostile(ground: Ground, amount: int) -> Seen:
    """Throw messages that nobody should answer: `amount` with the password but no good seal, and 32 kB of frames for each without it."""
    seen, rng = Seen(), random.Random(SEED)
    with zmq.Context() as context, _knocker(context, ground) as socket:
        for _ in range(amount):
            socket.send_multipart(_mutated(ground, rng))
        seen.answered += _answers(socket)
    sent = _endless_frames(ground, amount * 2**15)
    seen.notes.append(f"{sent / 2**20:.0f} of {amount * 2**15 / 2**20:.0f} MiB without the password went down the line")
    return seen


@contextlib.contextmanager
def _knocker(context: zmq.Context[zmq.Socket[bytes]], ground: Ground) -> Iterator[zmq.Socket[bytes]]:
    """Connect with the right password: whatever comes through must stop at the seal."""
    with context.socket(zmq.DEALER) as dealer:
        dealer.linger, dealer.sndtimeo = 0, int(JOB_S * 1000)
        dealer.plain_username, dealer.plain_password = PLAIN_USER.encode(), plain_password(ground.info.key).encode()
        dealer.connect(ground.info.address)
        yield dealer


def _mutated(ground: Ground, rng: random.Random) -> list[bytes]:
    """Return a greeting with some of its bytes changed, sealed with a wrong key, or noise."""
    nonce = rng.randbytes(NONCE_BYTES)
    key = ground.info.key if rng.random() < 0.5 else rng.randbytes(32)
    frames = [bytes(frame) for frame in Channel(key, nonce, "client").seal(Hello("siege", SPOKEN_MAJORS, nonce))]
    if key == ground.info.key:
        at = rng.randrange(8, len(frames[0]))
        frames[0] = frames[0][:at] + bytes([frames[0][at] ^ rng.randrange(1, 256)]) + frames[0][at + 1 :]
    if rng.random() < 0.2:
        frames = [rng.randbytes(rng.choice([0, 1, 40, 72, 300])) for _ in range(rng.randrange(1, 40))]
    return frames


def _answers(dealer: zmq.Socket[bytes]) -> int:
    """Count what comes back within a second of silence."""
    count = 0
    while dealer.poll(1000):
        dealer.recv_multipart()
        count += 1
    return count


def _endless_frames(ground: Ground, amount: int) -> int:
    """Send frames with MORE and no end, by peers that never gave a password or gave a wrong one; return the bytes that were taken."""
    frame = b"\x03" + struct.pack(">Q", MAX_FRAME_BYTES) + bytes(MAX_FRAME_BYTES)
    wrong = hello_command(PLAIN_USER, "guess")[1]
    sent = 0
    for number in range(max(1, amount // (64 * len(frame)))):
        with _raw(ground) as peer, contextlib.suppress(OSError):
            peer.sendall(GREETING + (bytes([4, len(wrong)]) + wrong if number % 2 else b""))
            for _ in range(64):
                peer.sendall(frame)
                sent += len(frame)
    return sent


def _raw(ground: Ground) -> socket.socket:
    host, _, port = ground.info.address.removeprefix("tcp://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5)


# ---- half-open and never-reading peers ------------------------------------------------------------------------------


def half_open(ground: Ground, amount: int) -> Seen:
    """Hold `amount` connections open that never finish shaking hands, for 20 seconds, new ones in place of those that were hung up on."""
    seen, opened = Seen(), 0
    peers: list[socket.socket] = []
    deadline = time.monotonic() + min(20.0, 3.0 + amount / 50)
    try:
        while time.monotonic() < deadline:
            peers = [peer for peer in peers if not _hung_up(peer)]
            with contextlib.suppress(OSError):
                while len(peers) < amount:
                    peers.append(_raw(ground))
                    peers[-1].setblocking(False)
                    peers[-1].send(GREETING[: opened % len(GREETING)])
                    opened += 1
            time.sleep(0.2)
    finally:
        for peer in peers:
            peer.close()
    seen.notes.append(f"{opened} connections were opened to keep {amount} half open")
    return seen


def _hung_up(peer: socket.socket) -> bool:
    """Say whether the engine has ended this connection, and let go of it then."""
    try:
        gone = not peer.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        gone = True
    if gone:
        peer.close()
    return gone


def never_reading(ground: Ground, amount: int) -> Seen:
    """Let guests with the key ask for `amount` layers of 16 MiB in echoes and edits and read none of them."""
    seen = Seen()
    layer = Plane(ECHO_PX, ECHO_PX, 4, "u8", bytes(4 * ECHO_PX * ECHO_PX))
    with zmq.Context() as context, contextlib.ExitStack() as stack:
        deaf = [_Deaf(stack.enter_context(_knocker(context, ground)), ground) for _ in range(min(DEAF_GUESTS, amount))]
        for number in range(amount):
            large = Edit(Picture(layer), small_edit(0).cues)
            asked: Message = Echo(f"j{number}", layer) if number % 2 else Submit(f"j{number}", large)
            deaf[number % len(deaf)].ask(asked)
        time.sleep(2.0)  # the worker's own answers are still coming
    seen.notes.append(f"{amount * len(layer.data) / 2**20:.0f} MiB of layers were asked for and not read")
    return seen


class _Deaf:
    """A guest that grants itself all the credit to send and never hears a word after its welcome."""

    def __init__(self, dealer: zmq.Socket[bytes], ground: Ground) -> None:
        nonce = os.urandom(NONCE_BYTES)
        self._dealer = dealer
        self._channel = Channel(ground.info.key, nonce, "client", time.time_ns())
        dealer.rcvhwm = 1
        dealer.send_multipart(self._channel.seal(Hello("deaf", SPOKEN_MAJORS, nonce)))
        if not dealer.poll(int(JOB_S * 1000)):
            return
        self._channel.open(dealer.recv_multipart())

    def ask(self, message: Message) -> None:
        sender = Sender(self._channel, announces=True)
        sender.push(message)
        with contextlib.suppress(zmq.Again):
            while frames := sender.next():
                sender.took(2**30)
                self._dealer.send_multipart(frames)
            self._dealer.send_multipart(self._channel.seal(Ping(1)))


# ---- a crowd, a long day, and bad luck ------------------------------------------------------------------------------


def crowd(ground: Ground, amount: int) -> Seen:
    """Queue `amount` jobs of 24 clients at once, and wait for the end of each."""
    seen = Seen()
    clients = [ground.session(f"crowd {number}") for number in range(min(CLIENTS, amount))]
    asked: dict[str, Edit] = {}
    try:
        started = time.monotonic()
        for number in range(amount):
            edit = small_edit(number)
            asked[clients[number % len(clients)].submit(edit)] = edit
        seen.tally.asked = len(asked)
        deadline = started + JOB_S + amount / 10
        while asked and time.monotonic() < deadline:
            for client in clients:
                _take(client, asked, seen.tally, started)
            time.sleep(0.02)
    finally:
        for client in clients:
            client.close()
    return seen


def _take(client: Session, asked: dict[str, Edit], tally: Tally, started: float) -> None:
    for event in client.poll():
        if isinstance(event, FINAL_EVENTS) and isinstance(event, Failure | Result) and event.job in asked:
            tally.note(asked.pop(event.job), event, time.monotonic() - started)


def long_day(ground: Ground, amount: int) -> Seen:
    """Ask for `amount` edits, one after the other, in one session."""
    seen = Seen()
    session = ground.session("long day")
    for number in range(amount):
        finished(session, small_edit(number), seen.tally)
    session.close()
    return seen


def worker_kills(ground: Ground, amount: int) -> Seen:
    """Kill the worker `amount` times in the middle of things; after each, an edit must go through again."""
    seen = Seen()
    session = ground.session("after a kill")
    killed = 0
    for number in range(amount):
        worker = ground.worker()
        if worker is not None:
            with contextlib.suppress(psutil.Error):
                worker.kill()
                killed += 1
        until(lambda number=number: finished(session, small_edit(number), seen.tally), JOB_S)  # type: ignore[misc]
    session.close()
    seen.notes.append(f"{killed} workers were killed")
    return seen


def paused(ground: Ground, amount: int) -> Seen:
    """Stop server and worker for `amount` seconds, as when a lid is closed; the worker must be the same after."""
    seen = Seen()
    if sys.platform == "win32":
        seen.notes.append("there are no signals to stop a process with here")
        return seen
    session = ground.session("paused")
    finished(session, small_edit(0), seen.tally)
    worker = ground.worker()
    stopped = [ground.server.pid] + ([worker.pid] if worker else [])
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(amount)
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.2)
    session.close()
    session = ground.session("awake")
    finished(session, small_edit(1), seen.tally)
    session.close()
    same = worker is not None and ground.worker() == worker
    seen.notes.append("the worker is the same" if same else "THE WORKER IS ANOTHER")
    return seen
