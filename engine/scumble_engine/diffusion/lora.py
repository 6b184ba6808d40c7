"""A low-rank adapter of one picture (DragDiffusion's identity LoRA), trained in seconds and taken out again exactly.

peft puts it in and out; what is kept per picture is only its few weights.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .model import DiffusionModel
from .words import Conditioning

RANK, LEARNING_RATE, STEPS, BATCH = 16, 5e-4, 80, 4
PICTURES_KEPT = 8
LAYERS = ["to_q", "to_k", "to_v", "to_out.0"]
State = dict[str, Tensor]


@contextmanager
def adapted(model: DiffusionModel, state: State | None) -> Iterator[None]:
    """Run the model with a picture's adapter inside the `with`; afterwards its modules and weights are the very same as before."""
    if state is None:
        yield
        return
    from peft import set_peft_model_state_dict

    with _injected(model) as adapter:
        set_peft_model_state_dict(adapter, state)
        yield


def train_lora(
    model: DiffusionModel, x0: Tensor, words: Conditioning, seed: int, steps: int = STEPS
) -> Iterator[tuple[int, State | None]]:
    """Fit an adapter to one picture's latents; yield (step, None) and at last (steps, its weights). Known pictures cost nothing."""
    memory: OrderedDict[str, State] = model.memories.setdefault("lora", OrderedDict())
    key = hashlib.sha256(x0.cpu().numpy().tobytes() + repr((words.prompt, seed, steps)).encode()).hexdigest()
    if key not in memory:
        with _injected(model) as adapter:
            yield from _fit(model, adapter, x0, words, seed, steps)
            memory[key] = _weights(adapter)
    memory.move_to_end(key)
    while len(memory) > PICTURES_KEPT:
        memory.popitem(last=False)
    yield steps, memory[key]


@contextmanager
def _injected(model: DiffusionModel) -> Iterator[Any]:
    """Put an untrained adapter in; its first output is zero. On the way out peft gives every layer its own module back."""
    from peft import LoraConfig, get_peft_model

    training = [(module, module.training) for module in model.unet.modules()]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        adapter = get_peft_model(model.unet, LoraConfig(r=RANK, lora_alpha=RANK, target_modules=LAYERS))
    try:
        yield adapter
    finally:
        adapter.unload()
        for module, mode in training:
            module.training = mode
        model.unet.requires_grad_(False)
        if hasattr(model.unet, "peft_config"):
            del model.unet.peft_config


def _fit(
    model: DiffusionModel, adapter: Any, x0: Tensor, words: Conditioning, seed: int, steps: int
) -> Iterator[tuple[int, None]]:
    weights = [weight for weight in adapter.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE)
    generator = torch.Generator().manual_seed(seed)
    for step in range(1, steps + 1):
        timestep = int(torch.randint(20, len(model.schedule.alphas_cumprod) - 20, (), generator=generator))
        noise = torch.randn((BATCH, *x0.shape[1:]), generator=generator).to(x0.device)
        z = model.schedule.noised(x0, noise, timestep)
        prediction = model.predict(z, timestep, [words] * BATCH)
        signal, sigma = model.schedule.levels(timestep)
        # The loss on the v output, from x0 and noise: finite at every noise level for every kind of prediction.
        output = signal.to(z.device) * prediction.noise - sigma.to(z.device) * prediction.x0
        loss = F.mse_loss(output, signal.to(z.device) * noise - sigma.to(z.device) * x0.expand_as(noise))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield step, None


def _weights(adapter: Any) -> State:
    from peft import get_peft_model_state_dict

    return {name: weight.detach().clone() for name, weight in get_peft_model_state_dict(adapter).items()}
