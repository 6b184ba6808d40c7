"""The editor's network: a denoiser with more channels in for the cues and one more out, the share that stays as it was."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from .editor_cues import condition_channels

_STAYS_AT_FIRST = -4.0  # logit: a fresh gate lets the source through by under 2 %, so a warm start is what it was


def widen(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Give a denoiser the editor's channels, in place: weights that it has are kept, new ones say nothing at first.

    The channels in that it may have already are latents, or latents, source and some of the cues, in the same order; the
    config is still the illustrator's, whose channels out are the latents'.
    """
    latent = unet.config.out_channels
    wide = latent + condition_channels(latent)
    _widen_input(unet, wide)
    _widen_output(unet, latent + 1)
    unet.register_to_config(in_channels=wide, out_channels=latent + 1)
    return unet


def with_weights(unet: UNet2DConditionModel, weights: Mapping[str, Tensor]) -> UNet2DConditionModel:
    """Return the network with an earlier editor's weights in it, in place; it takes on their channels in and out."""
    for name in ("conv_in", "conv_out"):
        old, weight = getattr(unet, name), weights[f"{name}.weight"]
        setattr(unet, name, nn.Conv2d(weight.shape[1], weight.shape[0], old.kernel_size, padding=old.padding))
    unet.load_state_dict({name: value.float() for name, value in weights.items()})
    return unet


@torch.no_grad()
def _widen_input(unet: UNet2DConditionModel, channels: int) -> None:
    old = unet.conv_in
    new = nn.Conv2d(channels, old.out_channels, old.kernel_size, padding=old.padding).to(old.weight)
    new.weight.zero_()
    new.weight[:, : old.in_channels] = old.weight
    new.bias = old.bias
    unet.conv_in = new


@torch.no_grad()
def _widen_output(unet: UNet2DConditionModel, channels: int) -> None:
    old = unet.conv_out
    new = nn.Conv2d(old.in_channels, channels, old.kernel_size, padding=old.padding).to(old.weight)
    new.weight.zero_()
    new.weight[: old.out_channels] = old.weight
    fresh = torch.full((channels - old.out_channels,), _STAYS_AT_FIRST).to(old.weight)
    new.bias = nn.Parameter(torch.cat([old.bias, fresh]))
    unet.conv_out = new


class _WithoutSource(nn.Module):
    """A first convolution that is given latents alone, and says for the cues that there is no source and all may change."""

    def __init__(self, inner: nn.Conv2d, latents: int) -> None:
        super().__init__()
        said = torch.zeros(1, inner.in_channels - latents, 1, 1)
        said[:, latents] = 1.0
        self.inner = inner
        self.register_buffer("said", said)

    def forward(self, z: Tensor) -> Tensor:
        said = self.get_buffer("said").expand(len(z), -1, *z.shape[-2:])
        found: Tensor = self.inner(torch.cat([z, said], dim=1))
        return found


def alone(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Return an editor's network as a text-to-image denoiser of latents: no source, no cues, no gate. The editor's own stays."""
    made = copy.deepcopy(unet)
    latents = made.config.out_channels - 1
    made.conv_in = _WithoutSource(made.conv_in, latents)
    weight, bias = made.conv_out.weight[:latents], made.conv_out.bias
    assert bias is not None
    made.conv_out = nn.Conv2d(weight.shape[1], latents, made.conv_out.kernel_size, padding=made.conv_out.padding)
    made.conv_out.weight, made.conv_out.bias = nn.Parameter(weight.detach()), nn.Parameter(bias[:latents].detach())
    made.register_to_config(in_channels=latents, out_channels=latents)
    return made


def settle(output: Tensor, noisy: Tensor, condition: Tensor, alphas: Tensor) -> tuple[Tensor, Tensor]:
    """Return the velocity (B, C, h, w), and the logits (B, 1, h, w) of what stays, from the network's output.

    The clean picture in the velocity is mixed from the network's own, x0 = a z - s v, and the source by the gate g; the noise
    in it stays the network's: v' = a noise - s ((1 - g) x0 + g source) = v + s g (x0 - source). So the noisier, the more the
    gate decides, and copying need not be learnt; near the end the network's own denoising does. alphas (B,) are cumulative.
    """
    channels = noisy.shape[1]
    velocity, logits = output[:, :channels], output[:, channels:]
    signal, sigma = alphas.sqrt().view(-1, 1, 1, 1), (1 - alphas).sqrt().view(-1, 1, 1, 1)
    source, present = condition[:, :channels], condition[:, -1:]
    stays = torch.sigmoid(logits) * present
    own = signal * noisy - sigma * velocity
    return velocity + sigma * stays * (own - source), logits
