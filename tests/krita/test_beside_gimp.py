"""Krita and GIMP, both running, on one engine: each gets its own result, and what one cancels is only its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from gimp.console import Console, processes_of
from gimp.engine import Engine
from gimp.root import prepare, why_not
from gimp.scene import SIDE, raw_scene
from kritatest.probe import eventually
from kritatest.program import Program
from kritatest.square import message, open_square, stroke

pytestmark = [pytest.mark.krita, pytest.mark.gimp, pytest.mark.slow]

EDIT_S = 180.0


@pytest.fixture(scope="module")
def engine(program: Program) -> Iterator[Engine]:
    """An engine in the folder where both programs look for one."""
    if reason := why_not():
        pytest.skip(reason)
    program.end_engine()
    eventually(lambda: program.probe.value("docker().work.state is None"), 30)
    engine = Engine(program.run)
    engine.start()
    yield engine
    engine.stop()
    eventually(lambda: program.probe.value("docker().work.state is None"), 30)


@pytest.fixture(scope="module")
def console(program: Program, engine: Engine) -> Iterator[Console]:
    """A GIMP of the same user."""
    console = Console(prepare(program.folder), {"LANG": "C.UTF-8", "SCUMBLE_RUNTIME_DIR": str(program.run)})
    yield console
    console.close()


@pytest.fixture
def square(krita: Program, engine: Engine) -> Program:
    """Krita, with strokes over a square that wait for Edit."""
    open_square(krita)
    stroke(krita)
    eventually(lambda: krita.state()["phase"] == "ready", 90)
    eventually(lambda: engine.phase() == "ready", 90)
    return krita


@pytest.fixture
def scene(console: Console, program: Program) -> Iterator[dict[str, Any]]:
    """GIMP, with a disc and a path that pulls it."""
    raw = program.folder / "scene.rgba"
    raw.write_bytes(raw_scene())
    ids: dict[str, Any] = console.call("pictures.make", width=SIDE, height=SIDE, path=str(raw))
    console.call("host.add_path", image=ids["image"], strokes=[[(100, 128), (150, 128)]])
    yield ids
    console.call("pictures.close", image=ids["image"])


def layers(console: Console, scene: dict[str, Any]) -> Any:
    return console.call("pictures.layers", image=scene["image"])


def press_edit(krita: Program, engine: Engine, waiting: int) -> None:
    """Press Edit and wait until the engine has that job: at work on it, or with so many waiting."""
    krita.press_afresh()
    eventually(lambda: (engine.state().phase, engine.state().queued) == ("busy", waiting), 60, 0.3)


def begin_in_gimp(console: Console, scene: dict[str, Any], engine: Engine, waiting: int) -> None:
    console.begin("script.edit", image=scene["image"], layers=[scene["layer"]])
    eventually(lambda: (engine.state().phase, engine.state().queued) == ("busy", waiting), 60, 0.3)


def test_each_gets_its_own_result(square: Program, console: Console, scene: dict[str, Any], engine: Engine) -> None:
    worker = engine.freeze_worker()
    press_edit(square, engine, 0)
    begin_in_gimp(console, scene, engine, 1)
    engine.thaw_worker(worker)

    eventually(lambda: square.layers() == ["Background", "Erase", "Scumble: remove"], EDIT_S, 0.3)
    done = console.answer()

    assert done["status"] == "success", done["error"]
    assert layers(console, scene) == ["Drag 1 handle", "Background"]


def test_a_cancel_in_krita_leaves_gimps_job(
    square: Program, console: Console, scene: dict[str, Any], engine: Engine
) -> None:
    engine.freeze_worker()
    press_edit(square, engine, 0)
    begin_in_gimp(console, scene, engine, 1)
    square.press("ScumbleCancel")

    assert "cancelled" in message(square, 60)
    done = console.answer()

    assert done["status"] == "success", done["error"]
    assert layers(console, scene) == ["Drag 1 handle", "Background"]
    assert square.layers() == ["Background", "Scumble: remove"]


def test_a_cancel_in_gimp_leaves_kritas_job(
    square: Program, console: Console, scene: dict[str, Any], engine: Engine
) -> None:
    engine.freeze_worker()
    begin_in_gimp(console, scene, engine, 0)
    press_edit(square, engine, 1)
    for plug_in in processes_of(square.folder, "scumble-gimp.py"):
        os.kill(plug_in, signal.SIGKILL)  # what the Cancel of GIMP's progress bar does

    eventually(lambda: square.layers() == ["Background", "Erase", "Scumble: remove"], EDIT_S, 0.3)
    done = console.answer()

    assert done["status"] != "success"
    assert layers(console, scene) == ["Background"]
