"""The chain from drawings to weights at toy numbers, without a registry; and what is shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline, UNet2DConditionModel
from scumble_engine.models.linear_autoencoder import LinearAutoencoder
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.networks import MovingAverage, Parts, export, load_parts, save_network
from scumble_engine.training.pipeline import first_parts
from scumble_engine.training.recipe import SMALL_RECIPE, Recipe, smoke
from scumble_engine.training.sampling import paint, paint_quickly
from scumble_engine.training.student import Student
from scumble_engine.training.teacher import Teacher, add_noise

from .conftest import CONCEPTS

TOY = replace(smoke(SMALL_RECIPE), concepts=CONCEPTS, styles=("flat", "3d"), channels=(16, 16, 16), batch=4)


@pytest.fixture(scope="module")
def folder(bank: SpriteBank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported illustrator that has learnt nothing yet."""
    target = tmp_path_factory.mktemp("illustrator")
    export(target, first_parts(TOY, bank, tmp_path_factory.mktemp("work")))
    return target


def teacher(parts: Parts, bank: SpriteBank, state: Path, recipe: Recipe = TOY) -> Teacher:
    parts.vae.requires_grad_(False)
    return Teacher(recipe, parts, bank, state)


def test_the_folder_loads_as_a_pipeline_and_paints_the_same_twice(folder: Path) -> None:
    pipeline = DiffusionPipeline.from_pretrained(folder)
    assert isinstance(pipeline.vae, LinearAutoencoder)
    assert pipeline.text_encoder.dtype == pipeline.unet.dtype == torch.float32
    pipeline.set_progress_bar_config(disable=True)
    pictures = [
        pipeline("an apple", num_inference_steps=2, generator=torch.Generator().manual_seed(1), output_type="np").images
        for _ in range(2)
    ]
    assert pictures[0].shape == (1, 64, 64, 3)
    assert (pictures[0] == pictures[1]).all()


def test_our_sampler_is_the_pipelines(folder: Path) -> None:
    pipeline = DiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        "an apple",
        num_inference_steps=3,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(5),
        output_type="np",
    ).images
    ours = paint(load_parts(folder), ["an apple"], 5, steps=3, guidance=3.0)
    assert torch.allclose(ours[0].permute(1, 2, 0), torch.from_numpy(theirs[0]), atol=1e-4)


def test_no_folder_of_the_training_machine_is_written(folder: Path) -> None:
    texts = [path.read_text() for path in folder.rglob("*.json")]
    assert len(texts) > 5
    assert not [text for text in texts if "_name_or_path" in text or str(folder) in text]


def test_training_resumes_where_it_stopped(folder: Path, bank: SpriteBank, tmp_path: Path) -> None:
    torch.manual_seed(0)
    first = teacher(load_parts(folder), bank, tmp_path)
    first.run(until_images=8, cooldown_images=0)
    again = teacher(load_parts(folder), bank, tmp_path)
    assert again.resume()
    assert (again.seen, again.step) == (8, 2)
    for ours, theirs in zip(first.parts.unet.parameters(), again.parts.unet.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    again.run(until_images=16, cooldown_images=8)
    assert again.step == 4
    changed = [not torch.equal(a, b) for a, b in zip(first.average.values, again.average.values, strict=True)]
    assert sum(changed) > len(changed) / 2


def test_without_state_there_is_nothing_to_resume(folder: Path, bank: SpriteBank, tmp_path: Path) -> None:
    assert not teacher(load_parts(folder), bank, tmp_path).resume()


@pytest.mark.slow
def test_training_lowers_the_loss(
    folder: Path, bank: SpriteBank, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    recipe = replace(TOY, learning_rate=2e-3, batch=8)
    teacher(load_parts(folder), bank, tmp_path, recipe).run(until_images=8 * 50, cooldown_images=0)
    losses = [float(line.split("loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert losses[-1] < 0.95 * losses[0]


def test_swapping_the_average_twice_changes_nothing() -> None:
    net = torch.nn.Linear(5, 5)
    before = net.weight.detach().clone()
    average = MovingAverage([net], 0.9)
    with torch.no_grad():
        net.weight += 1
    average.update(100)
    average.swap()
    assert torch.allclose(net.weight, before + 0.1)
    average.swap()
    assert torch.equal(net.weight, before + 1)


def test_noise_at_both_ends_of_the_schedule() -> None:
    latents, noise = torch.randn(2, 16, 4, 4), torch.randn(2, 16, 4, 4)
    noisy, velocity = add_noise(latents, noise, torch.tensor([1.0, 0.0]))
    assert torch.equal(noisy[0], latents[0])
    assert torch.equal(velocity[0], noise[0])
    assert torch.equal(noisy[1], noise[1])  # zero terminal SNR: nothing of the picture is left
    assert torch.equal(velocity[1], -latents[1])


def test_a_student_is_distilled_saved_and_paints_in_few_steps(folder: Path, bank: SpriteBank, tmp_path: Path) -> None:
    torch.manual_seed(0)
    parts = load_parts(folder)
    before = [p.clone() for p in parts.unet.parameters()]
    student = Student(TOY, parts, bank, tmp_path / "state")
    save_network(student.run(until_images=12), tmp_path / "student")
    assert all(torch.equal(a, b) for a, b in zip(before, parts.unet.parameters(), strict=True))
    loaded = UNet2DConditionModel.from_pretrained(tmp_path / "student", torch_dtype=torch.float32)
    one, two = (paint_quickly(parts, loaded, ["a red apple"], 3, steps=steps) for steps in (2, 4))
    assert one.shape == (1, 3, 64, 64)
    assert not torch.equal(one, two)
    again = Student(TOY, load_parts(folder), bank, tmp_path / "state")
    assert again.resume()
    assert again.seen == 12
