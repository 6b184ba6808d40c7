"""`scumble bench`: which benchmark, on what, and where its figures go. Each is imported only when it runs."""

from __future__ import annotations

from pathlib import Path

import click
from scumble_protocol.errors import EngineError

from .cli_reading import reading

FilePath = click.Path(path_type=Path)
SIEGE_PARTS = ("hostile", "half-open", "never-reading", "crowd", "kills", "pause", "edits")


@click.group()
def bench() -> None:
    """Benchmarks with ground truth."""


bench.add_command(reading)


@bench.command()
@click.option("--json", "json_path", type=FilePath, help="Write the figures here too.")
def transport(json_path: Path | None) -> None:
    """Time the round trip of pixels, and what the host's main thread pays."""
    from .bench import transport as benchmark

    _check_places(json_path)
    benchmark.run(json_path)


@bench.command()
@click.option("--json", "json_path", type=FilePath, help="Write the figures here too.")
@click.option("--model", "families", multiple=True, type=click.Choice(["SD 1.5", "SDXL"]), help="Only this one.")
def flops(json_path: Path | None, families: tuple[str, ...]) -> None:
    """Count what edits ask of SD 1.5 and SDXL at their real size, beside the reference implementations; needs no weights."""
    from .bench import flops as benchmark

    _check_places(json_path)
    benchmark.run(json_path, families)


@bench.command()
@click.option("--json", "json_path", type=FilePath, help="Write the figures here too.")
@click.option("--model", default="creatures", show_default=True, help="A generator of creatures, by name.")
@click.option("--count", default=60, show_default=True, type=click.IntRange(1, 1000))
@click.option("--seed", default=1234, show_default=True, type=click.IntRange(0, 2**32 - 1))
def gan(json_path: Path | None, model: str, count: int, seed: int) -> None:
    """Score pulls on a generator of creatures, whose renderer knows the truth, beside controls and the published constants."""
    from .bench import gan as benchmark

    _check_places(json_path)
    benchmark.run(model, count, seed, json_path)


@bench.command()
@click.option("--json", "json_path", type=FilePath, help="Write the figures here too.")
@click.option(
    "--part", "parts", multiple=True, type=click.Choice(SIEGE_PARTS), help="Only this attack; may be repeated."
)
@click.option("--quick", is_flag=True, help="A little of each, within a minute, to see that it works.")
def siege(json_path: Path | None, parts: tuple[str, ...], quick: bool) -> None:
    """Besiege an engine of its own, on this machine alone: hostile and deaf peers, crowds, killed workers, a pause."""
    from .bench.siege import report

    _check_places(json_path)
    lines = report.run(parts, quick, json_path)
    if any(line.lost or line.wrong or line.answered for line in lines):
        raise EngineError("Jobs were lost, mixed up, or strangers were answered; see the table.", "siege-lost")


@bench.command()
@click.option("--json", "json_path", type=FilePath, help="Write the figures here too.")
@click.option("--sheet", type=FilePath, help="Write a contact sheet here (PNG).")
def edits(json_path: Path | None, sheet: Path | None) -> None:
    """Score edits against known truth, beside doing nothing and the truth itself."""
    from .bench import edits as benchmark

    _check_places(json_path, sheet)
    benchmark.run(json_path, sheet)


@bench.command()
@click.option("--json", "json_path", type=FilePath, help="Gather the figures here too, part by part.")
@click.option("--sheets", type=FilePath, help="A folder for contact sheets (PNG).")
@click.option("--model", default="auto", show_default=True, help="A known name, a folder or a hub id.")
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 1000), help="Tasks of each kind.")
@click.option("--seed", default=1234, show_default=True, type=click.IntRange(0, 2**32 - 1))
@click.option(
    "--part", "parts", multiple=True, help="Only this part, such as language or language/recolor; may be repeated."
)
@click.option("--editor", type=FilePath, help="A folder of the editor's weights, for rows of it alone.")
def illustrations(
    json_path: Path | None,
    sheets: Path | None,
    model: str,
    count: int,
    seed: int,
    parts: tuple[str, ...],
    editor: Path | None,
) -> None:
    """Score words, drags, brush and guesses on composed illustrations, where the true answer is known."""
    from .bench import illustrations as benchmark

    _check_places(json_path, sheets and sheets / "language.png")
    benchmark.run(json_path, sheets, count, seed, model, parts, editor)


def _check_places(*paths: Path | None) -> None:
    """Refuse places that can't be written before a benchmark has run for minutes."""
    from .headless.atomic import check_can_write

    for path in paths:
        if path is not None:
            check_can_write(path)
