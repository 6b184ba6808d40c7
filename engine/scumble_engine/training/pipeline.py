"""The whole chain in order: sprites -> bank -> tokenizer -> autoencoder -> text head start -> denoiser -> folder."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from scumble_engine.assist.scene_net import FOLDER as SCENE_NET
from scumble_engine.assist.scene_net import save_scene_net
from scumble_engine.models.linear_autoencoder import LinearAutoencoder
from scumble_engine.training.autoencoder import fit_linear, train_refiner, train_tiny
from scumble_engine.training.bank import SpriteBank, build_bank
from scumble_engine.training.captions import Describer
from scumble_engine.training.contact_sheet import save_sheet
from scumble_engine.training.editor import EditorTeacher, Finish, editor_folder, export_editor, warm_start
from scumble_engine.training.kept_bank import keep_bank
from scumble_engine.training.networks import Parts, export, load_parts, new_unet, save_network
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.sampling import new_student_scheduler
from scumble_engine.training.scene_net import train_scene_net
from scumble_engine.training.scenes import SceneSampler
from scumble_engine.training.sprites import cache_folder, load_pack
from scumble_engine.training.student import Student
from scumble_engine.training.teacher import Teacher
from scumble_engine.training.text import new_text_encoder, teach_reading, train_tokenizer
from scumble_engine.training.vocabulary import vocabulary


def training_folder(recipe: Recipe) -> Path:
    """Return where this recipe's state is kept between runs."""
    return cache_folder() / "training" / recipe.name


def make_bank(recipe: Recipe, device: torch.device | str = "cpu") -> SpriteBank:
    """Return the recipe's sprites in all colours on the device."""
    return build_bank(load_pack(recipe.styles, recipe.concepts, 128)).to(device)


def corpus(recipe: Recipe, bank: SpriteBank, count: int = 12_000) -> list[str]:
    """Return sentences for the tokenizer: captions of random scenes, and every word and synonym that is known."""
    describer, sampler = Describer(recipe.concepts, bank), SceneSampler(bank, recipe.seed + 3)
    draw = random.Random(recipe.seed + 4)
    words = [word for concept in recipe.concepts for word in (concept.name, concept.plural, *concept.synonyms)]
    return [describer.vary(scene, draw).text for scene in sampler.batch(count)] + words * 5


def first_parts(recipe: Recipe, bank: SpriteBank, folder: Path) -> Parts:
    """Make every part from nothing; the text encoder gets its head start here."""
    torch.manual_seed(recipe.seed)
    tokenizer = train_tokenizer(corpus(recipe, bank), recipe.vocabulary, recipe.text_length, folder / "tokenizer")
    encoder = new_text_encoder(recipe, tokenizer).to(bank.full.device)
    sampler = SceneSampler(bank, recipe.seed + 5)
    loss = teach_reading(encoder, tokenizer, sampler, Describer(recipe.concepts, bank), recipe)
    print(f"text encoder: head start ends at loss {loss:.3f}", flush=True)
    return Parts(tokenizer, encoder, _first_autoencoder(recipe, bank), new_unet(recipe)).to(bank.full.device)


def _first_autoencoder(recipe: Recipe, bank: SpriteBank) -> LinearAutoencoder | AutoencoderTiny:
    if recipe.autoencoder_images:
        return train_tiny(recipe, bank)
    linear = fit_linear(recipe, bank)
    return train_refiner(recipe, bank, linear) if recipe.refiner_images else linear


def refine_again(recipe: Recipe, device: str = "cpu") -> None:
    """Train the exported linear autoencoder's refiner anew. The latents' code stays, so the denoiser needs nothing.

    Raises ValueError when the exported autoencoder is another.
    """
    exported = training_folder(recipe) / "illustrator"
    parts = load_parts(exported).to(device)
    if not isinstance(parts.vae, LinearAutoencoder):
        raise ValueError("Only the linear autoencoder has a refiner.")
    export(exported, replace(parts, vae=train_refiner(recipe, make_bank(recipe, device), parts.vae)))


