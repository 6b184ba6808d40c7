"""`scumble bench illustrations`: words, drags, brush and guesses on scenes with a known truth; tables, figures and contact sheets.

Only what is asked for, how it is gathered and shown; every number is made in the module of its kind. A benchmark may be run in
parts: figures of the same weights, seed and count are gathered in one file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scumble_protocol.errors import RequestError

from ..assist.guesser import load_guesser
from ..diffusion.editor import load_editor
from ..models.crisp import load_crisp
from ..models.shelf import Shelf
from ..training.judge import Judge, train_judge
from ..training.recipe import SMALL_RECIPE
from .beside import Beside, coder_of
from .brush import run_brush
from .crisp import WAYS, enlargers, large_scenes, run_crisp
from .drift import run_drift
from .guess import held_out_packs, run_guess
from .hands import Hand, engine_hand, forward_gflop
from .language import run_language
from .latent import FAST, FITTED, run_latent
from .own import model_painter, run_own
from .rivals import delta_hand, editor_hand
from .sheet import Keep, Strip, keeper, write_sheet
from .tasks import LANGUAGE_KINDS, Studio, Task, make_tasks, open_studio

Row = dict[str, Any]
SHOWN = 3
GUESSES_EACH, DRIFTS = 8, 2
PARTS = (
    *(f"language/{kind}" for kind in LANGUAGE_KINDS),
    *(f"own/{kind}" for kind in LANGUAGE_KINDS),
    "drag",
    "lora",
    "brush",
    "guess",
    "drift",
    "crisp",
)
BESIDE = "beside"
SHEETS: dict[str, tuple[str, ...]] = {
    "language": ("before", "said", "said, selected", "spelled out", BESIDE, "truth"),
    "own": ("painted by the model", "answer", "painted from words", "truth of the composer"),
    "drag": ("before", *FAST, BESIDE, "truth"),
    "lora": ("before", *FITTED, "truth"),
    "crisp": (*WAYS, "truth"),
    "brush": ("asked", "lines", "colours", "both", BESIDE, "truth"),
}
"""Part -> what its contact sheet shows, from left to right; BESIDE stands for the other hands, by name."""
Shown = tuple[str, tuple[str, ...], tuple[str, ...]]
"""A table: its title, what its lines are told apart by, and its numbers."""

COSTS = ("seconds", "first_preview_s", "forwards", "gflop", "peak_mib")
DRAG_TABLES: tuple[Shown, ...] = (
    (
        "Drags: answers",
        ("method",),
        ("handle_px", "confidence", "progress", "whole", "whole_ssim", "iou", "inside", "uncovered", "ssim", "outside"),
    ),
    ("Drags: costs", ("method",), COSTS),
)
TABLES: dict[str, tuple[Shown, ...]] = {
    "language": (
        ("Words: right, by the judge", ("method",), ("right", "thing", "color", "manner", "inside", "apart")),
        ("Words: right, by kind", ("kind", "method"), ("right", "thing", "color", "manner", "inside", "apart")),
        (
            "Words: kept where nothing should change",
            ("method",),
            ("kept_psnr", "kept_ssim", "kept_mse", "kept_apart", "outside"),
        ),
        ("Words: costs", ("method",), ("seconds", "first_preview_s", "forwards", "reference", "gflop", "peak_mib")),
    ),
    "own": (
        (
            "Words on the model's own pictures",
            ("method",),
            ("right", "thing", "color", "manner", "seconds", "forwards"),
        ),
        ("The same, by kind", ("kind", "method"), ("right", "thing", "color", "manner")),
    ),
    "drag": DRAG_TABLES,
    "lora": DRAG_TABLES,
    "brush": (
        ("Magic brush: answers", ("cues", "method"), ("edge_f1", "delta_e", "inside", "thing", "outside")),
        ("Magic brush: costs", ("cues", "method"), COSTS),
    ),
    "guess": (("Guesser, sets never learnt from", ("style",), ("top1", "top3", "seconds", "peak_mib")),),
    "crisp": (
        (
            "Enlarged four times, against scenes painted large",
            ("source", "method"),
            ("sharpness", "grain", "halo", "edges", "whole", "seconds"),
        ),
    ),
    "drift": (("Ten edits in a row", ("kind",), ("edits", "inside_first", "inside_last", "outside")),),
}


@dataclass(frozen=True)
class Bench:
    """What parts draw on; each thing is loaded when the first part needs it. `editor`: a folder with its weights, or None."""

    model: str
    count: int
    seed: int
    editor: Path | None = None
    sheets: dict[str, list[Strip]] = field(default_factory=dict)
    shown: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(self.model)

    @cached_property
    def hand(self) -> Hand:
        return engine_hand(self.shelf)

    @cached_property
    def editors(self) -> dict[str, Hand]:
        """The editor by itself, where there is one; else nobody."""
        if self.editor is None:
            return {}
        assert self.shelf.diffusion.folder is not None
        return {"editor": editor_hand(load_editor(self.shelf.diffusion.folder, self.editor))}

    @cached_property
    def studio(self) -> Studio:
        return open_studio(SMALL_RECIPE)

    @cached_property
    def judge(self) -> Judge:
        return train_judge(SMALL_RECIPE)

    def tasks(self, kind: str) -> list[Task]:
        """Return the same tasks of a kind for the same seed, whatever else is run."""
        return make_tasks(self.studio, kind, self.count, self.seed)

    def keep(self, sheet: str) -> Keep:
        return keeper(self.sheets.setdefault(sheet, []), SHOWN)

    def beside(self, sheet: str, hands: dict[str, Hand]) -> Beside:
        """Return what stands beside the engine in a part's tables, and remember whom its sheet shows."""
        self.shown[sheet] = tuple(hands)
        return Beside(hands, coder_of(self.shelf.diffusion))

    def columns(self, sheet: str) -> tuple[str, ...]:
        """Return what a sheet shows, from left to right."""
        found: list[str] = []
        for name in SHEETS[sheet]:
            found += self.shown.get(sheet, ()) if name == BESIDE else (name,)
        return tuple(found)

    def do(self, part: str) -> list[Row]:
        """Run one part of PARTS; return its rows."""
        name, _, kind = part.partition("/")
        rows: Sequence[Any] = getattr(self, f"_{name}")(kind) if kind else getattr(self, f"_{name}")()
        return [asdict(row) for row in rows]

    def _language(self, kind: str) -> Sequence[Any]:
        others = {"delta loop": delta_hand(self.shelf.diffusion), **self.editors}
        return run_language(
            self.tasks(kind), self.hand, self.judge, self.keep("language"), beside=self.beside("language", others)
        )

    def _own(self, kind: str) -> Sequence[Any]:
        painter = model_painter(self.shelf.diffusion)
        return run_own(self.tasks(kind), self.hand, painter, self.judge, self.keep("own"), self.seed)

    def _drag(self) -> Sequence[Any]:
        return run_latent(self.tasks("move"), self.hand, self.keep("drag"), FAST, self.beside("drag", self.editors))

    def _lora(self) -> Sequence[Any]:
        return run_latent(self.tasks("move"), self.hand, self.keep("lora"), FITTED)

    def _brush(self) -> Sequence[Any]:
        beside = self.beside("brush", self.editors)
        return run_brush(self.tasks("add"), self.hand, self.judge, self.keep("brush"), beside)

    def _guess(self) -> Sequence[Any]:
        return run_guess(held_out_packs(SMALL_RECIPE), load_guesser(), GUESSES_EACH, self.seed)

    def _drift(self) -> Sequence[Any]:
        return run_drift(self.tasks("recolor")[:DRIFTS], self.tasks("move")[:DRIFTS], self.hand)

    def _crisp(self) -> Sequence[Any]:
        ways = enlargers(load_crisp())
        return run_crisp(large_scenes(self.count, self.seed), ways, coder_of(self.shelf.diffusion), self.keep("crisp"))


