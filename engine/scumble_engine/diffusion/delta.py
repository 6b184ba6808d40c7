"""The language edit: one difference D between edited and source latents, renewed at a few noise levels.

Denoising-diffusion consistent models (Xu et al. 2023, section 3): source and target share each step's noise, so that with
z_t = z_s + √ᾱ·D the published update x̂ = x0 + [(z_t − z_s) − √(1−ᾱ)(e_t − e_s)]/√ᾱ becomes D <- D − √((1−ᾱ)/ᾱ)·(e_t − e_s),
which is D <- x0(z_t; target) − x0(z_s; source). In that last form nothing is divided by √ᾱ, so zero terminal SNR is fine.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said
from torch import Tensor

from .alignment import align, replaced
from .attention import Reads
from .blend import BothMaps, LocalBlend
from .capabilities import Attends, Denoiser
from .schedule import Prediction
from .trace import SourceStep, source_steps
from .unified import Heard, Phase, Role, UnifiedControl, WordMaps
from .words import Conditioning


@dataclass(frozen=True)
class DeltaPlan:
    """`self_share`, `cross_share` 0..1: for how much of the steps layout and words are taken from the source. `blend`: words whose
    place may change (none: everywhere); `keep`: words whose place must not. `guidance`: of the target; the source has none.
    `contrast`: let only that change where the prompts disagree: (nothing below, all above), as shares of the greatest disagreement.
    """

    source: str
    target: str
    timesteps: tuple[int, ...]
    guidance: float = 2.0
    self_share: float = 0.7
    cross_share: float = 0.7
    blend: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    threshold: float = 0.55
    contrast: tuple[float, float] | None = None
    seed: int = 0

    def phase(self, number: int, pairs: tuple[int, ...]) -> Phase:
        share = (number + 1) / len(self.timesteps)
        return Phase(share < self.self_share, share <= self.cross_share, pairs)

    @property
    def steers(self) -> bool:
        """Whether any step reads what the source's attention was."""
        return bool(self.self_share or self.cross_share or self.blend)

    def reads(self, pairs: tuple[int, ...]) -> tuple[Reads, ...]:
        """Say of each step what is read of the source's attention: Q and K where layout or words are taken from it; K and V, by the
        layout branch, where it is free."""
        if not self.steers:
            return ()
        phases = [self.phase(number, pairs) for number in range(len(self.timesteps))]
        free = "kv" if self.blend else ""
        return tuple(
            Reads("qk" if one.layout_locked else free, "qk" if one.shares_words or self.blend else "") for one in phases
        )


@dataclass(frozen=True)
class DeltaStep:
    """After step `number` of `of` (from 1): the edited latents are x0 + delta. `place`: what the words' maps let change, or None."""

    number: int
    of: int
    delta: Tensor
    place: Tensor | None = None


@torch.no_grad()
def delta_steps(
    model: Denoiser, x0: Tensor, plan: DeltaPlan, mask: Tensor | None = None, start: Tensor | None = None
) -> Generator[DeltaStep, None, Tensor]:
    """Yield after each step and return D (like x0, fp32). `mask` (1, 1, h, w) 0..1 bounds it; `start` is a first D (a drag's, say).

    Apply a strength λ afterwards as x0 + λ·D: it costs a decode and no forward.
    """
    branches = _Branches(model, plan, x0)
    delta = torch.zeros_like(x0) if start is None else start
    layout, place = torch.zeros_like(x0), None
    disagreement = torch.zeros_like(x0[:, :1])
    reads = plan.reads(branches.pairs)
    for number, source in enumerate(source_steps(model, x0, plan.source, plan.timesteps, plan.seed, reads)):
        delta, layout = branches.step(number, source, delta, layout)
        if branches.blend is not None:
            signal = float(model.schedule.levels(source.timestep)[0])
            place, keep = (one.to(x0.device) for one in branches.blend.masks(signal, (x0.shape[-2], x0.shape[-1])))
            layout = (1 - keep) * layout
            delta = torch.where(place > 0, (1 - keep) * delta, layout)
        if plan.contrast is not None:
            disagreement = disagreement + delta.abs().mean(1, keepdim=True)
            place = contrast_place(disagreement, plan.contrast)
            delta = place * delta
        delta = delta if mask is None else mask * delta
        yield DeltaStep(number + 1, len(plan.timesteps), delta, place)
    return delta


def contrast_place(disagreement: Tensor, contrast: tuple[float, float]) -> Tensor:
    """Return (1, 1, h, w) in 0..1: where the two prompts disagree most, summed over the steps so far.

    The idea of DiffEdit (Couairon et al. 2022, section 3.2), with differences that the loop has anyway. The peak is a high
    quantile, so that one odd latent does not decide; a little blur makes the place whole.
    """
    smooth = F.avg_pool2d(F.pad(disagreement, (1, 1, 1, 1), mode="replicate"), 3, 1)
    low, high = contrast
    share = smooth / torch.quantile(smooth.flatten(), 0.97).clamp_min(1e-8)
    return ((share - low) / (high - low)).clamp(0, 1)


