"""Edits as a painter makes them: clicks and keys on the real docker and canvas, with the real engine; the probe only looks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import skimage
from kritatest.probe import eventually
from kritatest.program import ARTIFACTS, Program
from PIL import Image

pytestmark = [pytest.mark.krita, pytest.mark.slow]

EDIT_S = 120.0
WHOLE = "0, 0, 600, 400"


@pytest.fixture(scope="module")
def coffee(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The example photograph (a cup of coffee, 600×400), open in Krita for all of this file's tests, one after the other."""
    path = tmp_path_factory.mktemp("pictures") / "coffee.png"
    Image.fromarray(skimage.data.coffee()).convert("RGBA").save(path)
    program.probe.ask("close_all()")
    program.probe.ask(f"open_file({str(path)!r})")
    eventually(
        lambda: program.probe.value("app.activeDocument() and app.activeDocument().activeNode() is not None"), 20
    )
    program.probe.ask("app.activeWindow().activeView().canvas().setZoomLevel(1.0)")
    yield program
    if program.alive():
        program.probe.ask("close_all()")


def finished(program: Program, layer: str) -> None:
    """Wait until the edit has added this layer; fail with what the docker says when it has not."""

    def over() -> object:
        return layer in program.layers() or program.state()["message"]

    eventually(over, EDIT_S, 0.3)
    eventually(lambda: not program.state()["working"], 30)
    assert layer in program.layers(), program.state()


def source(program: Program) -> bytes:
    """Return every byte of the photograph's own layer."""
    raw: bytes = program.probe.value(f"bytes(app.activeDocument().topLevelNodes()[0].pixelData({WHOLE}))")
    return raw


def test_a_drag_on_the_canvas_becomes_one_layer_with_live_previews(coffee: Program) -> None:
    before = source(coffee)
    coffee.press("ScumbleTool-drag")
    eventually(lambda: coffee.state()["phase"] == "ready", 60)
    start, end = coffee.at(395, 330), coffee.at(440, 300)
    coffee.screen.press_and_pull(start, end)
    look = "bool(docker().overlay.look)"
    eventually(lambda: coffee.probe.value(look), 20)
    coffee.shoot("1-pulling")
    coffee.screen.release()
    eventually(lambda: len(coffee.state()["cues"]) == 1, 30)
    assert coffee.layers() == ["Background", "Drag points"]
    gaps = gaps_during(coffee, lambda: (coffee.press_afresh(), finished(coffee, "Drag 1 handle")))
    report(gaps)
    coffee.shoot("3-dragged")
    assert coffee.layers() == ["Background", "Drag 1 handle", "Drag points"]
    assert source(coffee) == before
    changed = coffee.probe.value("bytes(node('Drag 1 handle').pixelData(0, 0, 600, 400))")
    assert any(changed[3::4])  # it shows something …
    assert changed[3] == 0  # … but not everywhere
    assert max(gaps.busy) < 50
    if os.getloadavg()[0] < (os.cpu_count() or 1):  # else Krita is kept waiting by others, whatever we do
        assert max(gaps.away) < 50


