"""The adapter over diffusers text-to-image UNet models: it denoises, attends and shows (capabilities.py).

Everything above it speaks latents in fp32 and clean/noise predictions; what a checkpoint is made of stays in here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from scumble_protocol.errors import EngineError
from torch import Tensor, nn

from ..device import find_device
from ..models.control_file import check_kinds, control_from
from ..models.lora_file import lora_from
from .attention import Control, Place, attention_layers, controlled
from .capabilities import Condition
from .controls import added, load_controls
from .devices import Berth, Residence, autoencoder_dtype, pick_dtype, stay_of, tile
from .features import FeaturePoint, block_at, truncated, word_map_size
from .kept import Kept, once
from .loading import find_model, folder_sha256, load_pipeline, load_student, open_known
from .meter import Meter
from .profile import Profile, profile_of
from .schedule import Prediction, Schedule
from .schedulers import read_schedule
from .wearing import put_on
from .words import Conditioning, PromptEncoder, stacked, token_positions

# Sixteen pictures of 512², or four of 1024².
CODED_BYTES = 48 * 2**20


@dataclass
class DiffusionModel:
    """A loaded model with frozen weights. Latents are fp32 (n, channels, h / stride, w / stride); pixels fp32 (n, 3, h, w), sRGB 0..1."""

    name: str
    folder: Path | None
    device: torch.device
    dtype: torch.dtype
    pipeline: Any
    schedule: Schedule
    residence: Residence = "whole"
    meter: Meter = field(default_factory=Meter)
    memories: dict[str, Any] = field(default_factory=dict)  # what edits keep between calls, by their own names
    berth: Berth = field(default_factory=Berth)
    student: Any = None  # a second UNet that was distilled to take few steps
    network: Any = None  # the UNet to run instead of the pipeline's own
    guidance_inside: bool = False  # whether guidance was distilled into the network
    profile: Profile = field(default_factory=Profile)
    controls: dict[str, nn.Module] = field(
        default_factory=dict
    )  # control networks, by the kind of map that they are shown

    @property
    def unet(self) -> Any:
        return self.pipeline.unet if self.network is None else self.network

    @cached_property
    def few_step(self) -> DiffusionModel:
        """The same model with its consistency student in place of its UNet; itself where there is none."""
        if self.student is None:
            return self
        return replace(self, network=self.student, student=None, memories={}, guidance_inside=True)

    @property
    def guides_itself(self) -> bool:
        """Whether no unconditional branch is needed: guidance is an input of the network, or distilled into it."""
        return self.guidance_inside or self.takes_guidance or not self.profile.unconditional

    @cached_property
    def layers(self) -> list[tuple[Place, Any]]:
        """The network's attention layers with their places."""
        return attention_layers(self.unet)

    @property
    def lately(self) -> Kept[Tensor]:
        """What was encoded and decoded lately: an edit looks at the same pictures several times, and so does the next one."""
        lately: Kept[Tensor] = self.memories.setdefault("coded", Kept(CODED_BYTES))
        return lately

    @property
    def vae(self) -> Any:
        return self.pipeline.vae

    @cached_property
    def sha256(self) -> str:
        return folder_sha256(self.folder) if self.folder else ""

    @cached_property
    def prompts(self) -> PromptEncoder:
        return PromptEncoder(self.pipeline)

    @cached_property
    def stride(self) -> int:
        """Pixels of the picture per latent."""
        return 64 // int(self.encode(torch.zeros(1, 3, 64, 64)).shape[-1])

    @cached_property
    def step_px(self) -> int:
        """Sides of a picture must be multiples of this for every layer to halve evenly."""
        halvings: int = len(self.unet.config.block_out_channels) - 1
        return self.stride << halvings

    @cached_property
    def native_side(self) -> int:
        """The side in pixels that the model was trained on."""
        size = self.unet.config.sample_size
        side: int = size if isinstance(size, int) else max(size)
        return side * self.stride

    @cached_property
    def takes_guidance(self) -> bool:
        """Whether guidance is an input of the network (guided distillation), so that no unconditional branch is needed."""
        return bool(self.unet.config.time_cond_proj_dim)

    @contextmanager
    def on_device(self, component: nn.Module) -> Iterator[nn.Module]:
        """Have one component on the device; when offloaded, it stays there until another is needed, for gradients too."""
        if self.residence == "offloaded":
            self.berth.bring(component, self.device)
        yield component

    @cached_property
    def painting(self) -> nn.Module:
        """The network and its control networks, which go to the device together."""
        return nn.ModuleList([self.unet, *self.controls.values()]) if self.controls else self.unet

    @cached_property
    def text_encoders(self) -> nn.ModuleList:
        return nn.ModuleList(
            [part for name, part in self.pipeline.components.items() if name.startswith("text_encoder")]
        )

    def words(self, prompt: str) -> Conditioning:
        """Encode a prompt (cached). Raises RequestError when it is longer than the model reads."""
        with self.on_device(self.text_encoders):
            return self.prompts.encode(prompt, self.device)

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """Encode pixels to scaled latents; a distribution gives its mode, so that the same pixels give the same latents."""
        return once(self.lately, pixels, "encoded", self._encoded)

    def decode(self, latents: Tensor) -> Tensor:
        """Decode scaled latents to pixels, not clipped; autograd works through it when it is on."""
        if latents.requires_grad and torch.is_grad_enabled():
            return self._decoded(latents)
        return once(self.lately, latents, "decoded", self._decoded)

    def _encoded(self, pixels: Tensor) -> Tensor:
        self.meter.coded += len(pixels)
        with self.on_device(self.vae), _memory_in_words():
            coded = self.vae.encode(pixels.to(self.device, self.vae.dtype) * 2 - 1)
        latents: Tensor = coded.latent_dist.mode() if hasattr(coded, "latent_dist") else coded.latents
        config = self.vae.config
        shift: float = getattr(config, "shift_factor", None) or 0.0
        scale: float = getattr(config, "scaling_factor", None) or 1.0
        return (latents.float() - shift) * scale

    def _decoded(self, latents: Tensor) -> Tensor:
        self.meter.coded += len(latents) * (2 if latents.requires_grad and torch.is_grad_enabled() else 1)
        config = self.vae.config
        raw = latents / (getattr(config, "scaling_factor", None) or 1.0) + (
            getattr(config, "shift_factor", None) or 0.0
        )
        with self.on_device(self.vae), _memory_in_words():
            decoded = self.vae.decode(raw.to(self.device, self.vae.dtype)).sample
        return decoded.float() / 2 + 0.5  # type: ignore[no-any-return]

    def predict(
        self,
        z: Tensor,
        timestep: int | Tensor,
        words: Sequence[Conditioning],
        control: Control | None = None,
        conditions: Sequence[Condition] = (),
        guidance: float = 1.0,
    ) -> Prediction:
        """Run the network on a batch at one timestep, or one a row, one prompt a row, with an attention control for as long as it runs.

        `guidance` matters only where the model takes it as an input (`takes_guidance`).
        """
        self.meter.forwards += len(z)
        with self.on_device(self.painting), controlled(self.layers, control), _memory_in_words():
            output = self._forward(z, timestep, words, guidance, conditions)
        return self.schedule.read(output, z, timestep)

    def places(self) -> tuple[Place, ...]:
        """List the attention layers in the order in which a forward meets them."""
        return tuple(place for place, _ in self.layers)

    def word_map_size(self, latent_size: tuple[int, int]) -> tuple[int, int]:
        """Return (h, w) of the layers whose maps of words are listened to."""
        return word_map_size(self.unet, latent_size)

    def positions(self, conditioning: Conditioning, words: str) -> tuple[int, ...]:
        """Return the token positions of words in a prompt; empty where they do not occur."""
        return token_positions(self.prompts.tokenizer, conditioning, words)

    def features(self, z: Tensor, timestep: int, words: Sequence[Conditioning], point: FeaturePoint) -> Tensor:
        """Return inner features (n, channels, h, w) of a forward that stops right after the block; autograd works through it."""
        self.meter.partial += len(z)
        block = block_at(self.unet, self.stride, point)
        with self.on_device(self.painting), _memory_in_words():
            return truncated(lambda: self._forward(z, timestep, words, 1.0), block).float()

    def _forward(
        self,
        z: Tensor,
        timestep: int | Tensor,
        words: Sequence[Conditioning],
        guidance: float,
        conditions: Sequence[Condition] = (),
    ) -> Tensor:
        embeds, pooled = stacked(words)
        extra: dict[str, Any] = {}
        if pooled is not None:
            size = [float(side * self.stride) for side in z.shape[-2:]]
            ids = torch.tensor([[*size, 0.0, 0.0, *size]], device=self.device, dtype=self.dtype)
            extra["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": ids.repeat(len(z), 1)}
        if self.takes_guidance:
            extra["timestep_cond"] = guidance_embedding(guidance, self.unet.config.time_cond_proj_dim).to(
                self.device, self.dtype
            )
        z = z.to(self.device, self.dtype)
        when = timestep.to(self.device) if isinstance(timestep, Tensor) else timestep
        if conditions:
            way = 1 - float(timestep) / len(self.schedule.alphas_cumprod)
            extra |= added(self.controls, (z, when, embeds, extra.get("added_cond_kwargs")), conditions, way)
        return self.unet(self._beside(z), when, encoder_hidden_states=embeds, **extra).sample  # type: ignore[no-any-return]

    def _beside(self, z: Tensor) -> Tensor:
        """Return the network's whole input: one that was taught to fill holes or follow instructions also reads a picture.

        Here it is given what it was taught means "none" (Rombach et al. 2022; Brooks et al. 2023): all is hole, around it gray; or zeros.
        """
        spare = int(self.unet.config.in_channels) - z.shape[1]
        if spare == 0:
            return z
        blank = z.new_zeros(len(z), spare, *z.shape[-2:])
        if spare == z.shape[1] + 1:
            blank[:, :1], blank[:, 1:] = 1.0, self.gray.to(z)
        return torch.cat([z, blank], dim=1)

    @cached_property
    def gray(self) -> Tensor:
        """The latents (1, channels, 1, 1) of a gray picture."""
        return self.encode(torch.full((1, 3, 64, 64), 0.5)).mean((2, 3), keepdim=True)


