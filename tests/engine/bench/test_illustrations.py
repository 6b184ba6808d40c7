"""The benchmark as a whole: its parts, what it gathers, tables and sheets, on a tiny model whose edits mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from engine.bench.conftest import KnowingJudge, gifted
from PIL import Image
from scumble_engine.bench import illustrations
from scumble_engine.bench.hands import Hand, engine_hand, forward_gflop
from scumble_engine.bench.illustrations import PARTS, chosen, mean, run, table_of
from scumble_engine.bench.sheet import Strip, keeper, write_sheet
from scumble_engine.bench.tasks import Studio, make_tasks
from scumble_engine.models.photo_fill import ClassicalFill
from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.messages import Handle
from strokes import TinyShelf
from tiny_models import tiny_model


def test_parts_are_named_whole_or_by_their_beginning() -> None:
    assert chosen(()) == list(PARTS)
    assert chosen(("drift", "language/add")) == ["language/add", "drift"]
    assert chosen(("own",)) == [part for part in PARTS if part.startswith("own/")]
    assert len(chosen(("own",))) == 8
    with pytest.raises(RequestError, match="no part 'lang'"):
        chosen(("lang",))


def test_means_leave_out_what_was_not_asked() -> None:
    rows = [{"kind": "a", "right": True, "color": None}, {"kind": "a", "right": False, "color": None}]
    assert (mean(rows, "right"), mean(rows, "color")) == ("0.5", "-")
    table = table_of("t", ("kind",), ("right",), [*rows, {"kind": "b", "right": True}])
    assert [list(column.cells) for column in table.columns] == [["a", "b"], ["2", "1"], ["0.5", "1"]]


def test_flops_grow_with_the_network() -> None:
    small, other = (forward_gflop(tiny_model(kind)) for kind in ("sd1", "xl"))
    assert 0 < small < 1
    assert other != small


@pytest.fixture
def tiny_bench(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [task for kind in ("recolor", "move", "add") for task in make_tasks(studio, kind, 1, 1)]
    judge = KnowingJudge([task for task in tasks if task.kind != "move"])
    shelf = TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))
    monkeypatch.setattr(illustrations, "open_studio", lambda _recipe: studio)
    monkeypatch.setattr(illustrations, "train_judge", lambda _recipe: judge)
    monkeypatch.setattr(illustrations, "Shelf", lambda _model: shelf)
    monkeypatch.setattr(TinyShelf, "fill", ClassicalFill(), raising=False)
    # The tiny model reads shorter prompts than the composer writes; drags, which have none, are the engine's own.
    perform, knows = engine_hand(shelf), gifted(tasks)  # type: ignore[arg-type]
    hand: Hand = lambda picture, cues, settings: (  # noqa: E731
        perform if any(isinstance(cue, Handle) for cue in cues) else knows
    )(picture, cues, settings)
    monkeypatch.setattr(illustrations, "engine_hand", lambda _shelf: hand)
    monkeypatch.setattr(illustrations, "delta_hand", lambda _model: knows)


@pytest.mark.usefixtures("tiny_bench")
def test_parts_are_gathered_in_one_file_and_shown_with_sheets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, sheets = tmp_path / "figures.json", tmp_path / "sheets"
    run(place, sheets, 1, 1, "auto", ("language/recolor",))
    run(place, sheets, 1, 1, "auto", ("drag",))
    found = json.loads(place.read_text())
    assert set(found["parts"]) == {"language/recolor", "drag"}
    words = found["parts"]["language/recolor"]
    assert (words["count"], words["seed"]) == (1, 1)
    by_method = {row["method"]: row for row in words["rows"]}
    assert by_method["truth"]["right"]
    assert not by_method["no-op"]["right"]
    assert by_method["said"]["forwards"] > 0
    assert by_method["said, selected"]["outside"] == 0
    assert {row["method"] for row in found["parts"]["drag"]["rows"]} == {
        "warp", "latent", "no-op", "truth", "truth, coded"
    }  # fmt: skip
    assert by_method["delta loop"]["right"]
    assert by_method["truth, coded"]["inside"] < by_method["truth"]["inside"]
    told = capsys.readouterr().out
    assert "Words: right, by the judge" in told
    assert "Drags: answers" in told
    for name in ("language", "drag"):
        with Image.open(sheets / f"{name}.png") as sheet:
            assert sheet.width > 4 * 128


@pytest.mark.usefixtures("tiny_bench")
def test_figures_of_other_weights_are_not_mixed_in(tmp_path: Path) -> None:
    place = tmp_path / "figures.json"
    place.write_text(json.dumps({"weights_sha256": "another", "parts": {"drift": {}}}))
    run(place, None, 1, 1, "auto", ("language/recolor",))
    assert set(json.loads(place.read_text())["parts"]) == {"language/recolor"}


def test_sheets_keep_the_first_and_say_when_they_cannot_be_written(studio: Studio, tmp_path: Path) -> None:
    picture = make_tasks(studio, "move", 1, 1)[0].before
    strips: list[Strip] = []
    keep = keeper(strips, 2)
    for number in range(4):
        keep(str(number), [picture, picture])
    assert [strip.said for strip in strips] == ["0", "1"]
    write_sheet(strips, ("before", "after"), tmp_path / "new" / "sheet.png")
    write_sheet([], ("before",), tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="could not be written"):
        write_sheet(strips, (), tmp_path / "file" / "sheet.png")
