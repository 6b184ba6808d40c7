"""The transport benchmark measures what it says, through real processes; the sizes here are small, the figures not the point."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from scumble_engine.bench import png_echo, transport
from scumble_engine.bench.transport import TransportReport, main_thread_ms, measure, png_seconds, rows


@pytest.fixture(scope="module")
def report() -> TransportReport:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "STARTS", 1)
        return measure(layer_px=256, crop_px=128)


def test_every_figure_is_measured(report: TransportReport) -> None:
    for figures in (report.echo_s, report.edit_s, report.ping_s):
        assert figures.keys() == {"pyzmq", "standard library"}
        assert all(0 < seconds < 60 for seconds in figures.values())
    assert 0 < report.start_cpu_s < 60
    assert 0 < report.start_s < 60
    assert report.submit_ms > 0
    assert report.poll_ms > 0


def test_a_larger_picture_takes_longer_as_png() -> None:
    small, large = (png_seconds(side, transport.photograph(side), 6) for side in (16, 1024))
    assert large > small > 0


def test_the_table_says_the_ratio_and_the_json_has_the_figures(
    report: TransportReport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = replace(report, png_s=3.0, png_fast_s=1.5, echo_s={"pyzmq": 0.1, "standard library": 0.2})
    assert ("faster than PNG level 6 in base64", "30 times", "20 times") in rows(known)
    monkeypatch.setattr(transport, "measure", lambda: known)
    transport.run(tmp_path / "figures.json")
    assert "30 times" in capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["times_faster"] == pytest.approx(30)
    assert figures["times_faster_than_fast_png"] == pytest.approx(15)
    assert figures["echo_s"]["standard library"] == 0.2


def test_png_comes_back_as_it_was_sent() -> None:
    pixels = bytes(range(256)) * 4
    assert png_echo.unpack(png_echo.pack((16, 16), pixels, 1)) == ((16, 16), pixels, 1)


def test_the_main_thread_is_not_held_by_a_submit_or_a_poll() -> None:
    """The aim is 2 ms; a busy machine may take this thread away for longer than that, so the bound is wide."""
    from scumble_engine.bench import passing

    with transport._engine([transport.sys.executable, "-m", passing.MODULE]) as info:
        submit_ms, poll_ms = main_thread_ms(info, 2048)
    assert submit_ms < 100
    assert poll_ms < 100
