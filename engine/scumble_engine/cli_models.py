"""What `scumble models` says and asks in a terminal. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from scumble_protocol.errors import Cancelled, RequestError
from scumble_protocol.wording import said

if TYPE_CHECKING:
    from .models.catalogue import KnownModel
    from .models.hub import Pull
    from .models.registry import ModelFacts

NOT_COMMERCIAL = "Not for commercial work."


def list_models(as_json: bool) -> None:
    """Write the catalogue, with what of it is here."""
    from .models import registry

    known = registry.list_models()
    if as_json:
        click.echo(json.dumps([_as_object(facts) for facts in known], indent=1))
        return
    for facts in known:
        for line in _lines(facts):
            click.echo(line)


def _lines(facts: ModelFacts) -> list[str]:
    model = facts.model
    lines = [f"{model.name}: {'here' if facts.present else 'not here'}{f' ({facts.note})' if facts.note else ''}"]
    serves = f"; serves {', '.join(model.serves)}" if model.serves else ""
    lines.append(f"    {model.does}{serves}")
    publisher = f", published by {model.publisher}" if model.publisher else ""
    lines.append(f"    from {model.where}{publisher}; licence {model.licence}")
    if not model.commercial:
        lines.append(f"    {NOT_COMMERCIAL}")
    if model.kind != "embedded":
        lines.append(f"    {_sizes(model)}")
    if facts.present:
        lines.append(f"    at {facts.path}")
    return [*lines, f"    sha256 {model.sha256}"] if model.sha256 else lines


def _sizes(model: KnownModel) -> str:
    """On an accelerator first: painters have one more often than not."""
    from .models.listing import size_said

    half, full = (f"{size_said(model.download_bytes(each))} to fetch" for each in (True, False))
    if not model.numbers:
        return full
    memory = [f"{model.memory_bytes(each) / 2**30:.1f} GiB of memory" for each in (True, False)]
    return f"on a GPU {half}, {memory[0]}; on the CPU {full}, {memory[1]}"


def _as_object(facts: ModelFacts) -> dict[str, Any]:
    model = facts.model
    sizes = {
        precision: {"download_bytes": model.download_bytes(half), "memory_bytes": model.memory_bytes(half)}
        for precision, half in (("half", True), ("full", False))
    }
    return {
        "name": model.name,
        "does": model.does,
        "serves": model.serves,
        "where": model.where,
        "publisher": model.publisher,
        "licence": model.licence,
        "commercial": model.commercial,
        "here": facts.present,
        "path": str(facts.path),
        **({} if model.kind == "embedded" else sizes),
    }


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
    from .models import registry
    from .models.listing import size_said

    listing = plan.listing
    click.echo(f"{listing.repo}, published by {listing.publisher}; licence: {listing.licence}")
    known = registry.find(listing.repo)
    if known is not None and not known.commercial:
        click.echo(NOT_COMMERCIAL)
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
