"""A generator at hand, and its w: drawn by a seed, written as text and read again, and moved along named directions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said
from torch import Tensor

from ..models.download import sha256_of
from .config import WEIGHTS
from .folder import load_generator
from .generator import Generator, Synthesis
from .known import KnownGenerator
from .spread import Spread, spread_of

TRUNCATION = 0.7  # of generators whose z is noise, as their own interfaces draw (Karras et al. 2019, section 2.2)
SAMPLES, RIDGE = 4096, 1e-3


@dataclass(frozen=True)
class Steered:
    """A loaded generator. `numbers`: what each number of its z stands for, () where nobody knows."""

    name: str
    sha256: str
    generator: Generator
    numbers: tuple[str, ...] = ()

    @cached_property
    def spread(self) -> Spread:
        return spread_of(self.generator)

    @property
    def device(self) -> torch.device:
        return self.generator.mapping.w_avg.device

    def drawn(self, seed: int) -> Tensor:
        """Return the w (1, styles, w) of a seed; z that stand for something are drawn as they were taught."""
        config = self.generator.config
        z = torch.randn(1, config.z_size, generator=torch.Generator().manual_seed(seed)).to(self.device)
        return self.generator.plus(self.generator.w(z, 1.0 if self.numbers else TRUNCATION)).contiguous()

    @torch.no_grad()
    def painted(self, ws: Tensor) -> Tensor:
        """Return the picture (1, 3, S, S) in 0..1."""
        found: Synthesis = self.generator.synthesis(ws)
        return (found.rgb / 2 + 0.5).clamp(0, 1)

    @cached_property
    def _back(self) -> tuple[Tensor, Tensor]:
        """The linear way back from w (and 1) to z, by least squares over that many (seed 0)."""
        z = torch.randn(SAMPLES, self.generator.config.z_size, generator=torch.Generator().manual_seed(0))
        z = z.to(self.device)
        w = self.spread.coordinates(self.generator.w(z))
        rows = torch.cat([w, torch.ones_like(w[:, :1])], dim=1)
        gram = rows.T @ rows + RIDGE * SAMPLES * torch.eye(rows.shape[1], device=self.device)
        found = torch.linalg.solve(gram, rows.T @ z)
        return found[:-1], found[-1]

    def z_near(self, ws: Tensor, steps: int = 60) -> Tensor:
        """Return the z (1, z) whose w is nearest to the mean of ws (1, styles, w)."""
        wanted = self.spread.coordinates(ws.mean(1))
        slope, offset = self._back
        z = (wanted @ slope + offset).requires_grad_(True)
        optimizer = torch.optim.Adam([z], lr=0.05)
        for _ in range(steps):
            off = (self.spread.coordinates(self.generator.w(z)) - wanted).square().mean()
            optimizer.zero_grad()
            off.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return z.detach()

    def slid(self, ws: Tensor, slides: Iterable[tuple[str, float]]) -> Tensor:
        """Move ws (1, styles, w) along named directions. Raises RequestError for a name that the generator hasn't."""
        z = self.z_near(ws)
        there = z.clone()
        for name, amount in slides:
            there[0, self._index(name)] += amount
        with torch.no_grad():
            return ws + self.generator.plus(self.generator.w(there) - self.generator.w(z))

    def _index(self, name: str) -> int:
        if name in self.numbers:
            return self.numbers.index(name)
        if not self.numbers:
            raise RequestError(
                said("The generator “{name}” has no named directions, so no sliders.", name=self.name), "no-direction"
            )
        known = ", ".join(self.numbers)
        raise RequestError(
            said("The generator has no direction “{name}”; it has {known}.", name=name, known=known), "no-direction"
        )


def steered(known: KnownGenerator, device: str) -> Steered:
    """Load a generator. Raises RequestError for one that is damaged."""
    generator = load_generator(known.folder, device)
    return Steered(known.name, sha256_of(known.folder / WEIGHTS), generator, known.numbers)


def written(ws: Tensor) -> str:
    """Write ws (1, styles, w) as text, exactly; where all layers have one w, only that."""
    rows = ws[0] if not torch.equal(ws, ws[:, :1].expand_as(ws)) else ws[0, :1]
    return base64.b64encode(rows.detach().cpu().numpy().astype("<f4").tobytes()).decode("ascii")


def read_ws(text: str, steered: Steered) -> Tensor:
    """Read them again: (1, styles, w). Raises RequestError for what is damaged, or of a generator with other sizes."""
    config = steered.generator.config
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
    except (binascii.Error, ValueError):
        raise RequestError("What this layer says of its generator is damaged.", "bad-character") from None
    if values.size not in (config.w_size, config.w_size * config.styles):
        raise RequestError(
            said("This layer was made by another generator than the “{name}” that is here.", name=steered.name),
            "other-generator",
        )
    if not np.isfinite(values).all():
        raise RequestError("What this layer says of its generator is damaged.", "bad-character")
    rows = torch.from_numpy(values.astype(np.float32).reshape(1, -1, config.w_size))
    return rows.expand(1, config.styles, -1).contiguous().to(steered.device)
