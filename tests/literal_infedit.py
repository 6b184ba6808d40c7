"""The language edit written down slowly, straight from the equations: every branch in every step, explicit attention
probabilities everywhere, x̂ by the published update, nothing remembered. What the fast loop is held to."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from scumble_engine.diffusion.attention import Place
from scumble_engine.diffusion.delta import DeltaPlan, prompt_pairs
from scumble_engine.diffusion.model import DiffusionModel
from scumble_engine.diffusion.trace import step_noise
from torch import Tensor

SOURCE_U, SOURCE, TARGET_U, TARGET, LAYOUT = range(5)


@dataclass
class LiteralControl:
    """Rows: source without and with words, target without and with words, layout."""

    locked: bool
    words_shared: bool
    pairs: tuple[int, ...]
    listen: int
    maps: dict[int, Tensor] = field(default_factory=dict)

    def attend(self, place: Place, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        q, k, v = queries.clone(), keys.clone(), values.clone()
        if place.kind == "self" and self.locked:
            for row in (TARGET_U, TARGET, LAYOUT):
                q[row], k[row] = queries[SOURCE], keys[SOURCE]
            v[LAYOUT] = values[SOURCE]
        if place.kind == "self" and not self.locked:
            q[LAYOUT], k[LAYOUT], v[LAYOUT] = queries[TARGET], keys[SOURCE], values[SOURCE]
        weights = (torch.einsum("bhic,bhjc->bhij", q, k) / q.shape[-1] ** 0.5).softmax(dim=3)
        if place.kind == "cross":
            if self.words_shared:
                for j, i in enumerate(self.pairs):
                    if i >= 0:
                        weights[TARGET, :, :, j] = weights[SOURCE, :, :, i]
            if weights.shape[2] == self.listen:
                for row in (SOURCE, TARGET):
                    self.maps[row] = self.maps.get(row, torch.zeros(())) + weights[row].mean(0)
        return torch.einsum("bhij,bhjc->bhic", weights, v)


def literal_edit(
    model: DiffusionModel, x0: Tensor, plan: DeltaPlan, places: dict[str, list[int]] | None = None
) -> Tensor:
    """Return the edited latents. `places`: token positions {"source": …, "target": …} of the words to blend by, or None."""
    source, target, empty = model.words(plan.source), model.words(plan.target), model.words("")
    pairs, height, width = prompt_pairs(source, target), *x0.shape[-2:]
    z_target, z_layout, summed = None, None, {SOURCE: torch.zeros(()), TARGET: torch.zeros(())}
    x_target, x_layout = x0, x0
    for number, timestep in enumerate(plan.timesteps):
        alpha = float(model.schedule.alphas_cumprod[timestep])
        a, s = alpha**0.5, (1 - alpha) ** 0.5
        noise = step_noise(x0, plan.seed, number)
        z_source = a * x0 + s * noise
        z_target, z_layout = a * x_target + s * noise, a * x_layout + s * noise
        share = (number + 1) / len(plan.timesteps)
        control = LiteralControl(share < plan.self_share, share <= plan.cross_share, pairs, height * width)
        z = torch.cat([z_source, z_source, z_target, z_target, z_layout])
        with torch.no_grad():
            noises = model.predict(z, timestep, [empty, source, empty, target, source], control).noise
        e_source = noises[SOURCE_U] + 1.0 * (noises[SOURCE] - noises[SOURCE_U])
        e_target = noises[TARGET_U] + plan.guidance * (noises[TARGET] - noises[TARGET_U])
        x_target = x0 + ((z_target - z_source) - s * (e_target - e_source)) / a
        x_layout = x0 + ((z_layout - z_source) - s * (noises[LAYOUT] - e_source)) / a
        if places:
            summed = {row: summed[row] + control.maps[row] for row in summed}
            mask = _place(summed, places, max(plan.threshold, 0.15 / a)).reshape(1, 1, height, width)
            x_target = torch.where(mask, x_target, x_layout)
    return x_target


def _place(summed: dict[int, Tensor], places: dict[str, list[int]], threshold: float) -> Tensor:
    maps = [summed[SOURCE][:, i] for i in places["source"]] + [summed[TARGET][:, j] for j in places["target"]]
    return torch.stack([one / one.max() for one in maps]).max(0).values >= threshold