def guidance_embedding(guidance: float, size: int) -> Tensor:
    """Return the (1, size) sinusoidal embedding of guidance − 1 that guided distillation feeds in (Meng et al. 2023)."""
    frequencies = torch.exp(torch.arange(size // 2) * -(torch.log(torch.tensor(10_000.0)) / (size // 2 - 1)))
    angles = 1000.0 * (guidance - 1.0) * frequencies
    return torch.cat([angles.sin(), angles.cos()])[None]


@contextmanager
def _memory_in_words() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as exc:
        raise EngineError(
            "The device ran out of memory; edit a smaller region, close other programs, or choose a smaller model.",
            "engine-out-of-memory",
        ) from exc


def load_model(
    name: str = "auto", device: str = "auto", loras: Sequence[str] = (), controls: Sequence[str] = ()
) -> DiffusionModel:
    """Load an embedded model, a folder, a single file or a hub id, with LoRA files (FILE or FILE:WEIGHT) on it and control
    networks (PATH or KIND=PATH) beside it.

    Raises RequestError for what can't be used, EngineError for what can't be had or does not fit.
    """
    worn, shown = [lora_from(lora) for lora in loras], tuple(control_from(control) for control in controls)
    check_kinds(shown)
    place, where = find_model(name), torch.device(find_device(device))
    dtype = pick_dtype(where)
    checkpoint = open_known(place, half=dtype != torch.float32)
    schedule = read_schedule(checkpoint.configs["scheduler"])
    dtypes = {"default": dtype, "vae": autoencoder_dtype(dtype, checkpoint.configs["vae"], checkpoint.xl)}
    beside = sum(control.numbers for control in shown)  # they are on the device whenever the network is
    weighed = replace(checkpoint, numbers={**checkpoint.numbers, "unet": checkpoint.numbers["unet"] + beside})
    stay = stay_of(weighed, dtypes, where)
    pipeline = load_pipeline(checkpoint, dtypes)
    put_on(pipeline, worn)
    student = None if worn else load_student(place, dtype)  # a student has learnt nothing of them
    nets = load_controls(shown, pipeline.unet, dtype)
    for component in (*pipeline.components.values(), student, *nets.values()):
        if isinstance(component, nn.Module):
            component.requires_grad_(False).eval().to(where if stay.residence == "whole" else "cpu")
    if stay.tiled:
        tile(pipeline.vae)
    beside_names = [*(f"{lora.path.name}:{lora.weight:g}" for lora in worn), *(control.path.name for control in shown)]
    title = " + ".join([place.name if name == "auto" else name, *beside_names])
    profile = profile_of(place)
    return DiffusionModel(
        title, place, where, dtype, pipeline, schedule, stay.residence, student=student, profile=profile, controls=nets
    )