def run(
    json_path: Path | None = None,
    out: Path | None = None,
    count: int = 10,
    seed: int = 1234,
    model: str = "auto",
    parts: Sequence[str] = (),
    editor: Path | None = None,
) -> None:
    """Run parts (none named: all) on `count` tasks of each kind and print tables.

    `json_path` gathers figures: what it holds of other parts and the same weights stays and is shown too. `out` is a folder for
    contact sheets. `editor`: a folder of the editor's weights, for rows of it alone.

    Raises RequestError for an unknown part, EngineError when something can't be written.
    """
    bench, console = Bench(model, count, seed, editor), Console(width=None if sys.stdout.isatty() else 132)
    wanted = chosen(parts)
    gathered = _gathered(json_path, bench)
    for part in wanted:
        gathered["parts"][part] = {"count": count, "seed": seed, "rows": bench.do(part)}
        if json_path is not None:
            json_path.write_text(json.dumps(gathered, indent=1))
    for table in tables(gathered):
        console.print(table)
    console.print(f"weights {gathered['weights_sha256'][:12]}; {_counts(gathered)}")
    for name, strips in bench.sheets.items():
        if out is not None:
            write_sheet(strips, bench.columns(name), out / f"{name}.png")


def chosen(parts: Sequence[str]) -> list[str]:
    """Return the parts meant by names or beginnings of names ("language" is all its kinds). Raises RequestError."""
    for name in parts:
        if not any(_is_meant(part, name) for part in PARTS):
            raise RequestError(f"There is no part {name!r}; there are {', '.join(PARTS)}.", "bad-part")
    return [part for part in PARTS if not parts or any(_is_meant(part, name) for name in parts)]


def _is_meant(part: str, name: str) -> bool:
    return part == name or part.startswith(f"{name}/")


def _gathered(path: Path | None, bench: Bench) -> dict[str, Any]:
    """Return the figures kept so far for the same weights, or an empty record."""
    model = bench.shelf.diffusion
    if path is not None and path.is_file() and path.stat().st_size:
        found: dict[str, Any] = json.loads(path.read_text())
        if found.get("weights_sha256") == model.sha256:
            return found
    return {
        "model": model.name,
        "weights_sha256": model.sha256,
        "gflop_per_forward": forward_gflop(model),
        "parts": {},
    }


def _counts(gathered: dict[str, Any]) -> str:
    done = gathered["parts"].items()
    return ", ".join(f"{part} n={facts['count']} seed={facts['seed']}" for part, facts in done)


def tables(gathered: dict[str, Any]) -> list[Table]:
    """Return the tables of all that was gathered."""
    rows: dict[str, list[Row]] = {}
    for part, facts in gathered["parts"].items():
        rows.setdefault(part.partition("/")[0], []).extend(facts["rows"])
    return [table_of(*shown, rows[name]) for name in rows for shown in TABLES[name]]


def table_of(title: str, keys: Sequence[str], numbers: Sequence[str], rows: Sequence[Row]) -> Table:
    """Return a table of means, one line for each different combination of `keys`; what is None counts nowhere."""
    table = Table(title=title)
    for name in (*keys, "n", *numbers):
        table.add_column(name.replace("_", " "), justify="left" if name in keys else "right")
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    for group, lines in groups.items():
        table.add_row(*group, str(len(lines)), *(mean(lines, name) for name in numbers))
    return table


def mean(rows: Sequence[Row], name: str) -> str:
    """Return a mean as it stands in a table; "-" where nothing is known."""
    known = [float(row[name]) for row in rows if row.get(name) is not None]
    return f"{np.mean(known):.3g}" if known else "-"
