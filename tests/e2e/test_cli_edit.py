"""`scumble edit` and `scumble rerun` as typed at a terminal, with the real engine on the real photograph model."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from e2e.terminal import Terminal, finish, running
from engine.headless.pictures import SRGB_PROFILE, load, noise, save
from PIL import Image
from scumble_engine.headless.sources import LayeredSource
from skimage import data

pytestmark = pytest.mark.slow

TOWER = np.s_[120:427, 420:480]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A folder with a photograph, strokes and masks, and an engine that all tests of this file share."""
    files = tmp_path_factory.mktemp("cli")
    photo = np.asarray(data.rocket())
    save(files / "rocket.png", photo)
    strokes = np.zeros((*photo.shape[:2], 4), np.uint8)
    strokes[TOWER] = (255, 0, 0, 255)
    save(files / "tower.png", strokes)
    grab = np.zeros(photo.shape[:2], np.uint8)
    grab[126:408, 306:338] = 255
    Image.fromarray(grab).save(files / "grab.png")
    terminal = Terminal(files, tmp_path_factory.mktemp("run"))
    yield terminal
    terminal.kill_engine()


@pytest.fixture
def ora(terminal: Terminal, tmp_path: Path) -> Path:
    """A file with one erased tower in it, made by the command line."""
    kept, fresh = terminal.files / "kept.ora", tmp_path / "out.ora"
    if not kept.exists():
        assert terminal("edit", "rocket.png", kept, "--subtract", "tower.png").code == 0
    fresh.write_bytes(kept.read_bytes())
    return fresh


def member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def names(path: Path) -> list[str]:
    return LayeredSource(path).file.stack.names()


def test_a_drag_starts_an_engine_and_adds_a_named_layer_with_its_recipe(terminal: Terminal) -> None:
    out = terminal.files / "drag.ora"
    said = terminal("edit", "rocket.png", out, "--drag", "321,200:321,145", "--grab", "grab.png", "--seed", "3")
    assert said.code == 0, said.err
    assert "“Drag 1 handle”" in said.out
    assert running(terminal.connection["pid"])
    assert names(out) == ["Drag 1 handle", "rocket"]
    assert member(out, "data/layer0.png") == (terminal.files / "rocket.png").read_bytes()
    recipe = json.loads(member(out, "scumble/layer1.json"))
    assert recipe["handles"] == [[321, 200, 321, 145]]
    assert recipe["settings"]["seed"] == 3
    before, after = np.asarray(data.rocket()).astype(int), LayeredSource(out).flat().samples[..., :3].astype(int)
    assert np.abs(after[75:300, 321] - before[130:355, 321]).mean() < 8  # the rocket, 55 px higher
    assert np.abs(after[75:120, 321] - before[75:120, 321]).mean() > 30  # where there was sky


def test_the_next_edit_uses_the_same_engine_and_may_go_onto_its_own_file(terminal: Terminal, ora: Path) -> None:
    pid = terminal.connection["pid"]
    before = LayeredSource(ora).flat().samples
    said = terminal("edit", ora, ora, "--drag", "321,200:321,160", "--grab", "grab.png")
    assert said.code == 0, said.err
    assert terminal.connection["pid"] == pid
    assert names(ora) == ["Drag 1 handle", "Erase", "rocket"]
    beneath = LayeredSource(ora, "Drag 1 handle").flat().samples
    assert np.array_equal(beneath, before)


def test_the_erased_thing_is_gone_and_all_else_is_untouched(terminal: Terminal, ora: Path) -> None:
    before = np.asarray(data.rocket()).astype(int)
    with Image.open(io.BytesIO(member(ora, "mergedimage.png"))) as image:
        after = np.asarray(image.convert("RGB")).astype(int)
    rough, smooth = (np.abs(np.diff(picture[150:300, 420:480], axis=1)).mean() for picture in (before, after))
    assert smooth < rough / 3  # sky without lattice
    changed = np.any(before != after, axis=-1)
    allowed = np.zeros_like(changed)
    allowed[104:, 404:496] = True  # the strokes, grown a little
    assert not (changed & ~allowed).any()


