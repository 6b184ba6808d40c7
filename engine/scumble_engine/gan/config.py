"""What a generator is made of, as JSON beside its weights. Nothing here needs torch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scumble_protocol.errors import RequestError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
FIRST_PX = 4
LARGEST_PX = 1024
MOST_CHANNELS = 2048


@dataclass(frozen=True)
class GeneratorConfig:
    """The sizes of a StyleGAN2 generator (Karras et al. 2020, config f and smaller).

    `channels`: of the blocks at 4, 8, 16 … px. `normalize_z`: the mapping divides z by its length first, as published; a
    generator that was taught by regression keeps z as it is. `mapping_rate`: the learning rate multiplier of the mapping.
    `noise`: whether the layers add their fixed noise.
    `clamp`: features are held within it (0 = not), as generators trained in half precision want.
    """

    z_size: int = 512
    w_size: int = 512
    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128)
    mapping_layers: int = 8
    mapping_rate: float = 0.01
    normalize_z: bool = True
    noise: bool = True
    clamp: float = 0.0

    @property
    def resolution(self) -> int:
        """The side of the pictures in pixels."""
        return FIRST_PX << (len(self.channels) - 1)

    @property
    def sides(self) -> tuple[int, ...]:
        """The sides of the blocks in pixels: 4, 8, 16 …"""
        return tuple(FIRST_PX << level for level in range(len(self.channels)))

    @property
    def styles(self) -> int:
        """How many w a picture takes: one a convolution, and one for the last layer to RGB."""
        return 2 * len(self.channels)


def check_config(config: GeneratorConfig) -> GeneratorConfig:
    """Return the config. Raises RequestError for sizes that no generator here has, before anything is allocated."""
    sizes = (config.z_size, config.w_size, *config.channels)
    levels = int(math.log2(LARGEST_PX // FIRST_PX)) + 1
    if not 2 <= len(config.channels) <= levels or not all(1 <= size <= MOST_CHANNELS for size in sizes):
        raise RequestError(
            f"The generator's sizes are out of range ({config.resolution} px, up to {max(sizes)} channels).",
            "bad-model",
        )
    if not 1 <= config.mapping_layers <= 16 or not 0 < config.mapping_rate <= 10 or config.clamp < 0:
        raise RequestError("The generator's mapping is out of range.", "bad-model")
    return config


def read_config(path: Path) -> GeneratorConfig:
    """Read config.json of a generator's folder. Raises RequestError for what is no such file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return check_config(config_from(found["generator"]))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RequestError(
            f"The generator {path.parent.name} cannot be used: its config.json is damaged.", "bad-model"
        ) from exc


def config_from(values: dict[str, Any]) -> GeneratorConfig:
    """Make a config of JSON's values. Raises TypeError or ValueError for others."""
    usual = asdict(GeneratorConfig())
    if unknown := sorted(set(values) - set(usual)):
        raise ValueError(f"unknown settings {unknown}")
    known = {name: type(usual[name])(value) for name, value in values.items()}
    if "channels" in known:
        known["channels"] = tuple(int(one) for one in known["channels"])
    return GeneratorConfig(**known)


def config_values(config: GeneratorConfig) -> dict[str, Any]:
    """Return the config as JSON's values."""
    return asdict(config) | {"channels": list(config.channels)}
