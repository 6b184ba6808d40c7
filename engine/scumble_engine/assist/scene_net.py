"""The network that sees what a picture is like: a small convolutional classifier of latents. Training and seeing share this file.

It names the thing, the ground and the style.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from .sketch_net import convolution
from .small_net import load_net, save_net

FOLDER = "scene_net"
# A thing is named when it is surer than this; another name is worse than none.
SURE = 0.5


class SceneNet(nn.Module):
    """(n, channels, h, w) latents to logits, (n, answers) for each question: one linear head each on the pooled stages."""

    def __init__(self, channels: int, answers: tuple[int, ...], width: int) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width)
        first = nn.Sequential(convolution(channels, width), convolution(width, width))
        deeper = [nn.Sequential(convolution(a, b, stride=2), convolution(b, b)) for a, b in pairwise(widths)]
        self.stages = nn.ModuleList([first, *deeper])
        self.dropout = nn.Dropout(0.3)
        self.heads = nn.ModuleList(nn.Linear(2 * sum(widths), count) for count in answers)

    def forward(self, latents: Tensor) -> list[Tensor]:
        pools, found = [], latents
        for stage in self.stages:
            found = stage(found)
            pools += [found.mean(dim=(2, 3)), found.amax(dim=(2, 3))]
        pooled = self.dropout(torch.cat(pools, dim=1))
        return [head(pooled) for head in self.heads]


@dataclass(frozen=True)
class Seen:
    """What a picture shows: a thing ("" = not sure which), a ground ("on grass", "on a {color} background") and a style."""

    thing: str
    ground: str
    style: str


@dataclass(frozen=True)
class SceneReader:
    """A trained network and what its logits mean, in the vocabulary's words."""

    net: SceneNet
    things: tuple[str, ...]
    grounds: tuple[str, ...]
    styles: tuple[str, ...]

    @torch.no_grad()
    def read(self, latents: Tensor) -> Seen:
        """Say what one picture's latents (1, c, h, w) show."""
        thing, ground, style = (head[0].softmax(0) for head in self.net(latents.float().cpu()))
        named = self.things[int(thing.argmax())] if float(thing.max()) > SURE else ""
        return Seen(named, self.grounds[int(ground.argmax())], self.styles[int(style.argmax())])


def save_scene_net(reader: SceneReader, folder: Path, figures: dict[str, float]) -> None:
    """Write the network with its answers and how good they are."""
    first = reader.net.state_dict()["stages.0.0.0.weight"]
    answers = {"things": reader.things, "grounds": reader.grounds, "styles": reader.styles}
    save_net(reader.net, folder, {"channels": first.shape[1], "width": first.shape[0], **answers, "figures": figures})


def load_scene_net(folder: Path) -> SceneReader | None:
    """Load what `save_scene_net` wrote, or return None where there is none. Raises EngineError for damaged weights."""
    if not (folder / "config.json").is_file():
        return None
    net, facts = load_net(
        folder,
        lambda told: SceneNet(
            told["channels"], tuple(len(told[what]) for what in ("things", "grounds", "styles")), told["width"]
        ),
        "install Scumble again",
    )
    return SceneReader(net, tuple(facts["things"]), tuple(facts["grounds"]), tuple(facts["styles"]))
