"""The docker's looks and signals under PyQt6, without Krita."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from kritatest.stand_in import FactoryBase, StandIn
from scumble_protocol.errors import AskedBack
from scumble_protocol.messages import PromptPair


@pytest.fixture
def panel(stand_in: StandIn) -> Any:
    panel = import_module("scumble_krita.panel").Panel()
    panel.resize(280, 520)
    panel.show()
    yield panel
    panel.close()


def heard(signal: Any) -> list[object]:
    """Collect what a signal says from now on."""
    said: list[object] = []
    signal.connect(lambda *words: said.append(words[0] if words else None))
    return said


def child(panel: Any, name: str) -> Any:
    qt = import_module("scumble_krita.qt")
    found = [one for one in panel.findChildren(qt.QWidget, name) if not one.isHidden()]
    return found[0] if found else None


def test_krita_is_offered_one_dock_where_enums_have_their_scope_only(stand_in: StandIn) -> None:
    offered = [(factory.name, factory.area) for factory in stand_in.factories]
    assert offered == [("scumble", FactoryBase.DockPosition.DockRight)]


def test_the_whole_docker_stands_without_a_document_and_says_so_when_pressed(stand_in: StandIn) -> None:
    docker = stand_in.factories[0].kind()
    docker.tick()
    docker.refresh()
    docker.panel.edit.click()
    assert "No document is open" in docker.panel.message.text()
    docker.panel.tool_buttons["drag"].click()
    docker.refresh()
    assert not docker.panel.tool_buttons["drag"].isChecked()


def test_each_tool_says_its_name_and_falls_silent_when_switched_off(panel: Any) -> None:
    said = heard(panel.tool_chosen)
    for name in ("drag", "add", "subtract", "color"):
        panel.tool_buttons[name].click()
        panel.show_tool(name)
    panel.tool_buttons["color"].click()
    assert said == ["drag", "add", "subtract", "color", ""]


def test_return_in_the_words_is_edit(panel: Any) -> None:
    said = heard(panel.edit_pressed)
    panel.words.setText("make it green")
    panel.words.returnPressed.emit()
    panel.edit.click()
    assert len(said) == 2


def test_cues_are_listed_and_each_can_be_removed(panel: Any) -> None:
    row = import_module("scumble_krita.panel").CueRow
    panel.show_cues([row("handle:h1", "Drag 1"), row("add", "Add strokes"), row("selection", "Selection", False)])
    said = heard(panel.cue_removed)
    child(panel, "ScumbleRemove-add").click()
    assert said == ["add"]
    assert child(panel, "ScumbleRemove-selection") is None


def test_progress_takes_the_place_of_edit_with_a_way_to_cancel(panel: Any) -> None:
    said = heard(panel.cancel_pressed)
    assert not panel.edit.isHidden()
    assert panel.progress.isHidden()
    panel.show_job("Filling · 4 s left", 0.25)
    assert panel.edit.isHidden()
    assert (panel.progress.format(), panel.progress.value()) == ("Filling · 4 s left", 250)
    panel.cancel.click()
    assert len(said) == 1
    panel.show_job(None)
    assert not panel.edit.isHidden()


def test_an_engine_that_runs_can_be_stopped(panel: Any) -> None:
    said = heard(panel.stop_pressed)
    for phase in ("off", "starting", "failed"):
        panel.show_engine(phase, phase)
        assert child(panel, "ScumbleStop") is None
    for phase in ("ready", "busy"):
        panel.show_engine(phase, phase)
        child(panel, "ScumbleStop").click()
    assert len(said) == 2


def test_layers_can_be_run_again_or_changed_and_stale_ones_are_marked(panel: Any) -> None:
    row = import_module("scumble_krita.panel").LayerRow
    panel.show_layers([row("a", "Erase"), row("b", "Drag 1 handle", stale=True)])
    again, change = heard(panel.rerun_pressed), heard(panel.change_pressed)
    child(panel, "ScumbleRerun-b").click()
    child(panel, "ScumbleChange-a").click()
    assert (again, change) == (["b"], ["a"])
    assert child(panel, "ScumbleStale-b") is not None
    assert child(panel, "ScumbleStale-a") is None


def test_nothing_that_a_file_or_an_engine_says_is_read_as_rich_text(panel: Any, tmp_path: Path) -> None:
    from PyQt6.QtGui import QColor, QImage, QTextDocument
    from PyQt6.QtWidgets import QLabel, QWidget

    red = QImage(60, 60, QImage.Format.Format_RGB32)
    red.fill(QColor(255, 0, 0))
    assert red.save(str(tmp_path / "red.png"))
    evil = f'<img src="file://{tmp_path}/red.png"> & <b>bold</b>'
    parts = import_module("scumble_krita.panel")
    panel.resize(700, 700)
    panel.show_layers([parts.LayerRow("a", evil, stale=True)])
    panel.show_cues([parts.CueRow("add", evil)])
    panel.show_message(evil)
    panel.show_engine("ready", evil)
    assert [label.text() for label in panel.findChildren(QLabel)].count(evil) == 4
    shown = panel.grab().toImage()
    places = [(x, y) for x in range(shown.width()) for y in range(shown.height())]
    assert QColor(255, 0, 0).rgb() not in {shown.pixel(*place) for place in places}
    hints = [one.toolTip() for one in panel.findChildren(QWidget) if "img" in one.toolTip()]
    assert len(hints) == 2
    for hint in hints:
        tip = QTextDocument()
        tip.setHtml(hint)  # as Qt shows tooltips that begin with a tag
        assert tip.toPlainText() == evil


def test_the_guess_is_the_placeholder(panel: Any) -> None:
    panel.show_guess(("hat", "boat"))
    assert panel.words.placeholderText() == "hat? Say what should change"
    panel.show_guess(())
    assert panel.words.placeholderText() == "Say what should change"


def test_the_engine_is_named_with_its_model(stand_in: StandIn) -> None:
    words = import_module("scumble_krita.sentences").engine_words
    assert words("ready", "owner/model", "cuda") == "Ready · owner/model · cuda"
    assert words("busy", "auto", "cpu") == "Busy · Scumble's own models · cpu"
    assert words("off", "", "") == "Engine off: it starts with the first edit"


def test_words_that_are_asked_back_come_into_their_line_to_be_corrected(stand_in: StandIn) -> None:
    docker = stand_in.factories[0].kind()
    docker.panel.words.setText("make the horse gallop")
    reading = PromptPair("a horse", "a gallop horse")
    job = import_module("scumble_krita.work").Job(None, None, "gone", error=AskedBack("It is not sure.", reading))
    docker.work.finished.append(job)
    docker.tick()
    assert docker.panel.words.text() == "a horse -> a gallop horse"
    assert docker.panel.message.text() == "It is not sure."
