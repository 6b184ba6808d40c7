"""Training the editor at toy numbers: it learns, stops when told, goes on from there, and what it exports can be used."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import torch
from scumble_engine.diffusion.editor import Asked, load_editor
from scumble_engine.diffusion.editor_cues import condition_channels
from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.editor import EditorTeacher, Finish, clock, editor_folder, export_editor, warm_start
from scumble_engine.training.editor_batches import EditBatches
from scumble_engine.training.networks import export, load_parts
from scumble_engine.training.pipeline import first_parts
from scumble_engine.training.recipe import SMALL_RECIPE, smoke

from .conftest import CONCEPTS

TOY = replace(smoke(SMALL_RECIPE), concepts=CONCEPTS, styles=("flat", "3d"), channels=(16, 16, 16), batch=4)
FOREVER = Finish(float("inf"), 1.0)


@pytest.fixture(scope="module")
def start(bank: SpriteBank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported illustrator that has learnt nothing yet."""
    target = tmp_path_factory.mktemp("illustrator")
    export(target, first_parts(TOY, bank, tmp_path_factory.mktemp("work")))
    return target


def teacher(start: Path, bank: SpriteBank, state: Path, warm: Path | None = None) -> EditorTeacher:
    torch.manual_seed(0)
    parts = load_parts(start)
    parts.vae.requires_grad_(False)
    return EditorTeacher(TOY, warm_start(parts, warm), bank, state)


def test_batches_carry_all_that_the_network_needs(start: Path, bank: SpriteBank) -> None:
    batch = EditBatches(TOY, bank, load_parts(start), seed=1).next()
    assert batch.latents.shape == (4, TOY.latent_channels, 8, 8)
    assert batch.conditions.shape == (4, condition_channels(TOY.latent_channels), 8, 8)
    assert set(batch.changed.unique().tolist()) <= {0.0, 1.0}
    again = EditBatches(TOY, bank, load_parts(start), seed=1).next()
    assert torch.equal(batch.latents, again.latents)
    assert torch.equal(batch.conditions, again.conditions)


def test_it_learns_from_one_batch(start: Path, bank: SpriteBank, tmp_path: Path) -> None:
    learner = teacher(start, bank, tmp_path / "state")
    batch = EditBatches(TOY, bank, learner.parts, seed=1).next()

    def loss() -> float:
        torch.manual_seed(3)
        velocity, gate = learner.losses(batch)
        return float((velocity + gate).detach())

    before = loss()
    for _ in range(15):
        learner._learn(batch, 3e-3)
    assert loss() < 0.8 * before


def test_it_goes_on_where_it_was_stopped_and_exports_what_an_edit_can_load(
    start: Path, bank: SpriteBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = teacher(start, bank, tmp_path / "state")
    update = learner.average.update

    def told_to_stop(step: int) -> None:
        update(step)
        if step == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(learner.average, "update", told_to_stop)
    learner.run(FOREVER)
    assert learner.seen == 2 * TOY.batch
    other = teacher(start, bank, tmp_path / "state")
    assert other.resume()
    assert other.seen == learner.seen
    for one, two in zip(learner.parts.unet.parameters(), other.parts.unet.parameters(), strict=True):
        assert torch.equal(one, two)
    other.run(FOREVER, most_images=other.seen + TOY.batch)
    assert other.seen == learner.seen + TOY.batch
    folder = export_editor(other, tmp_path / "editor")
    painted = load_editor(start, folder).paint(Asked(words="an apple"), steps=2)
    assert painted.picture.shape == (64, 64, 3)
    warm = teacher(start, bank, tmp_path / "fresh", warm=folder)
    weight = other.average.values[0].half().float()
    assert torch.allclose(next(iter(warm.parts.unet.parameters())), weight)


def test_a_run_ends_at_its_time_at_a_rate_that_falls_towards_it(start: Path, bank: SpriteBank, tmp_path: Path) -> None:
    finish = Finish(at_s=1000.0, cooldown_s=100.0)
    assert [finish.share(now) for now in (0.0, 900.0, 950.0, 1000.0)] == [1.0, 1.0, 0.5, 0.02]
    learner = teacher(start, bank, tmp_path / "state")
    learner.run(Finish(time.time() - 1, 1.0))
    assert learner.seen == 0
    assert (tmp_path / "state" / "state.json").exists()


def test_a_clock_time_is_the_next_one() -> None:
    noon = datetime(2030, 5, 1, 12, 0)
    assert datetime.fromtimestamp(clock("18:45", noon)) == datetime(2030, 5, 1, 18, 45)
    assert datetime.fromtimestamp(clock("07:00", noon)) == datetime(2030, 5, 2, 7, 0)
    with pytest.raises(ValueError, match="soon"):
        clock("soon", noon)


def test_the_state_lies_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_TRAINING", str(tmp_path))
    assert editor_folder(TOY) == tmp_path / "editor" / TOY.name