def test_rerun_gives_the_same_pixels_and_hides_the_old_layer(terminal: Terminal, ora: Path) -> None:
    said = terminal("rerun", ora, "--layer", "Erase")
    assert said.code == 0, said.err
    assert "the same as “Erase”, pixel by pixel" in said.out
    assert member(ora, "data/layer1.png") == member(ora, "data/scumble1.png")
    assert names(ora) == ["Erase 2", "Erase", "rocket"]


def test_rerun_with_a_change_writes_the_changed_recipe(terminal: Terminal, ora: Path) -> None:
    said = terminal("rerun", ora, "--layer", "Erase", "--set", "seed=7", "--set", "feather_px=9")
    assert said.code == 0, said.err
    settings = json.loads(member(ora, "scumble/scumble1.json"))["settings"]
    assert (settings["seed"], settings["feather_px"]) == (7, 9.0)


def test_rerun_says_when_the_picture_beneath_has_changed(terminal: Terminal, ora: Path) -> None:
    with zipfile.ZipFile(ora) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    darker = save(ora.with_suffix(".png"), np.asarray(data.rocket()) // 2)
    members["data/layer0.png"] = darker.read_bytes()
    with zipfile.ZipFile(ora, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    said = terminal("rerun", ora, "--layer", "Erase")
    assert said.code == 0, said.err
    assert "has changed since" in said.err
    assert "not the same as" in said.out


def test_outside_the_mask_a_16_bit_photograph_keeps_every_bit(terminal: Terminal) -> None:
    samples = noise(600, 700, 3, np.uint16)
    mask = np.zeros((600, 700), np.uint8)
    mask[100:300, 200:400] = 255
    strokes = np.zeros((600, 700, 4), np.uint8)
    strokes[50:250, 150:350] = 255
    image, out = save(terminal.files / "deep.tif", samples, SRGB_PROFILE), terminal.files / "deep-out.tif"
    Image.fromarray(mask).save(terminal.files / "mask.png")
    save(terminal.files / "strokes.png", strokes)
    said = terminal("edit", image, out, "--subtract", "strokes.png", "--mask", "mask.png")
    assert said.code == 0, said.err
    written = load(out)
    assert (written.dtype, written.shape) == (np.uint16, samples.shape)
    changed = (written != samples).any(axis=-1)
    assert not changed[mask == 0].any()
    assert changed[150:240, 250:340].mean() > 0.9


def test_a_gray_picture_and_an_empty_mask_are_taken_and_both_said(terminal: Terminal, tmp_path: Path) -> None:
    Image.fromarray(np.asarray(data.rocket())).convert("L").save(tmp_path / "gray.png")
    Image.new("L", (640, 427)).save(tmp_path / "black.png")
    out = tmp_path / "out.png"
    said = terminal("edit", tmp_path / "gray.png", out, "--subtract", "tower.png", "--mask", tmp_path / "black.png")
    assert said.code == 0, said.err
    assert "Note: The gray picture was converted to RGB" in said.err
    assert "Note: The mask is empty, so everything may change." in said.err
    gray = load(tmp_path / "gray.png")
    changed = (load(out) != gray[..., None]).any(axis=-1)
    assert changed[TOWER].mean() > 0.5
    assert not changed[:, :380].any()


@pytest.mark.parametrize("size", [(1, 1), (20_000, 50)])
def test_the_smallest_and_a_very_long_picture(terminal: Terminal, tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    Image.new("RGB", size, (90, 120, 30)).save(tmp_path / "odd.png")
    strokes = Image.new("RGBA", size)
    strokes.paste((255, 0, 0, 255), (width // 2, height // 2, width // 2 + 9, height // 2 + 9))
    strokes.save(tmp_path / "strokes.png")
    said = terminal("edit", tmp_path / "odd.png", tmp_path / "out.png", "--subtract", tmp_path / "strokes.png")
    assert said.code == 0, said.err
    assert load(tmp_path / "out.png").shape == (height, width, 3)


def test_words_that_cant_be_served_are_answered_in_words(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal("edit", "rocket.png", tmp_path / "out.ora", "--say", "xyzzy plugh")
    assert said.code == 2
    assert "It is not sure what 'xyzzy plugh' means" in said.sentence
    assert " -> " in said.sentence
    assert not (tmp_path / "out.ora").exists()


def large_photograph(terminal: Terminal) -> list[str]:
    """Write a photograph whose edit takes some seconds, and return the arguments of that edit but OUT."""
    photo, strokes = terminal.files / "large.png", terminal.files / "large-strokes.png"
    if not photo.exists():
        Image.fromarray(np.asarray(data.rocket())).resize((2560, 1708)).save(photo)
        marks = np.zeros((1708, 2560, 4), np.uint8)
        marks[200:1500, 200:2300] = 255
        save(strokes, marks)
    return ["edit", str(photo), "--subtract", str(strokes)]


def begun(terminal: Terminal, out: Path) -> subprocess.Popen[str]:
    """Begin an edit of the large photograph and return once the engine has it in hand."""
    command, photo, *rest = large_photograph(terminal)
    known, deadline = jobs_so_far(terminal), time.monotonic() + 60
    process = terminal.begin(command, photo, out, *rest)
    while time.monotonic() < deadline and process.poll() is None:
        if jobs_so_far(terminal) > known:
            return process
        time.sleep(0.05)
    return process


def jobs_so_far(terminal: Terminal) -> int:
    """Return how many have begun in the engine, by its log."""
    logs = (terminal.runtime / "state").rglob("engine.log")
    return sum(path.read_text().count(" begins\n") for path in logs)


def test_ctrl_c_cancels_the_job_and_the_engine_goes_on(terminal: Terminal, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    process = begun(terminal, out)
    process.send_signal(signal.SIGINT)
    said = finish(process)
    assert said.code == 130, said.err
    assert "cancelled" in said.sentence.lower()
    assert not out.exists()
    assert list(tmp_path.iterdir()) == []
    pid = terminal.connection["pid"]
    assert terminal("edit", "rocket.png", out, "--subtract", "tower.png").code == 0
    assert terminal.connection["pid"] == pid


def test_an_engine_that_dies_fails_the_edit_in_words_and_the_next_one_starts_another(
    terminal: Terminal, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    process = begun(terminal, out)
    pid = terminal.connection["pid"]
    terminal.kill_engine(signal.SIGKILL)
    said = finish(process)
    assert said.code == 1, said.err
    assert "engine" in said.sentence
    assert not out.exists()
    assert terminal.connection["pid"] == pid  # the dead engine's file is still there: stale
    assert terminal("edit", "rocket.png", out, "--subtract", "tower.png").code == 0
    assert terminal.connection["pid"] != pid


def test_two_edits_at_once_share_the_engine(terminal: Terminal, tmp_path: Path) -> None:
    arguments = ("--subtract", "tower.png")
    both = [terminal.begin("edit", "rocket.png", tmp_path / f"{n}.png", *arguments) for n in (1, 2)]
    assert [finish(process).code for process in both] == [0, 0]
    assert np.array_equal(load(tmp_path / "1.png"), load(tmp_path / "2.png"))


def test_a_second_engine_refuses_to_start(terminal: Terminal) -> None:
    assert running(terminal.connection["pid"])
    said = terminal("engine")
    assert said.code == 1
    assert "engine" in said.sentence


def test_a_wrong_key_is_answered_by_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    path = terminal.runtime / "engine.json"
    content = path.read_text()
    path.write_text(json.dumps(json.loads(content) | {"key": "00" * 32}))
    try:
        said = terminal("edit", "rocket.png", tmp_path / "out.png", "--subtract", "tower.png")
    finally:
        path.write_text(content)
    assert said.code in (1, 3)
    assert "key" in said.sentence
    assert not (tmp_path / "out.png").exists()
