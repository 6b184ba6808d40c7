"""The editor as an edit uses it: one picture, whatever cues there are, and back comes the picture after them.

Loading and sampling. The cues' maps are `editor_cues`', the network is `editor_net`'s; where and when to use it, and how what
it paints becomes a layer, is for the edits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..imaging.arrays import Array, Bools, Bytes, Floats
from .editor_cues import Cues, conditions
from .editor_net import settle
from .schedule import Schedule

STEPS, GUIDANCE = 8, 2.5
_STAYS_FROM, _STAYS_SURELY = 0.7, 1.0
"""How sure the gate must be that a place stays for its latents to be drawn to the source's, a little and wholly. Lower ones cost
restylings (0 and 2 of 8 right from .2 and .5 on, 4 without and from .7 on; seed 888)."""
Pull = tuple[float, float, float, float]
"""From (x, y) to (x, y), in pixels of the source."""


@dataclass(frozen=True)
class Asked:
    """What a painter gave. Planes are (h, w) in 0..1 or bool, colour strokes (h, w, 4) u8 with straight alpha; None is absent.

    source: (h, w, 3) u8 sRGB, square; None asks for a picture from words alone.
    """

    source: Bytes | None = None
    mask: Array | None = None
    add: Array | None = None
    subtract: Array | None = None
    color: Bytes | None = None
    pulls: tuple[Pull, ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Painted:
    """A picture (s, s, 3) in 0..1 at the editor's own side, and how sure it is that each pixel stays as it was (s, s), 0..1."""

    picture: Floats
    stays: Floats

    def over(self, source: Bytes, mask: Bools | None = None) -> Bytes:
        """Lay what changed over the source (h, w, 3), at its size: pixels that stay, and all outside the mask, are the source's."""
        size = source.shape[1], source.shape[0]
        picture = cv2.resize(self.picture, size, interpolation=cv2.INTER_CUBIC).reshape(source.shape)
        alpha = np.clip((0.8 - cv2.resize(self.stays, size)) / 0.3, 0, 1)[..., None]
        alpha = alpha if mask is None else alpha * mask[..., None]
        laid: Bytes = np.rint(np.clip(picture * 255 * alpha + source * (1 - alpha), 0, 255)).astype(np.uint8)
        return np.where(alpha > 0, laid, source)


