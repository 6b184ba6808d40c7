"""The network that sees what a picture is like: a small convolutional classifier of latents. Training and seeing share this file.

It names the ground and the style. (What the thing is, the painter says.)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .sketch_net import convolution
from .small_net import load_net, save_net

FOLDER = "scene_net"


class SceneNet(nn.Module):
    """(n, channels, h, w) latents to logits: (n, grounds) and (n, styles)."""

    def __init__(self, channels: int, grounds: int, styles: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(channels, width),
            convolution(width, width),
            convolution(width, 2 * width, stride=2),
            convolution(2 * width, 2 * width),
        )
        self.dropout = nn.Dropout(0.3)
        self.ground, self.style = nn.Linear(4 * width, grounds), nn.Linear(4 * width, styles)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        found = self.body(latents)
        pooled = self.dropout(torch.cat([found.mean(dim=(2, 3)), found.amax(dim=(2, 3))], dim=1))
        return self.ground(pooled), self.style(pooled)


@dataclass(frozen=True)
class SceneReader:
    """A trained network and what its logits mean, in the vocabulary's words: "on grass", "on a {color} background"; styles."""

    net: SceneNet
    grounds: tuple[str, ...]
    styles: tuple[str, ...]

    @torch.no_grad()
    def read(self, latents: Tensor) -> tuple[str, str]:
        """Say the ground and the style of one picture's latents (1, c, h, w)."""
        ground, style = self.net(latents.float().cpu())
        return self.grounds[int(ground.argmax())], self.styles[int(style.argmax())]


def save_scene_net(reader: SceneReader, folder: Path, figures: dict[str, float]) -> None:
    """Write the network with its answers and how good they are."""
    first = reader.net.state_dict()["body.0.0.weight"]
    facts = {"channels": first.shape[1], "width": first.shape[0], "grounds": reader.grounds, "styles": reader.styles}
    save_net(reader.net, folder, facts | {"figures": figures})


def load_scene_net(folder: Path) -> SceneReader | None:
    """Load what `save_scene_net` wrote, or return None where there is none. Raises EngineError for damaged weights."""
    if not (folder / "config.json").is_file():
        return None
    net, facts = load_net(
        folder,
        lambda told: SceneNet(told["channels"], len(told["grounds"]), len(told["styles"]), told["width"]),
        "install Scumble again",
    )
    return SceneReader(net, tuple(facts["grounds"]), tuple(facts["styles"]))
