"""Keeping the assistants' small networks: fp16 safetensors beside a config.json that says how to build them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from scumble_protocol.errors import EngineError
from scumble_protocol.wording import said
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def save_net(net: nn.Module, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write a network and what is known of it."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: w.half() if w.is_floating_point() else w for name, w in net.state_dict().items()}
    save_file(halves, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(facts, indent=1) + "\n")


def load_net(folder: Path, build: Callable[[dict[str, Any]], Net], advice: str) -> tuple[Net, dict[str, Any]]:
    """Return the network, in fp32 and ready to answer, and what is known of it.

    Raises EngineError, ending in the advice, when the weights are missing, damaged or not for what `build` makes of the facts.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        facts = json.loads((folder / "config.json").read_text())
        net = build(facts).eval()
        net.load_state_dict({name: w.float() for name, w in load_file(folder / "model.safetensors").items()})
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, SafetensorError) as exc:
        raise EngineError(
            said(
                "The weights of the {folder_name} are missing or damaged; {advice}.",
                folder_name=folder.name,
                advice=advice,
            ),
            "engine-no-weights",
        ) from exc
    return net, facts
