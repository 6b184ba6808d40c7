"""The judge of pulls: it sees the truth as true, nothing done as nothing, and every way is scored on the same tasks."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest
import torch
from scumble_engine.bench import gan
from scumble_engine.gan.config import GeneratorConfig
from scumble_engine.gan.folder import save_generator
from scumble_engine.gan.steering import Steered
from scumble_engine.training.creatures import NUMBERS, render_creatures
from scumble_protocol.errors import RequestError
from tiny_generator import tiny_generator
from torch import Tensor

NAMES = tuple(number.name for number in NUMBERS)
SPREAD = torch.full((len(NUMBERS),), 0.5)
CONFIG = GeneratorConfig(len(NUMBERS), 16, (12, 12, 8, 8, 8), 2, normalize_z=False)
GENERATOR = Steered("tiny", "", tiny_generator(config=CONFIG), NAMES)


def rendered(after: bool) -> gan.Way:
    def way(_generator: Steered, pull: gan.Pull, _ws: Tensor) -> tuple[Tensor, int]:
        return render_creatures((pull.after if after else pull.before) * SPREAD, 64), 0

    return way


def test_the_truth_is_seen_as_true_and_nothing_done_as_nothing() -> None:
    tasks = gan.pulls(10, 3, SPREAD, 64)
    begun = torch.cat([task.before for task in tasks]) * SPREAD
    truth, nothing = (
        gan.score(
            str(after), tasks, [(*rendered(after)(GENERATOR, task, task.before), 0.0) for task in tasks], SPREAD, begun
        )
        for after in (True, False)
    )
    rows = [*truth, *nothing]
    assert len(truth) == len(nothing) == 10
    assert fmean(row.handle_error for row in truth) < 0.01
    assert fmean(row.asked for row in truth) > 0.9
    assert fmean(row.unasked for row in truth) < 0.1
    assert fmean(row.asked for row in nothing) < 0.1
    assert all(one.psnr > other.psnr for one, other in zip(truth, nothing, strict=True))
    assert {row.kind for row in rows} == set(gan.KINDS)
    assert {row.masked for row in rows} == {False, True}


def test_every_way_of_the_table_makes_a_picture() -> None:
    tasks = gan.pulls(5, 3, SPREAD, 64)
    ws = GENERATOR.drawn(0)
    for way in gan.WAYS.values():
        picture, steps = way(GENERATOR, tasks[0], ws)
        assert picture.shape == (1, 3, 64, 64)
        assert steps >= 0


def test_a_generator_of_other_things_has_no_known_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path))
    save_generator(tmp_path / "generators" / "faces", tiny_generator())
    with pytest.raises(RequestError, match="nobody knows the truth"):
        gan.run("faces", 1, 1, None)


def test_the_table_and_the_file_say_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path))
    facts = {"z": list(NAMES), "spread": SPREAD.tolist()}
    save_generator(tmp_path / "generators" / "small", GENERATOR.generator, facts)
    monkeypatch.setattr(gan, "WAYS", {"no-op": gan.WAYS["no-op"], "truth": gan.WAYS["truth"]})
    gan.run("small", 5, 1, tmp_path / "rows.json")
    assert len(json.loads((tmp_path / "rows.json").read_text())) == 10
    assert "no-op" in capsys.readouterr().out
