"""A model of real size that only counts: its networks run on meta tensors, and stand-ins of the right shapes answer the edits.

So an edit's own code runs, on a picture of real size, and what it asks of the networks is counted; only what depends on the
answers' content (how long a refinement goes on) is not what it would be.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
import transformers
from torch import Tensor, nn

from ..diffusion.attention import Control, Recorder, SharedKeys, Triples
from ..diffusion.capabilities import Condition
from ..diffusion.devices import autoencoder_dtype
from ..diffusion.features import FeaturePoint
from ..diffusion.model import DiffusionModel
from ..diffusion.schedule import Prediction
from ..diffusion.schedulers import read_schedule
from ..diffusion.unified import Heard, Listener, UnifiedControl
from ..diffusion.words import Conditioning
from ..models.single_file import published_layout, write_layout
from .costs import META, Cost, cost_of

# How far the stand-in's answer to a prompt is from that to another, in latents' standard deviations.
SAID = 0.3


@dataclass
class Ledger:
    """What was asked for: `calls` of each network by pictures, all `flops`, and the greatest `peak` bytes that one call made."""

    calls: Counter[str] = field(default_factory=Counter)
    flops: int = 0
    peak: int = 0
    known: dict[object, Cost] = field(default_factory=dict)

    def book(self, what: str, pictures: int, cost: Cost) -> None:
        self.calls[what] += pictures
        self.flops += cost.flops
        self.peak = max(self.peak, cost.peak)

    def clear(self) -> None:
        self.calls, self.flops, self.peak = Counter(), 0, 0


@dataclass(frozen=True)
class _Deaf:
    """Has a listener's maps computed, and tells it others of their shape: on meta tensors there is nothing in them."""

    maps: Listener

    def wants(self, who: Heard, queries: Tensor) -> bool:
        return self.maps.wants(who, queries)

    def add(self, who: Heard, weights: Tensor) -> None:
        self.maps.add(who, torch.rand(weights.shape, generator=torch.Generator().manual_seed(0)))


@dataclass
class CountedModel(DiffusionModel):
    """Answers from the CPU with stand-ins; `ledger` says what the real networks would have cost."""

    ledger: Ledger = field(default_factory=Ledger)
    recorded: dict[tuple[object, ...], list[Triples]] = field(default_factory=dict)

    @cached_property
    def on_meta(self) -> DiffusionModel:
        told = {name: getattr(self, name) for name in ("name", "folder", "dtype", "pipeline", "schedule", "profile")}
        return DiffusionModel(device=META, **told)

    @cached_property
    def weights_bytes(self) -> int:
        """What all weights of all parts take."""
        parts = [part for part in self.pipeline.components.values() if isinstance(part, nn.Module)]
        return sum(weight.nbytes for part in parts for weight in part.parameters())

    @cached_property
    def stride(self) -> int:
        return self.on_meta.stride

    def words(self, prompt: str) -> Conditioning:
        if prompt not in self.on_meta.prompts.known:
            _, cost = cost_of(lambda: self.on_meta.words(prompt))
            self.ledger.book("text", 1, cost)
        return self.on_meta.words(prompt)

    def _encoded(self, pixels: Tensor) -> Tensor:
        self._count(("encode", pixels.shape), len(pixels), lambda: self.on_meta._encoded(pixels.to(META)))
        small = F.avg_pool2d(pixels, self.stride) * 2 - 1
        return torch.cat([small, small.mean(1, keepdim=True)], dim=1)

    def _decoded(self, latents: Tensor) -> Tensor:
        graded = latents.requires_grad and torch.is_grad_enabled()
        key = ("decode and back" if graded else "decode", latents.shape)
        self._count(key, len(latents), lambda: _backward(self.on_meta._decoded, latents, graded))
        return F.interpolate(latents[:, :3], scale_factor=float(self.stride)) / 2 + 0.5

    def predict(
        self,
        z: Tensor,
        timestep: int | Tensor,
        words: Sequence[Conditioning],
        control: Control | None = None,
        conditions: Sequence[Condition] = (),
        guidance: float = 1.0,
    ) -> Prediction:
        shown = [replace(one, map=one.map.to(META)) for one in conditions]
        self.meter.forwards += len(z)

        def call() -> None:
            self.on_meta.predict(z.to(META), timestep, words, _deafened(control), shown, guidance)

        key = ("forward", z.shape, tuple(one.kind for one in conditions), *_manner(control))
        self._count(key, len(z), call)
        if isinstance(control, Recorder):
            known = self.recorded.setdefault(key, control.rows)
            control.rows[:] = known
        signal, sigma = self.schedule.levels(timestep)
        x0 = signal * z + SAID * torch.cat([_field(one.prompt, z[:1]) for one in words])
        return Prediction(x0, (z - signal * x0) / sigma.clamp_min(1e-3))

    def features(self, z: Tensor, timestep: int, words: Sequence[Conditioning], point: FeaturePoint) -> Tensor:
        self.meter.partial += len(z)
        graded = z.requires_grad and torch.is_grad_enabled()
        key = ("part and back" if graded else "part", z.shape, point)
        self._count(
            key,
            len(z),
            lambda: _backward(lambda one: self.on_meta.features(one, timestep, words, point), z, graded),
        )
        return F.interpolate(z, scale_factor=self.stride / point.stride)

    def _count(self, key: tuple[object, ...], pictures: int, call: Callable[[], object]) -> None:
        """Book a call; one that was measured before costs the same again."""
        if key not in self.ledger.known:
            with torch.enable_grad() if "back" in str(key[0]) else torch.no_grad():
                _, self.ledger.known[key] = cost_of(call)
        self.ledger.book(str(key[0]), pictures, self.ledger.known[key])


