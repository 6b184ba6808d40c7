"""The contact sheet shows before, request and after, with every cue where it was placed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from engine.headless.pictures import save
from scumble_engine.contact_sheet import ARROW, CELL_PX, GAP_PX, TITLE_PX, Row, draw_sheet
from scumble_engine.headless.cues import CueFiles
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle, Instruction

LEFT = [GAP_PX + column * (CELL_PX + GAP_PX) for column in range(3)]
TOP = GAP_PX + TITLE_PX


def plain(rgb: tuple[int, int, int], dtype: type = np.uint8) -> np.ndarray:
    samples = np.empty((60, 120, 4), dtype)
    samples[:] = (*rgb, np.iinfo(dtype).max)
    return samples


def test_each_edit_is_a_row_of_three_pictures(tmp_path: Path) -> None:
    stroke = np.zeros((60, 120, 4), np.uint8)
    stroke[30:50, 10:50] = 255
    cues = CueFiles((Handle(Point(80, 10), Point(80, 40)),), subtract=save(tmp_path / "s.png", stroke))
    row = Row("Erase", plain((100, 100, 100)), plain((0, 200, 0)), cues)
    sheet = np.asarray(draw_sheet([row, row]))
    cell_height = CELL_PX // 2
    assert sheet.shape == (2 * (TITLE_PX + cell_height) + 3 * GAP_PX, 3 * CELL_PX + 4 * GAP_PX, 3)
    for top in (TOP, TOP + cell_height + GAP_PX + TITLE_PX):
        assert sheet[top + 5, LEFT[0] + 5].tolist() == [100, 100, 100]
        assert sheet[top + 5, LEFT[1] + 5].tolist() == [55, 55, 55]  # dimmed beneath the request
        assert sheet[top + 5, LEFT[2] + 5].tolist() == [0, 200, 0]
        red, green, blue = sheet[top + 160, LEFT[1] + 120].astype(int)
        assert red > green + 50
        assert red > blue + 50
        assert sheet[top + 100, LEFT[1] + 320].tolist() == list(ARROW)


def test_words_and_deep_pictures_are_shown() -> None:
    before = plain((25700, 25700, 25700), np.uint16)
    row = Row("Say", before, before, CueFiles(), Instruction("make it blue"))
    silent = np.asarray(draw_sheet([Row("Say", before, before, CueFiles())]))
    spoken = np.asarray(draw_sheet([row]))
    assert spoken[TOP + 5, LEFT[0] + 5].tolist() == [100, 100, 100]
    changed = np.argwhere((spoken != silent).any(axis=-1))
    assert changed[:, 1].min() >= LEFT[1]
    assert changed[:, 1].max() < LEFT[2]