@dataclass(frozen=True)
class Gaps:
    """Milliseconds between ticks of a 10 ms timer on Krita's main thread: `away` by the clock, `busy` with work of its own."""

    away: list[float]
    busy: list[float]

    def figures(self) -> dict[str, float]:
        p99 = sorted(self.away)[len(self.away) * 99 // 100]
        largest = {"largest_ms": max(self.away), "largest_busy_ms": max(self.busy), "p99_ms": p99}
        return {"ticks": len(self.away)} | {name: round(value, 1) for name, value in largest.items()}


def gaps_during(program: Program, act: Callable[[], object]) -> Gaps:
    """Measure while something happens."""
    program.probe.ask("probe.watch_gaps()")
    act()
    pairs: list[list[float]] = program.probe.ask("probe.watch.stop(); answer = probe.gaps")
    return Gaps([away for away, _ in pairs], [busy for _, busy in pairs])


def report(gaps: Gaps) -> None:
    """Keep the figures where a person finds them."""
    figures = gaps.figures() | {"load": round(os.getloadavg()[0], 1)}
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    (ARTIFACTS / "gaps.json").write_text(json.dumps(figures))
    print("gaps between ticks of a 10 ms timer during an edit:", figures)


def test_undo_takes_the_layer_away_in_one_step_and_redo_brings_it_back(coffee: Program) -> None:
    pixels = coffee.probe.value("pixels('Drag 1 handle', 0, 0, 600, 400)")
    coffee.screen.do("mousemove", *map(round, coffee.at(300, 200)))
    coffee.screen.key("ctrl+z")
    eventually(lambda: coffee.layers() == ["Background", "Drag points"], 30)
    coffee.screen.key("ctrl+shift+z")
    eventually(lambda: coffee.layers() == ["Background", "Drag 1 handle", "Drag points"], 30)
    assert coffee.probe.value("pixels('Drag 1 handle', 0, 0, 600, 400)") == pixels


def test_strokes_of_kritas_brush_erase_what_they_cover(coffee: Program) -> None:
    before = source(coffee)
    coffee.press("ScumbleTool-subtract")
    eventually(lambda: coffee.state()["tool"] == "subtract", 30)
    for height in (60, 80, 100):
        coffee.screen.pull(coffee.at(60, height), coffee.at(140, height + 10))
    eventually(lambda: coffee.state()["cues"] == ["Remove strokes"], 30)
    coffee.shoot("4-strokes")
    coffee.press_afresh()
    finished(coffee, "Erase")
    coffee.shoot("5-erased")
    assert coffee.layers() == ["Background", "Drag 1 handle", "Erase", "Drag points", "Scumble: remove"]
    assert source(coffee) == before


def test_recipes_outlive_the_program_file_and_make_the_same_pixels_again(coffee: Program, tmp_path: Path) -> None:
    made = coffee.probe.value("pixels('Erase', 0, 0, 600, 400)")
    path = tmp_path / "kept.kra"
    coffee.probe.ask(f"app.activeDocument().saveAs({str(path)!r}); app.activeDocument().waitForDone(); close_all()")
    coffee.probe.ask(f"open_file({str(path)!r})")
    eventually(lambda: len(coffee.state()["layers"]) == 2, 20)
    key, name, stale = coffee.state()["layers"][0]
    assert (name, stale) == ("Erase", False)
    coffee.press_afresh(f"ScumbleRerun-{key}")
    finished(coffee, "Erase 2")
    assert coffee.probe.value("pixels('Erase 2', 0, 0, 600, 400)") == made
    assert coffee.layers()[:4] == ["Background", "Drag 1 handle", "Erase", "Erase 2"]


def test_a_layer_is_marked_stale_when_what_lies_beneath_has_changed(coffee: Program) -> None:
    coffee.probe.ask("app.activeDocument().setActiveNode(node('Background'))")
    coffee.screen.pull(coffee.at(480, 280), coffee.at(520, 320))
    eventually(lambda: any(stale for _, name, stale in coffee.state()["layers"] if name == "Drag 1 handle"), 20)
    coffee.shoot("6-stale")


def test_a_layers_cues_come_back_to_be_changed(coffee: Program) -> None:
    key = next(key for key, name, _ in coffee.state()["layers"] if name == "Drag 1 handle")
    coffee.press(f"ScumbleChange-{key}")
    said = eventually(lambda: "Its cues are back" in str(coffee.state()["message"]) and coffee.state(), 30)
    assert said["cues"] == ["Changes “Drag 1 handle”", "Drag 1   395, 330 → 440, 300"]
    visible = {name: visible for name, _, visible in coffee.probe.value("layers()")}
    assert visible["Drag 1 handle"] is False
    assert visible["Drag points"] is True
