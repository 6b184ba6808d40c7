"""What `scumble models` says and asks in a terminal. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from scumble_protocol.errors import Cancelled, RequestError
from scumble_protocol.wording import said

if TYPE_CHECKING:
    from .models.hub import Pull


def pull_model(name: str, yes: bool, half: bool | None) -> None:
    """Fetch a model, asking first where that is more than a small file. Raises Cancelled with what is kept."""
    from .headless.conduct import ProgressBar
    from .models import registry

    folder = registry.named(name).kind == "hub"
    half = folder and (_runs_half() if half is None else half)
    try:
        with ProgressBar(name) as bar:
            facts = registry.pull(
                name, lambda stage, fraction: bar.move(fraction, stage), half, lambda plan: _agree(plan, yes)
            )
            bar.move(1.0, "here")
    except KeyboardInterrupt:
        raise Cancelled(said("Cancelled. What has come of {name} is kept; pull again to go on.", name=name)) from None
    click.echo(f"{name} is here, in {facts.path}.")


def _runs_half() -> bool:
    import torch

    from .device import find_device
    from .diffusion.devices import pick_dtype

    return pick_dtype(torch.device(find_device("auto"))) != torch.float32


def _agree(plan: Pull, yes: bool) -> None:
    from .models.listing import size_said

    listing = plan.listing
    click.echo(f"{listing.repo}, published by {listing.publisher}; licence: {listing.licence}")
    kept = plan.size_bytes - plan.missing_bytes
    click.echo(
        f"{size_said(plan.size_bytes)} in {len(plan.files)} files"
        + (f", of which {size_said(kept)} are here" if kept else "")
        + f", to {plan.folder}"
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise RequestError("Nobody is here to be asked; say --yes to fetch it.", "not-agreed")
    if not click.confirm("Fetch it?", default=True):
        raise Cancelled("Nothing was fetched.")