class _Branches:
    """The branches of one edit that are alive: target, its unconditional one if guided, and layout once it differs from the source."""

    def __init__(self, model: Denoiser, plan: DeltaPlan, x0: Tensor) -> None:
        self.model, self.plan = model, plan
        self.source, self.target = model.words(plan.source), model.words(plan.target)
        self.unguided = plan.guidance == 1.0 or model.guides_itself
        self.pairs = prompt_pairs(self.source, self.target)
        self.blend = _local_blend(cast("Attends", model), plan, (x0.shape[-2], x0.shape[-1])) if plan.blend else None

    def step(self, number: int, source: SourceStep, delta: Tensor, layout: Tensor) -> tuple[Tensor, Tensor]:
        """Run the living branches at one timestep; return the new D and the layout branch's."""
        phase = self.plan.phase(number, self.pairs)
        roles = self._roles(phase)
        signal = self.model.schedule.levels(source.timestep)[0].to(delta.device)
        z = torch.cat([source.z + signal * (layout if role == "layout" else delta) for role in roles])
        prediction = self.model.predict(
            z,
            source.timestep,
            [self._words(role) for role in roles],
            self._control(roles, phase, source),
            guidance=self.plan.guidance,
        )
        rows = {role: Prediction(prediction.x0[i : i + 1], prediction.noise[i : i + 1]) for i, role in enumerate(roles)}
        target = rows["target"]
        if "uncond" in rows:
            target = target.guided_from(rows["uncond"], self.plan.guidance)
        return target.x0 - source.x0, rows["layout"].x0 - source.x0 if "layout" in rows else layout

    def _roles(self, phase: Phase) -> tuple[Role, ...]:
        roles: tuple[Role, ...] = ("target",) if self.unguided else ("target", "uncond")
        # Until it is freed the layout branch repeats the source, and without a blend nobody reads it.
        return (*roles, "layout") if self.blend is not None and not phase.layout_locked else roles

    def _words(self, role: Role) -> Conditioning:
        return {"target": self.target, "uncond": self.model.words(self.model.profile.negative), "layout": self.source}[
            role
        ]

    def _control(self, roles: tuple[Role, ...], phase: Phase, source: SourceStep) -> UnifiedControl | None:
        if not self.plan.steers:
            return None
        maps = BothMaps((self.blend.change, self.blend.keep)) if self.blend is not None else None
        return UnifiedControl(roles, phase, source.triples, maps)


def prompt_pairs(source: Conditioning, target: Conditioning) -> tuple[int, ...]:
    """Align two prompts: for each token position of the target the source's position of the same word, or -1.

    Start and end answer to each other, and so does the padding, as far as both have it.
    """
    inner = [pair + 1 if pair >= 0 else -1 for pair in align(source.inner_ids, target.inner_ids)]
    free = [*range(source.length, len(source.token_ids))]
    padding = [free[k] if k < len(free) else -1 for k in range(len(target.token_ids) - target.length)]
    return (0, *inner, source.length - 1, *padding)


def _local_blend(model: Attends, plan: DeltaPlan, latent_size: tuple[int, int]) -> LocalBlend:
    size = model.word_map_size(latent_size)
    source, target = model.words(plan.source), model.words(plan.target)
    change, keep = _found(model, plan.blend, source, target), _found(model, plan.keep, source, target)
    pairs = align(source.inner_ids, target.inner_ids)
    gone = replaced(source.inner_ids, pairs, [position - 1 for position in change["target"]])
    change["source"] = tuple(sorted({*change["source"], *(index + 1 for index in gone)}))
    return LocalBlend(WordMaps(change, size), WordMaps(keep, size), plan.threshold)


def _found(
    model: Attends, words: tuple[str, ...], source: Conditioning, target: Conditioning
) -> dict[Heard, tuple[int, ...]]:
    """Find words in both prompts. Raises RequestError for one that is in neither."""
    found: dict[Heard, set[int]] = {"source": set(), "target": set()}
    for word in words:
        here = model.positions(source, word)
        there = model.positions(target, word)
        if not here and not there:
            raise RequestError(
                said(
                    "The word {word} is in neither prompt; name a word of {source} or {target}.",
                    word=f"{word!r}",
                    source=f"{source.prompt!r}",
                    target=f"{target.prompt!r}",
                ),
                "unknown-word",
            )
        found["source"].update(here)
        found["target"].update(there)
    return {"source": tuple(sorted(found["source"])), "target": tuple(sorted(found["target"]))}