def _backward(forward: Callable[[Tensor], Tensor], given: Tensor, graded: bool) -> None:
    there = given.detach().to(META).requires_grad_(graded)
    answer = forward(there)
    if graded:
        answer.sum().backward()  # type: ignore[no-untyped-call]


def _manner(control: Control | None) -> tuple[object, ...]:
    if isinstance(control, UnifiedControl):
        phase = control.phase
        return (tuple(control.roles), phase.layout_locked, phase.shares_words, phase.pairs, control.maps is None)
    if isinstance(control, SharedKeys):
        return ("shared", control.first)
    return ("records", control.reads) if isinstance(control, Recorder) else ()


def _deafened(control: Control | None) -> Control | None:
    if isinstance(control, UnifiedControl) and control.maps is not None:
        return replace(control, maps=_Deaf(control.maps))
    return control


def _field(prompt: str, like: Tensor) -> Tensor:
    """Return noise that belongs to a prompt."""
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(zlib.crc32(prompt.encode())))


def counted_model(family: str, half: bool = True) -> CountedModel:
    """Build "sd1" or "sdxl" from its published configs, without weights. `half`: in fp16, as on a card, where it is safe."""
    import diffusers

    layout, xl = published_layout(family), family == "sdxl"
    dtype = torch.float16 if half else torch.float32
    parts: dict[str, Any] = {}
    for part in ("unet", "vae"):
        kind = autoencoder_dtype(dtype, layout["vae/config.json"], xl) if part == "vae" else dtype
        network = getattr(diffusers, layout[f"{part}/config.json"]["_class_name"])
        with META:
            parts[part] = network.from_config(layout[f"{part}/config.json"]).to(kind)
    for part in ("text_encoder", "text_encoder_2"):
        if f"{part}/config.json" in layout:
            with META:
                encoder = getattr(transformers, layout["model_index.json"][part][1])
                parts[part] = encoder(transformers.CLIPTextConfig(**layout[f"{part}/config.json"])).to(dtype)
    pipeline = _assembled(layout, parts, xl)
    schedule = read_schedule(layout["scheduler/scheduler_config.json"])
    return CountedModel(family, None, torch.device("cpu"), dtype, pipeline, schedule)


def _assembled(layout: dict[str, Any], parts: dict[str, Any], xl: bool) -> Any:
    import diffusers

    for part in parts.values():
        part.eval().requires_grad_(False)
    with TemporaryDirectory(prefix="scumble-layout-") as folder:
        write_layout(Path(folder), layout)
        names = ("tokenizer", "tokenizer_2") if xl else ("tokenizer",)
        parts |= {name: transformers.CLIPTokenizer.from_pretrained(Path(folder) / name) for name in names}
        scheduler = diffusers.DDIMScheduler.from_config(
            json.loads(json.dumps(layout["scheduler/scheduler_config.json"]))
        )
    if xl:
        return diffusers.StableDiffusionXLPipeline(**parts, scheduler=scheduler, add_watermarker=False)
    unused = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return diffusers.StableDiffusionPipeline(**parts, scheduler=scheduler, **unused)
