"""The painter's LoRA files: they change the model as far as their weight says, fit or are refused, and come off without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lora_files import diffusers_lora, kohya_lora
from peft.tuners.lora import LoraLayer
from published_models import published_folder
from safetensors.torch import load_file, save_file
from scumble_engine.diffusion.lora import adapted, train_lora
from scumble_engine.diffusion.model import DiffusionModel, load_model
from scumble_engine.diffusion.wearing import put_on, take_off
from scumble_engine.models.lora_file import LoraFile, lora_from
from scumble_protocol.errors import RequestError
from tiny_models import tiny_model
from torch import Tensor


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DiffusionModel:
    name = request.param
    return load_model(str(published_folder(tmp_path_factory.mktemp("published") / name, name, ("",))), "cpu")


def answer(model: DiffusionModel) -> tuple[Tensor, Tensor]:
    """Predict anew, words and all."""
    model.prompts.known.clear()
    z, words = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3)), model.words("a red cat")
    with torch.no_grad():
        return model.predict(z, 500, [words]).x0, words.embeds


def layers(model: DiffusionModel) -> int:
    return sum(
        isinstance(layer, LoraLayer)
        for part in model.pipeline.components.values()
        if isinstance(part, torch.nn.Module)
        for layer in part.modules()
    )


def test_every_layer_of_kohyas_file_is_worn_and_nothing_of_it_stays(published: DiffusionModel, tmp_path: Path) -> None:
    before, modules = answer(published), dict(published.unet.named_modules())
    file = kohya_lora(tmp_path / "style.safetensors", published.pipeline, xl=published.name.endswith("sdxl"))
    put_on(published.pipeline, [LoraFile(file, 0.8)])
    assert layers(published) == sum(key.endswith("alpha") for key in load_file(file))
    assert all(not torch.equal(worn, was) for worn, was in zip(answer(published), before, strict=True))
    take_off(published.pipeline)
    assert all(torch.equal(now, was) for now, was in zip(answer(published), before, strict=True))
    assert all(module is modules[name] for name, module in published.unet.named_modules())


def test_a_lora_of_another_family_is_refused_and_leaves_no_trace(published: DiffusionModel, tmp_path: Path) -> None:
    before = answer(published)
    other = kohya_lora(tmp_path / "other.safetensors", tiny_model().pipeline)
    with pytest.raises(RequestError, match=r"other\.safetensors does not fit this model"):
        put_on(published.pipeline, [LoraFile(other)])
    assert layers(published) == 0
    assert all(torch.equal(now, was) for now, was in zip(answer(published), before, strict=True))


def test_a_weight_of_nothing_changes_nothing_and_two_files_go_together(tmp_path: Path) -> None:
    model = tiny_model()
    before, first = answer(model)[0], kohya_lora(tmp_path / "a.safetensors", model.pipeline)
    second = diffusers_lora(tmp_path / "b.safetensors", model.pipeline)
    put_on(model.pipeline, [LoraFile(first, 0.0), LoraFile(second, 0.0)])
    assert torch.allclose(answer(model)[0], before, atol=1e-6)
    take_off(model.pipeline)
    alone = []
    for worn in ([LoraFile(first, 0.5)], [LoraFile(second, 0.5)], [LoraFile(first, 0.5), LoraFile(second, 0.5)]):
        put_on(model.pipeline, worn)
        alone.append(answer(model)[0])
        take_off(model.pipeline)
    assert not any(torch.allclose(alone[2], one, atol=1e-4) for one in (*alone[:2], before))


def test_a_pictures_own_adapter_goes_over_it_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    """A drag's identity LoRA is trained and taken out while a painter's LoRA stays on."""
    model = tiny_model()
    put_on(model.pipeline, [LoraFile(diffusers_lora(tmp_path / "a.safetensors", model.pipeline), 0.7)])
    x0, before, count = torch.randn(1, 4, 8, 8), answer(model)[0], layers(model)
    (*_, (_, state)) = train_lora(model, x0, model.words("a cat"), seed=1, steps=3)
    assert torch.equal(answer(model)[0], before)
    with adapted(model, state):
        assert not torch.equal(answer(model)[0], before)
    assert torch.equal(answer(model)[0], before)
    assert layers(model) == count
    assert not any(weight.requires_grad for weight in model.unet.parameters())


REFUSED = {
    "no.safetensors": ({"unet.conv_in.weight": 1}, "is no LoRA"),
    "loha.safetensors": ({"lora_unet_x.hada_w1_a": 1}, "LoHa or LoKr"),
    "lora.pt": ({"lora_unet_x.lora_up.weight": 1}, "pickled ones can run code"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_lora_is_refused_in_words(name: str, tmp_path: Path) -> None:
    keys, words = REFUSED[name]
    save_file({key: torch.zeros(1) for key in keys}, tmp_path / name)
    with pytest.raises(RequestError, match=words):
        lora_from(str(tmp_path / name))


def test_a_weight_stands_after_the_last_colon(tmp_path: Path) -> None:
    file = kohya_lora(tmp_path / "a:b.safetensors", tiny_model().pipeline)
    assert lora_from(str(file)) == LoraFile(file, 1.0)
    assert lora_from(f"{file}:0.8") == LoraFile(file, 0.8)
    with pytest.raises(RequestError, match="between -4 and 4, not 80"):
        lora_from(f"{file}:80")
    with pytest.raises(RequestError, match="does not exist"):
        lora_from(str(tmp_path / "nowhere.safetensors"))
