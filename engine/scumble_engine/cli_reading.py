"""`scumble bench reading`: how instructions in plain English are read."""

from __future__ import annotations

from pathlib import Path

import click
from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

FilePath = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=FilePath)
@click.option(
    "--reader", default="", help="A folder or hub id of a language model that reads first; without it, rules alone."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--json", "json_path", type=FilePath, help="Write each reading here too.")
def reading(file: Path, reader: str, device: str, json_path: Path | None) -> None:
    """Score how the instructions in FILE are read.

    A line of FILE is: instruction | what the picture shows | right kinds | words of the target | words that it must lack.
    """
    from .bench import reading as benchmark
    from .headless.atomic import check_can_write

    if not file.is_file():
        raise RequestError(said("There is no file {file}.", file=str(file)), "no-file")
    if json_path is not None:
        check_can_write(json_path)
    benchmark.run(file, reader, device, json_path)
