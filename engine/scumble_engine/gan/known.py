"""Which generators are here, by name: those that come with Scumble, and what the user converted. No torch here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

from ..models import registry
from .config import CONFIG, WEIGHTS, GeneratorConfig, read_config

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class KnownGenerator:
    """A generator's folder and sizes. `numbers`: what each number of its z stands for, () where nobody knows; `spread`: how much of
    it one standard deviation of z is, () = all alike.
    """

    name: str
    folder: Path
    config: GeneratorConfig
    numbers: tuple[str, ...] = ()
    spread: tuple[float, ...] = ()

    @property
    def changed(self) -> int:
        """When its weights were written (ns); 0 where they are missing."""
        weights = self.folder / WEIGHTS
        return weights.stat().st_mtime_ns if weights.is_file() else 0


def own_folder() -> Path:
    """Return where the user's generators lie, a folder each. It may not exist."""
    return registry.models_dir() / "generators"


def generator_names() -> tuple[str, ...]:
    """Name every generator that is here, in order."""
    places = (_embedded_folder(), own_folder())
    folders = [folder for place in places if place.is_dir() for folder in place.iterdir() if _is_generator(folder)]
    return tuple(sorted({folder.name for folder in folders}))


def find_generator(name: str) -> KnownGenerator:
    """Find a generator by its name, never by a path. Raises RequestError that says which there are."""
    for place in (own_folder(), _embedded_folder()):
        if _NAME.fullmatch(name) and _is_generator(place / name):
            return _known(place / name)
    there = ", ".join(generator_names()) or "none"
    raise RequestError(
        said(
            "The generator “{name}” is not here (here: {there}); put its folder into {folder}, or convert it with "
            "`scumble models convert`.",
            name=name[:64],
            there=there,
            folder=own_folder(),
        ),
        "no-generator",
    )


def _embedded_folder() -> Path:
    return Path(registry.__file__).parent / "weights"


def _is_generator(folder: Path) -> bool:
    return "generator" in _facts(folder)


def _known(folder: Path) -> KnownGenerator:
    config, facts = read_config(folder / CONFIG), _facts(folder)
    numbers, spread = facts.get("z", []), facts.get("spread", [])
    named = isinstance(numbers, list) and len(numbers) == config.z_size
    spread_known = isinstance(spread, list) and len(spread) == config.z_size
    return KnownGenerator(
        folder.name,
        folder,
        config,
        tuple(map(str, numbers)) if named else (),
        tuple(map(float, spread)) if spread_known else (),
    )


def _facts(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
