"""Which attacks there are, how much of each, and the table of what was lost, told to strangers, weighed and waited for."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import attacks
from .attacks import Seen
from .ground import Ground, Painter, Scale, Tally, besieged

Attack = Callable[[Ground, int], Seen]


@dataclass(frozen=True)
class Part:
    """An attack with its full amount and a small one that shows that it works."""

    attack: Attack
    what: str
    full: int
    quick: int


PARTS: dict[str, Part] = {
    "hostile": Part(attacks.hostile, "hostile messages", 100_000, 300),
    "half-open": Part(attacks.half_open, "half-open connections", 1_109, 20),
    "never-reading": Part(attacks.never_reading, "layers of 16 MiB, never read", 200, 4),
    "crowd": Part(attacks.crowd, "jobs queued at once", 2_000, 40),
    "kills": Part(attacks.worker_kills, "workers killed", 100, 2),
    "pause": Part(attacks.paused, "seconds of pause", 35, 2),
    "edits": Part(attacks.long_day, "edits in a row", 2_000, 20),
}


@dataclass(frozen=True)
class Line:
    """One attack. Waits are the honest painter's, from asking (or greeting) to the layer, in seconds."""

    part: str
    what: str
    asked: int
    layers: int
    failed: dict[str, int]
    lost: int
    wrong: int
    answered: int
    peak_bytes: int
    painter_asked: int
    painter_lost: int
    painter_failed: dict[str, int]
    median_wait_s: float
    longest_wait_s: float
    seconds: float
    notes: tuple[str, ...]


def run(names: Sequence[str] = (), quick: bool = False, json_path: Path | None = None) -> list[Line]:
    """Besiege one engine with the named attacks, or all; print the table and write it as JSON where asked.

    The full siege takes ten minutes or so and 1 GiB; nothing leaves the machine. Raises EngineError when no engine starts.
    """
    with besieged() as ground:
        lines = [_measured(ground, name, PARTS[name], quick) for name in names or PARTS]
    _print(lines)
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n", encoding="utf-8")
    return lines


def _measured(ground: Ground, name: str, part: Part, quick: bool) -> Line:
    amount = part.quick if quick else part.full
    painter, scale = Painter(ground), Scale(ground.server)
    started = time.monotonic()
    scale.start()
    painter.start()
    try:
        seen = part.attack(ground, amount)
    finally:
        painter.rest()
        scale.rest()
    return _line(name, f"{amount:,} {part.what}", seen, painter.tally, scale.peak_bytes, time.monotonic() - started)


def _line(name: str, what: str, seen: Seen, painter: Tally, peak_bytes: int, seconds: float) -> Line:
    waits = painter.waits_s or [0.0]
    return Line(
        name,
        what,
        seen.tally.asked,
        seen.tally.layers,
        seen.tally.failed,
        seen.tally.lost + painter.lost,
        seen.tally.wrong + painter.wrong,
        seen.answered,
        peak_bytes,
        painter.asked,
        painter.lost,
        painter.failed,
        statistics.median(waits),
        max(waits),
        seconds,
        tuple(seen.notes),
    )


def rows(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """Say the figures, a row an attack."""
    return [
        (
            line.what,
            f"{line.layers} of {line.asked}" + _told(line.failed),
            str(line.lost + line.wrong),
            str(line.answered),
            f"{line.peak_bytes / 2**20:.0f} MiB",
            f"{line.painter_asked}" + _told(line.painter_failed),
            f"{line.median_wait_s:.2f} s",
            f"{line.longest_wait_s:.2f} s",
            f"{line.seconds:.0f} s",
        )
        for line in lines
    ]


def _told(failed: dict[str, int]) -> str:
    """Say how many jobs were refused or failed, in words that their client got."""
    return "".join(f", {count} {code}" for code, count in failed.items())


HEADINGS = (
    "siege",
    "layers of its own jobs",
    "lost or wrong",
    "answered to strangers",
    "server's peak",
    "painter's edits",
    "typical wait",
    "longest wait",
    "took",
)


def _print(lines: Sequence[Line]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="An engine under siege")
    for heading in HEADINGS:
        table.add_column(heading)
    for row in rows(lines):
        table.add_row(*row)
    console = Console()
    console.print(table)
    for line in lines:
        for note in line.notes:
            console.print(f"{line.what}: {note}")
