"""A crisp enlarger for what the illustrator paints: four times the size, with clean edges where an interpolation gives blur or blocks.

The network and its loading. Its weights are realesr-animevideov3's (see the manifest beside them).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

TIMES = 4
WEIGHTS = Path(__file__).parent / "weights" / "crisp"
_FEATURES, _DEPTH = 64, 16
_AFAR = 4  # pixels of the small picture


class CrispNet(nn.Module):
    """Plain convolutions at the small size, each with a PReLU, then a pixel shuffle, added to the repeated pixels.

    SRVGGNetCompact of Real-ESRGAN (Wang et al. 2021), as its small models have it.
    """

    def __init__(self, features: int = _FEATURES, depth: int = _DEPTH) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, features, 3, padding=1), nn.PReLU(features)]
        for _ in range(depth):
            layers += [nn.Conv2d(features, features, 3, padding=1), nn.PReLU(features)]
        self.body = nn.Sequential(*layers, nn.Conv2d(features, 3 * TIMES**2, 3, padding=1))

    def forward(self, picture: Tensor) -> Tensor:
        """Enlarge (B, 3, h, w) in 0..1 to (B, 3, 4 h, 4 w), not clipped."""
        fine: Tensor = F.pixel_shuffle(self.body(picture), TIMES)
        return fine + F.interpolate(picture, scale_factor=float(TIMES), mode="nearest")


def load_crisp(folder: Path = WEIGHTS) -> CrispNet:
    """Load the enlarger in fp32, on the CPU, frozen. Raises FileNotFoundError where its weights are not."""
    net = CrispNet()
    net.load_state_dict({name: value.float() for name, value in load_file(folder / "model.safetensors").items()})
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # .29 against .43 s of one core for 512²
    return net.eval().requires_grad_(False)


def manifest(folder: Path = WEIGHTS) -> dict[str, Any]:
    """Return where the weights come from: source, licence, hashes."""
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


@torch.no_grad()
def decode_crisply(net: CrispNet, picture: Tensor, reduced: bool = False) -> Tensor:
    """Return decoded pictures (B, 3, h, w) in 0..1 at four times their size, clipped.

    reduced: halve the picture first and enlarge the rest by interpolation. What is soft or grainy at its own size is sharp at
    half of it, so that the network draws edges instead of keeping grain.
    """
    small = F.avg_pool2d(picture, 2) if reduced else picture
    fine = net(small.contiguous(memory_format=torch.channels_last))
    if reduced:
        fine = F.interpolate(fine, scale_factor=2.0, mode="bicubic")
    return _in_its_colors(fine, picture).clamp(0, 1)


def _in_its_colors(fine: Tensor, picture: Tensor) -> Tensor:
    """Give an enlargement the small picture's colours, seen from afar: the network makes what is pale a little paler."""
    away = F.avg_pool2d(fine, TIMES) - picture
    wide = F.avg_pool2d(F.pad(away, (_AFAR,) * 4, mode="replicate"), 2 * _AFAR + 1, 1)
    return fine - F.interpolate(wide, scale_factor=float(TIMES), mode="bilinear")