def train_teacher(recipe: Recipe, images: int, cooldown: int, resume: Path | None, device: str = "cpu") -> None:
    """Train, or go on training, the denoiser until `images` pictures have been seen, and export its average.

    State is kept in the training folder. Where there is none, `resume` (an exported folder) is a warm start.
    """
    folder, bank = training_folder(recipe), make_bank(recipe, device)
    exported = folder / "illustrator"
    origin = exported if (exported / "model_index.json").exists() else resume
    parts = first_parts(recipe, bank, folder) if origin is None else load_parts(origin).to(device)
    if origin is not exported:
        export(exported, parts)
    parts.vae.requires_grad_(False)
    teacher = Teacher(recipe, parts, bank, folder / "state")
    if teacher.resume():
        print(f"resumed at {teacher.seen} images", flush=True)
    teacher.run(images, cooldown)
    teacher.average.swap()
    export(exported, parts)


def export_teacher(recipe: Recipe, device: str = "cpu") -> int:
    """Export the averaged weights of the last saved state; returns the images seen. A training may go on meanwhile.

    Raises FileNotFoundError when nothing was trained yet.
    """
    folder = training_folder(recipe)
    if not (folder / "state" / "state.json").exists():
        raise FileNotFoundError(f"There is no trained state in {folder}; run the training first.")
    parts = load_parts(folder / "illustrator").to(device)
    teacher = Teacher(recipe, parts, make_bank(recipe, device), folder / "state")
    teacher.resume()
    teacher.average.swap()
    export(folder / "illustrator", parts)
    return teacher.seen


def train_student(recipe: Recipe, images: int, device: str = "cpu") -> None:
    """Distil the exported denoiser into a few-step student beside it: `student/` and `student_scheduler/`."""
    folder = training_folder(recipe)
    exported = folder / "illustrator"
    parts = load_parts(exported).to(device)
    student = Student(recipe, parts, make_bank(recipe, device), folder / "student")
    if student.resume():
        print(f"student resumed at {student.seen} images", flush=True)
    save_network(student.run(images), exported / "student")
    new_student_scheduler().save_pretrained(exported / "student_scheduler")


def _open_editor(recipe: Recipe, start: Path, warm: Path | None, device: str) -> EditorTeacher:
    parts = load_parts(start).to(device)
    parts.vae.requires_grad_(False)
    bank = keep_bank(recipe).to(device)
    return EditorTeacher(recipe, warm_start(parts, warm).to(device), bank, editor_folder(recipe) / "state")


def train_editor(
    recipe: Recipe, start: Path, warm: Path | None, finish: Finish, images: int | None = None, device: str = "cpu"
) -> Path:
    """Train, or go on training, the editor until `finish`, and export its average; returns the exported folder.

    start: an exported illustrator, whose autoencoder and words it takes; warm: an earlier editor's weights, used where
    no state is kept.
    """
    teacher = _open_editor(recipe, start, warm, device)
    if teacher.resume():
        print(f"resumed at {teacher.seen} images", flush=True)
    teacher.run(finish, images)
    return export_editor(teacher, editor_folder(recipe) / "editor")


def take_out_editor(recipe: Recipe, start: Path, device: str = "cpu") -> Path:
    """Export the averaged weights of the last saved state of the editor; a training may go on meanwhile.

    Raises FileNotFoundError when nothing was trained yet.
    """
    teacher = _open_editor(recipe, start, None, device)
    if not teacher.resume():
        raise FileNotFoundError(f"There is no trained editor in {teacher.folder}; run the training first.")
    return export_editor(teacher, editor_folder(recipe) / "editor")


def teach_seeing(recipe: Recipe, device: str = "cpu") -> None:
    """Train the network that sees ground and style in the exported model's latents, and put it beside the model."""
    exported = training_folder(recipe) / "illustrator"
    reader, figures = train_scene_net(recipe, load_parts(exported).to(device), make_bank(recipe, device))
    save_scene_net(reader, exported / SCENE_NET, figures)
    print(f"scene net: {figures}", flush=True)


def finish(recipe: Recipe, target: Path | None = None, sheet: int = 64) -> Path:
    """Add what stands beside the weights (vocabulary, sources, contact sheet) and copy all to `target`, if given."""
    exported = training_folder(recipe) / "illustrator"
    bank, parts = make_bank(recipe), load_parts(exported)
    (exported / "vocabulary.json").write_text(json.dumps(vocabulary(recipe), indent=1) + "\n")
    sources = [asdict(sprite) for sprite in bank.sprites]
    (exported / "sprites.json").write_text("[\n" + ",\n".join(json.dumps(line) for line in sources) + "\n]\n")
    if sheet:
        save_sheet(recipe, parts, bank, exported / "samples.webp", count=sheet)
    if target is not None:
        shutil.copytree(exported, target, dirs_exist_ok=True)
    return exported
