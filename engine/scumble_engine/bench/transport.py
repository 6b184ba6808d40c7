"""What the wire costs: a large layer's round trip beside PNG in base64, the server's start, and the host's main thread.

Every figure comes from real processes on this machine, in one run; nothing is edited.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import zmq
from scumble_protocol.client.session import Session
from scumble_protocol.client.transport import Connect, ZmqTransport
from scumble_protocol.client.zmtp import ZmtpTransport
from scumble_protocol.connection import RUNTIME_DIR_VARIABLE, ConnectionInfo, read
from scumble_protocol.errors import EngineError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import FINAL_EVENTS, Echoed, Edit, Event, Handle, Result
from scumble_protocol.pixels import Picture, Plane

from . import passing, png_echo

LAYER_PX = 4096
CROP_PX = 2048
ROUNDS = 7
PNG_ROUNDS = 1  # each takes many seconds
STARTS = 5
WAIT_S = 60.0
PNG_WAIT_MS = 300_000
HANDSHAKE_S = 3.0

TRANSPORTS: dict[str, Connect] = {
    "pyzmq": lambda info: ZmqTransport(info.address, info.key, info.curve_public_key, HANDSHAKE_S),
    "standard library": lambda info: ZmtpTransport(info.address, info.key, HANDSHAKE_S),
}


@dataclass(frozen=True)
class TransportReport:
    """Medians in seconds unless the name says otherwise."""

    layer_px: int
    crop_px: int
    echo_s: dict[str, float]  # client -> server -> client, by transport
    edit_s: dict[str, float]  # client -> server -> worker -> server -> client
    ping_s: dict[str, float]  # an echo of one pixel
    png_s: float  # PNG level 6 in base64, client -> server -> client
    png_fast_s: float  # the same at level 1
    start_s: float  # from the start of `scumble engine` to its welcome
    start_cpu_s: float  # the processor's share of that, which a busy machine does not stretch
    submit_ms: float  # on the main thread, the longest of all
    poll_ms: float  # on the main thread, the longest of all
    machine: dict[str, str] = field(default_factory=dict)

    @property
    def times_faster(self) -> float:
        return self.png_s / self.echo_s["pyzmq"]

    @property
    def times_faster_than_fast_png(self) -> float:
        return self.png_fast_s / self.echo_s["pyzmq"]


def run(json_path: Path | None = None) -> None:
    """Measure, print a table, and write the figures as JSON where asked. Takes about a minute."""
    report = measure()
    _print(report)
    if json_path is not None:
        ratios = {"times_faster": report.times_faster, "times_faster_than_fast_png": report.times_faster_than_fast_png}
        json_path.write_text(json.dumps(asdict(report) | ratios, indent=1) + "\n", encoding="utf-8")


def measure(layer_px: int = LAYER_PX, crop_px: int = CROP_PX) -> TransportReport:
    """Take every figure once. Raises EngineError when an engine does not start."""
    pixels = photograph(layer_px)
    layer = Plane(layer_px, layer_px, 4, "u8", pixels)
    starts = [start_seconds() for _ in range(STARTS)]
    with _engine([sys.executable, "-m", passing.MODULE]) as info:
        trips = {name: _round_trips(info, connect, layer) for name, connect in TRANSPORTS.items()}
        submit_ms, poll_ms = main_thread_ms(info, crop_px)
    return TransportReport(
        layer_px,
        crop_px,
        echo_s={name: trip.echo_s for name, trip in trips.items()},
        edit_s={name: trip.edit_s for name, trip in trips.items()},
        ping_s={name: trip.ping_s for name, trip in trips.items()},
        png_s=png_seconds(layer_px, pixels, 6),
        png_fast_s=png_seconds(layer_px, pixels, 1),
        start_s=statistics.median(wall_s for wall_s, _ in starts),
        start_cpu_s=statistics.median(cpu_s for _, cpu_s in starts),
        submit_ms=submit_ms,
        poll_ms=poll_ms,
        machine={"cores": str(os.cpu_count()), "system": platform.platform(), "python": platform.python_version()},
    )


def photograph(side_px: int) -> bytes:
    """Return a photograph (skimage's astronaut, CC0) at this side as RGBA bytes: PNG is at its best on flat colours."""
    from PIL import Image
    from skimage import data

    small = Image.fromarray(data.astronaut())
    return small.resize((side_px, side_px), Image.Resampling.BICUBIC).convert("RGBA").tobytes()


# ---- the round trip -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Trips:
    """Median seconds of an echo of the layer, of an edit that does nothing, and of an echo of one pixel."""

    echo_s: float
    edit_s: float
    ping_s: float


def _round_trips(info: ConnectionInfo, connect: Connect, layer: Plane) -> _Trips:
    pixel = Plane(1, 1, 4, "u8", bytes(4))
    edit = Edit(Picture(layer), (Handle(Point(1, 1), Point(9, 9)),))
    session = Session(info, "bench", connect=connect)
    try:
        session.wait_until_open(WAIT_S)
        return _Trips(
            _median(lambda: _expect(session, session.echo(layer), Echoed), ROUNDS),
            _median(lambda: _expect(session, session.submit(edit), Result), ROUNDS),
            _median(lambda: _expect(session, session.echo(pixel), Echoed), 10 * ROUNDS),
        )
    finally:
        session.close()


def _median(once: Callable[[], object], rounds: int) -> float:
    """Time something several times, after once for warmth."""
    once()
    return statistics.median(_seconds(once) for _ in range(rounds))


def _seconds(once: Callable[[], object]) -> float:
    started = time.perf_counter()
    once()
    return time.perf_counter() - started


def _expect(session: Session, job: str, kind: type[Event]) -> Event:
    """Wait for a job's final event. Raises EngineError when it is not of this kind."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        for event in session.wait(1.0):
            if isinstance(event, FINAL_EVENTS) and event.job == job:
                if not isinstance(event, kind):
                    raise EngineError(f"The engine answered {event}.")
                return event
    raise EngineError(f"The engine did not answer within {WAIT_S:.0f} s.")


def png_seconds(side_px: int, pixels: bytes, compress_level: int) -> float:
    """Return the median seconds of the same round trip as PNG in base64, over a socket of the same kind."""
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        address = f"ipc://{folder}/png.sock" if sys.platform != "win32" else "tcp://127.0.0.1:53791"
        server = subprocess.Popen([sys.executable, "-m", png_echo.MODULE, address])
        socket.linger, socket.rcvtimeo = 1000, PNG_WAIT_MS
        socket.connect(address)

        def once(size: tuple[int, int], sent: bytes) -> None:
            socket.send(png_echo.pack(size, sent, compress_level))
            _, returned, _ = png_echo.unpack(socket.recv())
            assert returned == sent, "PNG is lossless"

        try:
            once((1, 1), bytes(4))  # the other process has started now
            return statistics.median(_seconds(partial(once, (side_px, side_px), pixels)) for _ in range(PNG_ROUNDS))
        finally:
            socket.send(b"")
            server.wait(WAIT_S)


# ---- the start and the main thread ----------------------------------------------------------------------------------


def start_seconds() -> tuple[float, float]:
    """Return the seconds from the start of the `scumble engine` process to its welcome, and its processor's time by then."""
    import psutil

    from ..install import scumble_command

    started = time.perf_counter()
    with _engine([*scumble_command(), "engine", "--device", "cpu"], with_folder=False) as info:
        session = Session(info, "bench")
        session.wait_until_open(WAIT_S)
        seconds = time.perf_counter() - started
        used = psutil.Process(info.pid).cpu_times()
        session.close()
        return seconds, used.user + used.system


def main_thread_ms(info: ConnectionInfo, crop_px: int) -> tuple[float, float]:
    """Return the longest `submit` and the longest `poll` of a host's main thread that sends crops and polls as a timer does."""
    crop = Plane(crop_px, crop_px, 4, "u8", bytes(crop_px * crop_px * 4))
    edit = Edit(Picture(crop), (Handle(Point(1, 1), Point(9, 9)),))
    session = Session(info, "bench")
    submits: list[float] = []
    polls: list[float] = []
    try:
        session.wait_until_open(WAIT_S)
        for _ in range(10):
            submits.append(_seconds(partial(session.submit, edit)))
            _poll_until_done(session, polls)
    finally:
        session.close()
    return 1000 * max(submits), 1000 * max(polls)


def _poll_until_done(session: Session, polls: list[float]) -> None:
    deadline = time.monotonic() + WAIT_S
    while session.live_jobs and time.monotonic() < deadline:
        polls.append(_seconds(session.poll))
        time.sleep(0.005)
    session.poll()


# ---- processes ------------------------------------------------------------------------------------------------------


@contextmanager
def _engine(command: Sequence[str], with_folder: bool = True) -> Iterator[ConnectionInfo]:
    """Run an engine in a runtime folder of its own; yield as soon as it has published where it is."""
    with tempfile.TemporaryDirectory(prefix="scumble-") as folder:  # made for its owner only
        variables = os.environ | {RUNTIME_DIR_VARIABLE: folder}
        process = subprocess.Popen(
            [*command, folder] if with_folder else command, env=variables, stdout=subprocess.DEVNULL
        )
        try:
            yield _published(process, Path(folder))
        finally:
            process.terminate()
            process.wait(WAIT_S)


def _published(process: subprocess.Popen[bytes], folder: Path) -> ConnectionInfo:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        info = read(folder / "engine.json")
        if info is not None:
            return info
        time.sleep(0.001)
    raise EngineError("The engine did not start; run “scumble engine” to see why.")


# ---- the table ------------------------------------------------------------------------------------------------------


def rows(report: TransportReport) -> list[tuple[str, str, str]]:
    """Say the figures: what, how much, and the aim ("" where there is none)."""
    layer = f"{report.layer_px}² RGBA8"
    lines = [(f"{layer}, PNG level 6 in base64", f"{report.png_s:.2f} s", "")]
    lines += [(f"{layer}, PNG level 1 in base64", f"{report.png_fast_s:.2f} s", "")]
    for name, seconds in report.echo_s.items():
        lines.append((f"{layer}, there and back ({name})", f"{1000 * seconds:.0f} ms", ""))
        lines.append((f"{layer}, through the worker ({name})", f"{1000 * report.edit_s[name]:.0f} ms", ""))
        lines.append((f"one pixel, there and back ({name})", f"{1000 * report.ping_s[name]:.2f} ms", ""))
    faster = f"{report.times_faster:.0f} times"
    lines.append(("faster than PNG level 6 in base64", faster, "20 times"))
    lines.append(("faster than PNG level 1 in base64", f"{report.times_faster_than_fast_png:.0f} times", ""))
    lines.append(("engine's start to its welcome", f"{report.start_s:.2f} s", "0.5 s"))
    lines.append(("the processor's time in that", f"{report.start_cpu_s:.2f} s", ""))
    lines.append((f"submit on the main thread, {report.crop_px}² crop, longest", f"{report.submit_ms:.2f} ms", "2 ms"))
    lines.append((f"poll on the main thread, {report.crop_px}² crop, longest", f"{report.poll_ms:.2f} ms", "2 ms"))
    return lines


def _print(report: TransportReport) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"The wire, on {report.machine['cores']} cores, {report.machine['system']}")
    for heading, justify in (("what", "left"), ("measured", "right"), ("aim", "right")):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    for line in rows(report):
        table.add_row(*line)
    Console().print(table)
