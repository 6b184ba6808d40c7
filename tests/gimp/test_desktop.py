"""What a painter does in the real GIMP: menu, path tool, panel and brush, undo and redo, cancel, and an engine that dies.

One GIMP for all: each test leaves its picture as it was, by undo.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from gimp.console import Console, processes_of
from gimp.desktop import PROGRESS_CANCEL, Desktop
from gimp.engine import Engine
from gimp.picture import EDIT_S, Picture, draw_path, leave_path_out
from gimp.scene import SIDE, raw_scene
from gimp.waiting import wait_for

pytestmark = [pytest.mark.gimp, pytest.mark.slow]

STOP_S = 60.0  # a worker that is only silent is not given up so soon


def raw_scene_file(desktop: Desktop) -> Path:
    path = desktop.root.shared / "scene.rgba"
    path.write_bytes(raw_scene())
    return path


def test_edit_from_the_menu_along_a_path_drawn_by_the_path_tool(
    desktop: Desktop, engine: Engine, picture: Picture
) -> None:
    before = picture.bytes_of("scene.png")
    draw_path(desktop)
    desktop.shoot("1-path-drawn")

    desktop.choose("e")
    desktop.wait_for_text("Edits the layer “scene.png”, with all that shows beneath it.\nOn the canvas: 1 drag point.")
    desktop.shoot("2-dialog")
    desktop.press("_Edit")
    picture.wait_for_layers(["Drag 1 handle", "scene.png"])
    desktop.shoot("3-dragged")
    assert picture.recipe("Drag 1 handle")["settings"]["seed"] != 0  # drawn anew for each dialog
    made = picture.bytes_of("Drag 1 handle")

    desktop.focus_canvas()
    desktop.screen.key("ctrl+z")
    picture.wait_for_layers(["scene.png"], 90)
    desktop.screen.key("ctrl+y")
    picture.wait_for_layers(["Drag 1 handle", "scene.png"], 90)
    assert picture.bytes_of("Drag 1 handle") == made
    assert picture.bytes_of("scene.png") == before
    desktop.screen.key("ctrl+z")
    picture.wait_for_layers(["scene.png"], 90)


def test_the_plug_in_needs_neither_pyzmq_nor_msgpack(panel: Desktop, engine: Engine) -> None:
    wait_for("the panel to reach the engine", lambda: "Engine: ready" in panel.texts(), 60, 0.3)
    (pid,) = processes_of(panel.root.shared, "scumble-gimp.py")
    loaded = Path(f"/proc/{pid}/maps").read_text()
    assert "libgimp-3.0" in loaded
    assert "zmq" not in loaded
    assert "_cmsgpack" not in loaded


def test_panel_drags_along_the_path_and_uses_it_up(panel: Desktop, engine: Engine, picture: Picture) -> None:
    panel.wait_for_text("1 drag point")  # undo has given the path back

    panel.press("Edit")
    panel.wait_for_text("Made the layer “Drag 1 handle”.", EDIT_S)
    panel.shoot("4-dragged-by-panel")

    assert picture.layers() == ["Drag 1 handle", "scene.png"]
    wait_for("the path to be used up", lambda: "1 drag point" not in panel.texts(), 90)
    panel.press("Edit")
    panel.wait_for_text("Nothing was asked for: drag a point, paint a stroke, or say what should change.")
    assert picture.layers() == ["Drag 1 handle", "scene.png"]


def test_panel_makes_the_layer_again_from_its_recipe(panel: Desktop, engine: Engine, picture: Picture) -> None:
    panel.press("Re-run")
    panel.wait_for_text("Drag 1 handle 2", EDIT_S)
    panel.shoot("5-made-again")

    assert picture.layers() == ["Drag 1 handle 2", "Drag 1 handle", "scene.png"]
    assert picture.bytes_of("Drag 1 handle 2") == picture.bytes_of("Drag 1 handle")
    picture.undo_until(["scene.png"])


def test_a_layer_is_made_again_with_what_the_dialog_changes(panel: Desktop, engine: Engine, picture: Picture) -> None:
    panel.focus_canvas()
    panel.screen.key("ctrl+y")
    picture.wait_for_layers(["Drag 1 handle", "scene.png"], 90)
    made, dialog = picture.bytes_of("Drag 1 handle"), "Change and re-run"
    before = picture.recipe("Drag 1 handle")["settings"]

    panel.press("Change…")
    panel.wait_for_text("Strength")
    panel.write("0.5", "SpinButton", dialog, "1.00")
    panel.shoot("15-change")
    panel.press("Re-run", dialog)
    picture.wait_for_layers(["Drag 1 handle 2", "Drag 1 handle", "scene.png"])

    assert before["strength"] == 1.0
    assert picture.recipe("Drag 1 handle 2")["settings"] == before | {"strength": 0.5}
    assert picture.bytes_of("Drag 1 handle") == made

    panel.press("Change…")
    panel.wait_for_text("Strength")
    panel.press("Cancel", dialog)
    wait_for("the dialog to close", lambda: "Strength" not in panel.texts(), 90)
    assert picture.layers() == ["Drag 1 handle 2", "Drag 1 handle", "scene.png"]
    picture.undo_until(["scene.png"])


def test_a_second_call_shows_the_panel_that_is_open(panel: Desktop, picture: Picture) -> None:
    only = processes_of(panel.root.shared, "scumble-gimp.py")
    (window,) = panel.screen.windows("^Scumble$")
    panel.focus_canvas()
    assert panel.screen.focused() != window

    panel.choose("p")

    wait_for("the panel to come to the front", lambda: panel.screen.focused() == window, 30, 0.2)
    wait_for("one process", lambda: processes_of(panel.root.shared, "scumble-gimp.py") == only, 30, 0.2)
    assert panel.screen.windows("^Scumble$") == [window]
    assert panel.screen.windows("GIMP Message") == []


def test_a_reopened_xcf_keeps_the_recipe(panel: Desktop, engine: Engine, picture: Picture) -> None:
    panel.focus_canvas()
    panel.screen.key("ctrl+y")
    picture.wait_for_layers(["Drag 1 handle", "scene.png"], 90)
    made, path = picture.bytes_of("Drag 1 handle"), str(panel.root.shared / "desktop.xcf")
    panel.probe.call("scene.save", image=picture.number, path=path)
    again = Picture(panel, panel.probe.call("scene.show", path=path))
    panel.focus_canvas()

    panel.choose("r")
    again.wait_for_layers(["Drag 1 handle 2", "Drag 1 handle", "scene.png"])
    panel.shoot("6-reopened-and-made-again")

    assert again.bytes_of("Drag 1 handle 2") == made
    panel.probe.call("scene.close_window", image=again.number)
    picture.undo_until(["scene.png"])


def test_panel_does_what_the_painter_says(panel: Desktop, engine: Engine, picture: Picture) -> None:
    wait_for("the engine to be ready", lambda: engine.phase() == "ready", 60, 0.5)
    if "Instruction" not in engine.state().cues:
        pytest.skip("this engine has no model that understands words")
    leave_path_out(panel)
    before = picture.bytes_of("scene.png")

    panel.write("make the apple green")
    panel.press("Edit")
    wait_for("a preview", lambda: panel.find("PreviewImage"), 2 * EDIT_S, 0.3)
    panel.shoot("13-preview")
    panel.wait_for_text("Made the layer “Say: make the apple green”.", 2 * EDIT_S)
    panel.shoot("14-said")

    assert picture.layers() == ["Say: make the apple green", "scene.png"]
    assert picture.bytes_of("scene.png") == before
    assert panel.find("Entry", "apple") is None  # the words are used up
    picture.undo_until(["scene.png"])


def test_panel_erases_what_the_brush_covers_in_one_step_of_undo(
    panel: Desktop, engine: Engine, picture: Picture
) -> None:
    with_strokes = [["Scumble strokes", ["Subtract (−)"]], "scene.png"]
    leave_path_out(panel)
    panel.press("−")
    picture.wait_for_layers(with_strokes, 90)
    panel.focus_canvas()
    panel.screen.key("p")
    panel.paint((72, 128), (80, 105), (100, 100), (120, 110), (128, 128), (118, 150), (90, 152), (100, 128))
    panel.wait_for_text("Strokes over what should go")
    panel.shoot("7-strokes-painted")
    strokes = picture.bytes_of("Subtract (−)")

    panel.press("Edit")
    panel.wait_for_text("Made the layer “Erase”.", EDIT_S)
    panel.shoot("8-erased")
    assert picture.layers() == [with_strokes[0], "Erase", "scene.png"]
    assert not picture.shown("Scumble strokes")

    panel.focus_canvas()
    panel.screen.key("ctrl+z")
    picture.wait_for_layers(with_strokes, 90)
    assert picture.shown("Scumble strokes")
    assert picture.bytes_of("Subtract (−)") == strokes


def test_edit_again_is_another_try(panel: Desktop, engine: Engine, picture: Picture) -> None:
    before, seeds = picture.layers(), set()
    for _ in range(2):
        panel.press("Edit")
        picture.wait_for_layers([before[0], "Erase", "scene.png"])
        seeds.add(picture.recipe("Erase")["settings"]["seed"])
        picture.undo_until(before)

    assert len(seeds) == 2


def test_two_gimps_share_one_engine(panel: Desktop, engine: Engine, picture: Picture, console: Console) -> None:
    before = picture.layers()
    ids = console.call("pictures.make", width=SIDE, height=SIDE, path=str(raw_scene_file(panel)))
    console.call("host.add_path", image=ids["image"], strokes=[[(100, 128), (150, 128)]])

    console.begin("script.edit", image=ids["image"], layers=[ids["layer"]])
    panel.press("Edit")
    panel.wait_for_text("Made the layer “Erase”.", EDIT_S)
    done = console.answer()

    assert done["status"] == "success", done["error"]
    assert console.call("pictures.layers", image=ids["image"]) == ["Drag 1 handle", "Background"]
    assert picture.layers() == [before[0], "Erase", "scene.png"]
    console.call("pictures.close", image=ids["image"])
    picture.undo_until(before)


def test_cancel_in_the_panel_stops_the_job(panel: Desktop, engine: Engine, picture: Picture) -> None:
    before = picture.layers()
    engine.freeze_worker()

    panel.press("Edit")
    wait_for("the engine to be busy", lambda: engine.phase() == "busy", 30, 0.3)
    panel.shoot("9-busy")
    panel.press("Cancel")
    panel.wait_for_text("Cancelled.", STOP_S)

    assert picture.layers() == before
    wait_for("a new worker", lambda: engine.phase() == "ready", 90, 0.5)


def test_cancel_at_gimps_progress_bar_ends_the_plug_in_and_the_engine_stops_its_job(
    panel: Desktop, engine: Engine, picture: Picture
) -> None:
    before, ended = picture.layers(), len(engine.log_lines("worker ended"))
    only_panel = processes_of(panel.root.shared, "scumble-gimp.py")
    engine.freeze_worker()

    panel.choose("e")
    panel.wait_for_text("Strokes over what should go")
    panel.press("_Edit")
    wait_for("the engine to be busy", lambda: engine.phase() == "busy", 30, 0.3)
    panel.shoot("10-progress-bar")
    panel.screen.click(*PROGRESS_CANCEL)

    wait_for("the plug-in to end", lambda: processes_of(panel.root.shared, "scumble-gimp.py") == only_panel, STOP_S)
    wait_for("the job to be stopped", lambda: len(engine.log_lines("worker ended")) > ended, STOP_S)
    assert picture.layers() == before
    wait_for("a new worker", lambda: engine.phase() == "ready", 90, 0.5)


def test_an_engine_that_dies_is_one_sentence_and_the_next_edit_works(
    panel: Desktop, engine: Engine, picture: Picture
) -> None:
    before, strokes = picture.layers(), picture.bytes_of("Subtract (−)")
    engine.freeze_worker()
    panel.press("Edit")
    wait_for("the engine to be busy", lambda: engine.phase() == "busy", 30, 0.3)

    engine.kill()
    panel.wait_for_text("The engine has stopped; nothing was changed.", 90)
    panel.shoot("11-engine-died")
    panel.focus_canvas()
    panel.paint((60, 60), (90, 70), (120, 60))  # GIMP is alive
    assert picture.bytes_of("Subtract (−)") != strokes

    panel.press("Edit")
    panel.wait_for_text("Scumble's engine is not installed where this program can find it.", 90)
    panel.shoot("12-engine-cannot-be-started")
    assert picture.layers() == before

    engine.start()
    panel.press("Edit")
    panel.wait_for_text("Made the layer “Erase”.", EDIT_S)
    assert picture.layers() == [before[0], "Erase", "scene.png"]


def test_the_engine_is_stopped_from_the_panel_and_from_the_menu(
    panel: Desktop, engine: Engine, picture: Picture
) -> None:
    wait_for("the panel to reach the engine", lambda: "Engine: ready" in panel.texts(), 60, 0.3)
    panel.shoot("16-engine-foot")
    panel.press("Stop engine")
    wait_for("the engine to end", engine.has_ended, 60, 0.2)
    panel.wait_for_text("Engine: off", 90)

    engine.start()
    panel.wait_for_text("Engine: ready", 60)
    panel.choose("g")
    wait_for("the engine to end", engine.has_ended, 60, 0.2)
    engine.start()


def test_a_note_that_only_a_damaged_file_has_does_not_end_the_panel(
    panel: Desktop, engine: Engine, picture: Picture
) -> None:
    panel.probe.call("scene.keep_note", item=picture.named("Scumble strokes"), name="scumble-source", text="²")
    panel.probe.call("scene.choose", layer=picture.named("Subtract (−)"))
    panel.wait_for_text("The layer that these strokes are about is gone; choose the layer to edit.", 90)

    panel.probe.call("scene.choose", layer=picture.named("scene.png"))
    panel.wait_for_text("Edits the layer “scene.png”, with all that shows beneath it", 90)


def test_a_picture_that_is_closed_is_one_sentence_and_the_panel_stays(panel: Desktop, engine: Engine) -> None:
    panel.probe.call("scene.close_all")
    panel.wait_for_text("No picture is open; open one and choose the layer to edit.", 90)
    panel.press("Edit")
    assert panel.find("Button", "Edit")

    panel.close_panel()
    wait_for("the plug-in to end", lambda: not processes_of(panel.root.shared, "scumble-gimp.py"), 90)
    assert panel.screen.windows("GIMP Message") == []  # nothing that GIMP would complain about
    panel.open_panel()
    panel.wait_for_text("No picture is open; open one and choose the layer to edit.", 90)