@dataclass(frozen=True)
class Editor:
    """The editor's networks, ready to paint."""

    tokenizer: Any
    text_encoder: Any
    vae: Any
    unet: Any
    schedule: Schedule

    @property
    def side_px(self) -> int:
        """The side of the pictures that it paints."""
        return int(self.unet.config.sample_size) * 8

    def paint(self, asked: Asked, steps: int = STEPS, guidance: float = GUIDANCE, seed: int = 0) -> Painted:
        """Paint one picture; the same for the same seed."""
        return self.paint_all([asked], steps, guidance, seed)[0]

    @torch.no_grad()
    def paint_all(
        self, asked: Sequence[Asked], steps: int = STEPS, guidance: float = GUIDANCE, seed: int = 0
    ) -> list[Painted]:
        """Paint several at once, each from the same noise that it has alone."""
        condition = conditions(self.vae, self.cues(asked))
        words = [one.words for one in asked]
        text, none = self._encode(words), self._encode([""] * len(words))
        channels, side = int(self.unet.config.out_channels) - 1, condition.shape[-1]
        noise = torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(seed))
        z = noise.to(condition.device).expand(len(words), -1, -1, -1)
        timesteps = self.schedule.few_steps(steps)
        stays = torch.zeros(0)
        for now, then in zip(timesteps, (*timesteps[1:], None), strict=True):
            velocity, stays = self._guided(z, now, condition, text, none, guidance)
            said = self.schedule.read(velocity, z, now)
            kept = ((stays - _STAYS_FROM) / (_STAYS_SURELY - _STAYS_FROM)).clamp(0, 1)
            x0 = said.x0 + kept * (condition[:, :channels] - said.x0)
            z = x0 if then is None else self.schedule.noised(x0, said.noise, then)
        return self._painted(z, stays)

    def _guided(
        self, z: Tensor, now: int, condition: Tensor, text: Tensor, none: Tensor, guidance: float
    ) -> tuple[Tensor, Tensor]:
        """Return the velocity and what stays, (B, 1, h, w) in 0..1, guided by the words alone: the other cues are in both branches."""
        count = len(z)
        alphas = torch.full((count,), float(self.schedule.alphas_cumprod[now]), device=z.device)
        output = self.unet(torch.cat([z, condition], 1), now, text).sample
        velocity, logits = settle(output, z, condition, alphas)
        if guidance != 1.0:
            plain, _ = settle(self.unet(torch.cat([z, condition], 1), now, none).sample, z, condition, alphas)
            velocity = plain + guidance * (velocity - plain)
        return velocity, torch.sigmoid(logits) * condition[:, -1:]

    def _painted(self, latents: Tensor, stays: Tensor) -> list[Painted]:
        sample = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        pictures = (sample / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy()
        # a place that changes reaches into its neighbours: theirs are the smaller share
        least = -F.max_pool2d(-stays, 3, 1, 1)
        wide = F.interpolate(least, size=pictures.shape[1:3], mode="bilinear").cpu().numpy()[:, 0]
        return [Painted(picture, share) for picture, share in zip(pictures, wide, strict=True)]

    def _encode(self, words: Sequence[str]) -> Tensor:
        ids = self.tokenizer(list(words), padding="max_length", truncation=True, return_tensors="pt")["input_ids"]
        return torch.as_tensor(self.text_encoder(ids.to(self.unet.device)).last_hidden_state)

    def cues(self, asked: Sequence[Asked]) -> Cues:
        """Return the cues of several requests at the editor's own side."""
        side = self.side_px
        most = max([len(one.pulls) for one in asked] + [1])
        pulls, held = torch.zeros(len(asked), most, 4), torch.zeros(len(asked), most)
        for i, one in enumerate(asked):
            scale = side / (one.source.shape[1] if one.source is not None else side)
            for k, pull in enumerate(one.pulls):
                pulls[i, k], held[i, k] = torch.tensor(pull) * scale, 1.0
        made = Cues(
            picture=_stacked([_picture(one.source, side) for one in asked]),
            present=torch.tensor([float(one.source is not None) for one in asked]),
            mask=_stacked([_plane(one.mask, side, 1.0) for one in asked]),
            add=_stacked([_plane(one.add, side, 0.0) for one in asked]),
            subtract=_stacked([_plane(one.subtract, side, 0.0) for one in asked]),
            color=_stacked([_strokes(one.color, side) for one in asked]),
            pulls=pulls,
            held=held,
        )
        return made.to(self.unet.device)


def _stacked(pictures: Sequence[Floats]) -> Tensor:
    """Return (B, C, h, w) of pictures (h, w, C)."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def _sized(picture: Floats, side: int) -> Floats:
    if picture.shape[:2] == (side, side):
        return picture
    smaller = picture.shape[0] > side
    sized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    wide: Floats = sized.reshape(side, side, picture.shape[2]).astype(np.float32)
    return wide


def _picture(source: Bytes | None, side: int) -> Floats:
    if source is None:
        return np.zeros((side, side, 3), np.float32)
    return _sized((source / 255).astype(np.float32), side)


def _plane(plane: Array | None, side: int, absent: float) -> Floats:
    if plane is None:
        return np.full((side, side, 1), absent, np.float32)
    return _sized(plane.astype(np.float32)[..., None], side)


def _strokes(color: Bytes | None, side: int) -> Floats:
    if color is None:
        return np.zeros((side, side, 4), np.float32)
    straight = color.astype(np.float32) / 255
    alpha = straight[..., 3:]
    return _sized(np.concatenate([straight[..., :3] * alpha, alpha], axis=2), side)


def load_editor(illustrator: Path, folder: Path) -> Editor:
    """Load the editor in `folder` (unet, text_encoder), whose autoencoder and tokenizer are the illustrator's, on the CPU in fp32.

    Raises OSError where parts are missing.
    """
    from diffusers import DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    from ..models.libraries import quiet
    from ..models.linear_autoencoder import LinearAutoencoder

    with quiet():
        scheduler = DDIMScheduler.from_pretrained(illustrator / "scheduler")
        return Editor(
            tokenizer=CLIPTokenizer.from_pretrained(illustrator / "tokenizer"),
            text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval(),
            vae=LinearAutoencoder.from_pretrained(illustrator / "vae", torch_dtype=torch.float32).eval(),
            unet=UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32).eval(),
            schedule=Schedule(scheduler.alphas_cumprod.double(), "v_prediction"),
        )
