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

from ..models.libraries import quiet
from .model import DiffusionModel
from .words import Conditioning

RANK, LEARNING_RATE, STEPS, BATCH = 16, 5e-4, 80, 4
PICTURES_KEPT = 8
NAME = "picture"
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
        set_peft_model_state_dict(adapter, state, NAME)
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
    """Put an untrained adapter in, beside those that the painter has on; its first output is zero. On the way out it goes exactly."""
    from peft import LoraConfig, inject_adapter_in_model

    unet = model.unet
    training = [(module, module.training) for module in unet.modules()]
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(0)
        inject_adapter_in_model(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=LAYERS), unet, NAME)
    for _, layer in _adapted_layers(unet):
        layer.set_adapter(list(layer.lora_A))
    for name, weight in unet.named_parameters():
        weight.requires_grad_(f".{NAME}." in name)
    try:
        yield unet
    finally:
        _take_out(unet)
        for module, mode in training:
            module.training = mode
        unet.requires_grad_(False)


def _take_out(unet: Any) -> None:
    """Give a layer that only had this adapter its own module back, and the others the adapters that they had before."""
    for place, layer in _adapted_layers(unet):
        layer.delete_adapter(NAME)
        if layer.lora_A:
            layer.set_adapter(list(layer.lora_A))
        else:
            parent, _, name = place.rpartition(".")
            setattr(unet.get_submodule(parent), name, layer.get_base_layer())
    worn = getattr(unet, "peft_config", {})
    worn.pop(NAME, None)
    if hasattr(unet, "peft_config") and not worn:
        del unet.peft_config


def _adapted_layers(unet: Any) -> list[tuple[str, Any]]:
    from peft.tuners.lora import LoraLayer

    return [
        (place, layer) for place, layer in unet.named_modules() if isinstance(layer, LoraLayer) and NAME in layer.lora_A
    ]


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

    return {
        name: weight.detach().clone() for name, weight in get_peft_model_state_dict(adapter, adapter_name=NAME).items()
    }
