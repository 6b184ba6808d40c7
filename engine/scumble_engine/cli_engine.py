"""`scumble engine` and what is said to the engine that runs. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from scumble_protocol.errors import RequestError


@click.group(invoke_without_command=True)
@click.pass_context
@click.option(
    "--model",
    default="auto",
    envvar="SCUMBLE_MODEL",
    help="A known name, a folder, a .safetensors file or a hub id of a text-to-image model.",
)
@click.option(
    "--lora",
    multiple=True,
    metavar="FILE[:WEIGHT]",
    help="A LoRA file to put on the model, as FILE:0.8; may be repeated.",
)
@click.option(
    "--control",
    multiple=True,
    metavar="[KIND=]PATH",
    help="A ControlNet or T2I-Adapter for strokes: a folder, a file or a pulled hub id; may be repeated.",
)
@click.option("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps.")
@click.option(
    "--reader",
    default="",
    envvar="SCUMBLE_READER",
    help="A folder or hub id of a language model that reads instructions.",
)
@click.option(
    "--guesser", default="", envvar="SCUMBLE_GUESSER", help="A folder or hub id of a model that says what strokes show."
)
@click.option("--listen", default="", help="An address; by default one that only you can reach. “tcp” is loopback TCP.")
@click.option(
    "--curve-keys",
    type=click.Path(path_type=Path),
    help="A folder of CURVE keys, for an address that other machines reach.",
)
@click.option(
    "--idle-exit", type=float, default=600.0, show_default=True, help="Seconds without any client to exit after."
)
@click.option(
    "--rest-after",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds without an edit after which models leave memory, clients or not; the next edit loads them again.",
)
def engine(context: click.Context, /, **options: Any) -> None:
    """Run the engine here until it is idle. Edits find it; they start one by themselves when none runs.

    A reader is any text-generation model of transformers, a guesser any image-text-to-text model; both must be here
    already (scumble models pull OWNER/NAME). Engines that start by themselves read SCUMBLE_MODEL,
    SCUMBLE_READER and SCUMBLE_GUESSER.
    """
    if context.invoked_subcommand is not None:
        return
    from .models.control_file import control_from
    from .models.lora_file import lora_from
    from .server import serve
    from .supervisor import WORKER_COMMAND, Patience

    for name in ("idle_exit", "rest_after"):
        if not options[name] > 0:
            option = f"--{name.replace('_', '-')}"
            raise RequestError(f"{option} is a number of seconds above 0, not {options[name]:g}.", "bad-setting")
    own = [f"--{name}={options[name]}" for name in ("reader", "guesser") if options[name]]
    own += [f"--lora={lora.path.resolve()}:{lora.weight}" for lora in map(lora_from, options["lora"])]
    own += [f"--control={control.kind}={control.path.resolve()}" for control in map(control_from, options["control"])]
    serve(
        model=options["model"],
        device=options["device"],
        listen=options["listen"],
        curve_keys=options["curve_keys"],
        idle_exit_s=options["idle_exit"],
        announce=click.echo,
        worker_command=(*WORKER_COMMAND, *own),
        patience=Patience(rest_s=options["rest_after"]),
    )


@engine.command("stop")
def stop_engine() -> None:
    """End the engine that runs, whoever uses it; its memory is free then. Edits under way fail with a sentence."""
    from .headless.conduct import stop_running_engine

    click.echo("The engine has stopped." if stop_running_engine() else "No engine runs.")
