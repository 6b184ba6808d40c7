"""The adapter over every class that it serves: pixels to latents and back, words, predictions, loading."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from scumble_engine.diffusion.delta import DeltaPlan, delta_steps
from scumble_engine.diffusion.devices import Stay, pick_dtype, pick_stay
from scumble_engine.diffusion.kept import Kept
from scumble_engine.diffusion.loading import find_model, folder_sha256
from scumble_engine.diffusion.model import guidance_embedding, load_model
from scumble_engine.diffusion.words import token_positions
from scumble_protocol.errors import EngineError, RequestError
from tiny_models import KINDS, tiny_folder, tiny_model


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vae", ["tiny", "kl"])
def test_geometry_of_every_class(kind: str, vae: str) -> None:
    model = tiny_model(kind, vae=vae)
    assert (model.stride, model.step_px, model.native_side) == (8, 16, 64)
    latents = model.encode(torch.rand(1, 3, 64, 32))
    assert latents.shape == (1, 4, 8, 4)
    assert model.decode(latents).shape == (1, 3, 64, 32)


@pytest.mark.parametrize("vae", ["tiny", "kl"])
def test_encoding_is_scaled_as_the_config_says_and_decode_undoes_it(vae: str) -> None:
    model = tiny_model(vae=vae)
    pixels = torch.rand(1, 3, 64, 64)
    coded = model.vae.encode(pixels * 2 - 1)
    raw = coded.latents if vae == "tiny" else coded.latent_dist.mode()
    assert torch.allclose(model.encode(pixels), raw * model.vae.config.scaling_factor)
    with torch.no_grad():
        assert torch.allclose(model.decode(model.encode(pixels)), model.vae.decode(raw).sample / 2 + 0.5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_folder_loads_and_predicts_the_same(kind: str, tmp_path: Path) -> None:
    here, loaded = tiny_model(kind), load_model(str(tiny_folder(tmp_path / "model", kind)), "cpu")
    z = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        ours = here.predict(z, 700, [here.words("a red cat")]).x0
        theirs = loaded.predict(z, 700, [loaded.words("a red cat")]).x0
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert loaded.dtype == torch.float32
    assert not any(weight.requires_grad for weight in loaded.unet.parameters())
    assert loaded.sha256 == folder_sha256(tmp_path / "model") != ""


def test_prompts_are_encoded_once() -> None:
    model = tiny_model()
    assert model.words("a cat") is model.words("a cat")
    assert not torch.equal(model.words("a cat").embeds, model.words("a dog").embeds)


def test_words_are_found_where_they_stand() -> None:
    model = tiny_model()
    conditioning = model.words("a red apple and a red hat")
    assert token_positions(model.prompts.tokenizer, conditioning, "red") == (2, 6)
    assert token_positions(model.prompts.tokenizer, conditioning, "red hat") == (6, 7)
    assert token_positions(model.prompts.tokenizer, conditioning, "dog") == ()


@pytest.mark.parametrize("prompt", ["apple " * 40, "x" * 30_000])
def test_a_prompt_longer_than_the_model_reads_is_refused(prompt: str) -> None:
    with pytest.raises(RequestError, match="fewer words"):
        tiny_model().words(prompt)


def test_forwards_are_counted_in_pictures() -> None:
    model = tiny_model()
    with torch.no_grad():
        model.predict(torch.randn(3, 4, 8, 8), 10, [model.words("a cat")] * 3)
    assert model.meter.forwards == 3


def test_an_offloaded_model_answers_the_same() -> None:
    whole, offloaded = tiny_model(), tiny_model()
    offloaded.residence = "offloaded"
    z = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        assert torch.equal(
            whole.predict(z, 10, [whole.words("a cat")]).x0, offloaded.predict(z, 10, [offloaded.words("a cat")]).x0
        )


def test_names_that_are_no_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="neither an embedded one"):
        find_model("no such model")
    with pytest.raises(
        RequestError, match="some/model is not on this machine; fetch it with: scumble models pull some/model"
    ):
        find_model("some/model")
    with pytest.raises(RequestError, match=r"model_index\.json"):
        load_model(str(tmp_path), "cpu")


def test_a_pipeline_of_another_class_is_refused(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "model")
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("StableDiffusionPipeline", "FluxPipeline"))
    with pytest.raises(RequestError, match="FluxPipeline"):
        load_model(str(folder), "cpu")


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "model")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(RequestError, match="missing the weights of its unet"):
        load_model(str(folder), "cpu")


def test_what_does_not_fit_is_tiled_then_offloaded_and_then_refused() -> None:
    gib = 2**30
    sizes, decoding, tiled = {"unet": 4 * gib, "vae": gib}, 3 * gib, gib
    assert pick_stay(sizes, decoding, tiled, 8 * gib, accelerator=True) == Stay("whole", tiled=False)
    assert pick_stay(sizes, decoding, tiled, 7 * gib, accelerator=True) == Stay("whole", tiled=True)
    assert pick_stay(sizes, decoding, tiled, 5 * gib, accelerator=True) == Stay("offloaded", tiled=True)
    with pytest.raises(EngineError, match=r"needs 5\.5 GiB of memory and 3\.0 GiB"):
        pick_stay(sizes, decoding, tiled, 3 * gib, accelerator=True)
    with pytest.raises(EngineError, match="smaller model"):
        pick_stay(sizes, decoding, tiled, 5 * gib, accelerator=False)


def test_the_cpu_works_in_full_precision() -> None:
    assert pick_dtype(torch.device("cpu")) == torch.float32


def test_the_guidance_embedding_tells_scales_apart() -> None:
    one, seven = guidance_embedding(1.0, 8), guidance_embedding(7.5, 8)
    assert one.shape == (1, 8)
    assert torch.equal(one, torch.tensor([[0.0] * 4 + [1.0] * 4]))
    assert not torch.allclose(one, seven)


def test_a_student_takes_the_networks_place_where_few_steps_are_enough(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "model", "sd2")
    plain = load_model(str(folder), "cpu")
    assert plain.few_step is plain
    tiny_model("sd2", seed=5).unet.save_pretrained(folder / "student", safe_serialization=True)
    model = load_model(str(folder), "cpu")
    z, plan = torch.randn(1, 4, 8, 8), DeltaPlan("a red apple", "a green pear", model.schedule.few_steps(4))
    with torch.no_grad():
        teacher, student = (one.predict(z, 500, [model.words("a cat")]).x0 for one in (model, model.few_step))
    assert not torch.equal(teacher, student)
    model.meter.reset()
    list(delta_steps(model.few_step, z, plan))
    assert model.meter.forwards == 2 * 4, "source and target, and no unconditional branch"


def test_a_damaged_student_is_refused(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "model")
    (folder / "student").mkdir()
    (folder / "student" / "config.json").write_text("{}")
    with pytest.raises(RequestError, match="student of model"):
        load_model(str(folder), "cpu")


def test_a_picture_is_encoded_once_and_its_latents_decoded_once() -> None:
    model = tiny_model()
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        latents = model.encode(pixels)
        shown = model.decode(latents)
        model.meter.reset()
        assert torch.equal(model.encode(pixels.clone()), latents)
        assert torch.equal(model.decode(latents.clone()), shown)
        assert model.meter.coded == 0
        assert not torch.equal(model.decode(latents + 1), shown)
    assert model.meter.coded == 1


def test_what_was_decoded_is_decoded_again_where_gradients_are_wanted() -> None:
    model = tiny_model()
    latents = torch.zeros(1, 4, 8, 8)
    model.decode(latents)
    moving = latents.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(model.decode(moving).sum(), moving)
    assert gradient.abs().sum() > 0


def test_what_is_kept_of_pictures_is_bounded() -> None:
    kept: Kept[int] = Kept(limit_bytes=100, limit_count=3)
    for number in range(5):
        kept.keep(str(number), number, 10)
    assert [kept.find(str(number)) for number in range(5)] == [None, None, 2, 3, 4]
    kept.keep("large", 7, 85)
    assert (kept.find("large"), kept.find("4"), kept.nbytes) == (7, 4, 95)
    kept.keep("too large", 8, 101)
    assert kept.find("too large") is None
