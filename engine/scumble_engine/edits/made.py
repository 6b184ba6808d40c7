"""What made a layer, for its recipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from scumble_protocol import __version__
from scumble_protocol.messages import Edit, Provenance

from ..models.memory import peak_bytes
from ..models.photo_fill import Fill

if TYPE_CHECKING:
    from ..diffusion.model import DiffusionModel


def provenance(method: str, fill: Fill | None, seed: int, runs: int, seconds: float) -> Provenance:
    """Say what made a layer of a photograph; without a fill, nothing but the picture's own pixels went into it."""
    return Provenance(
        engine_version=__version__,
        method=method,
        model=fill.name if fill else "",
        weights_sha256=fill.weights_sha256 if fill else "",
        scheduler="",
        steps=0,
        seed=seed,
        device="cpu",
        seconds=seconds,
        forwards=runs,
        peak_bytes=peak_bytes() if fill else 0,
    )


def made_by(method: str, model: DiffusionModel, edit: Edit, steps: int, started: float) -> Provenance:
    """Say what made a layer with a diffusion model; truncated forwards count as whole ones."""
    return Provenance(
        engine_version=__version__,
        method=method,
        model=model.name,
        weights_sha256=model.sha256,
        scheduler="consistency",
        steps=steps,
        seed=edit.settings.seed,
        device=str(model.device),
        seconds=time.perf_counter() - started,
        forwards=model.meter.forwards + model.meter.partial,
        peak_bytes=peak_bytes(),
        autoencoder_passes=model.meter.coded,
    )
