"""The drag benchmark judges its own controls rightly: truth is perfect, doing nothing scores nothing, a wrong move is seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from photographs import classical_shelf
from scumble_engine.bench import collection as collected
from scumble_engine.bench import edits
from scumble_engine.bench.collection import collection
from scumble_engine.bench.scenes import Scene, make_scene, shift, turn
from scumble_engine.bench.score import score, sharpness
from scumble_protocol.geometry import Point
from skimage import data


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return collection()


def small_scene() -> Scene:
    patch = collected.cut_sprite(data.astronaut(), (171, 385), (37, 37), 0.4)
    return make_scene("patch", "translate", data.rocket()[150:270, 200:420], [shift(patch, (40, 50), 50, 12)])


def test_every_scene_knows_its_own_truth(scenes: list[Scene]) -> None:
    for scene in scenes:
        truth, still = score(scene, scene.truth), score(scene, scene.start)
        assert (truth.handle_px, truth.iou, truth.centroid_px, truth.psnr) == (0.0, 1.0, 0.0, 99.0), scene.name
        moved = np.mean([handle.start.distance(handle.end) for handle in scene.handles])
        assert 0.2 * moved < still.handle_px < 1.1 * moved + 8, scene.name
        assert still.iou < 0.75, scene.name
        assert (truth.outside, still.outside) == (0, 0)
        # Alpha below 2% is not counted as the thing, and changes a pixel by a few steps at most.
        stray = np.abs(scene.start.astype(int) - scene.background)[~scene.grab]
        assert stray.max() <= 5


def test_the_strata_of_the_design_are_all_there(scenes: list[Scene]) -> None:
    wanted = {
        "translate",
        "scale and turn",
        "bend",
        "opposed",
        "border",
        "repeated texture",
        "non-square",
        "tiny",
        "empty mask",
    }
    assert {scene.stratum for scene in scenes} == wanted
    assert {scene.mask is None for scene in scenes if scene.stratum == "empty mask"} == {True}


def test_handles_follow_the_motion_of_the_thing() -> None:
    patch = collected.cut_sprite(data.astronaut(), (171, 385), (37, 37))
    move = turn(patch, (100, 100), 90, 2.0, 10, 0)
    first, second = move.handles()
    cx, cy = 100 + patch.size[0] / 2, 100 + patch.size[1] / 2
    reach = patch.size[0] / 4
    assert first.start == Point(cx - reach, cy)
    assert (first.end.x, first.end.y) == pytest.approx((cx + 10, cy - 2 * reach))
    assert (second.end.x, second.end.y) == pytest.approx((cx + 10, cy + 2 * reach))


def test_a_thing_in_the_wrong_place_and_a_change_outside_are_seen() -> None:
    scene = small_scene()
    off = np.roll(scene.truth, 5, axis=1)
    judged = score(scene, off)
    assert judged.handle_px == pytest.approx(5.0, abs=0.5)
    assert judged.psnr < 30
    assert judged.outside > 0
    spot = scene.truth.copy()
    assert scene.mask is not None
    spot[tuple(np.argwhere(~scene.mask)[0])] ^= 1
    assert score(scene, spot).outside >= 1


def test_sharpness_tells_a_blur() -> None:
    grass = np.repeat(data.grass()[..., None], 3, axis=2)
    everywhere = np.ones(grass.shape[:2], bool)
    assert sharpness(grass, grass, everywhere) == 1.0
    assert sharpness(cv2.GaussianBlur(grass, (0, 0), 3), grass, everywhere) < 0.2


def test_the_engine_beats_doing_nothing_on_a_scene() -> None:
    scene = small_scene()
    rows = {row.method: row for row in edits.score_drags(scene, edits.drag_results(scene, classical_shelf()))}
    assert rows["engine, selected"].progress > 0.9
    assert rows["engine, selected"].score.psnr > rows["no-op"].score.psnr + 6
    assert rows["engine, selected"].score.outside == 0
    assert rows["warp with holes"].score.psnr < rows["engine, selected"].score.psnr
    erased = {row.method: row for row in edits.score_erases(scene, edits.erase_results(scene, classical_shelf()))}
    assert erased["engine"].psnr > erased["no-op"].psnr + 6
    assert erased["engine"].outside == 0


def test_the_whole_benchmark_prints_writes_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCUMBLE_MODELS_DIR", str(tmp_path))
    monkeypatch.setattr(edits, "collection", lambda: [replace(small_scene(), name="one")])
    monkeypatch.setattr(edits, "measure_speed", lambda _shelf: [])
    edits.run(tmp_path / "report.json", tmp_path / "sheet.png")
    report = json.loads((tmp_path / "report.json").read_text())
    assert {row["method"] for row in report["drags"]} >= {"engine", "no-op", "warp with holes", "truth"}
    assert report["fill"] == "classical"
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.std() > 10
    assert "Drags, by stratum" in capsys.readouterr().out
