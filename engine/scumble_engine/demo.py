"""`python -m scumble_engine.demo FOLDER`: real edits on real pictures, through the same engine, client and host as `scumble edit`.

Leaves in FOLDER an .ora for each story (the source and a layer an edit), the cues' pictures, and a contact sheet.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw
from scumble_protocol.client.launcher import find
from scumble_protocol.client.request import Words
from scumble_protocol.client.run import plan_edit
from scumble_protocol.client.session import Session
from scumble_protocol.errors import EngineError, ScumbleError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Handle, Instruction, Settings

from .contact_sheet import Row, draw_sheet
from .headless.conduct import ProgressBar, Timings, conduct, engine_session
from .headless.cues import CueFiles
from .headless.host import FileHost
from .headless.raster import Samples
from .headless.sources import Source, open_source
from .models import registry
from .models.catalogue import PHOTO_FILL

Path2 = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Paint:
    """One brush stroke (or, with `width` 0, a filled outline) on the picture that is handed over as cue `kind`."""

    kind: str  # add, subtract, color, mask or grab
    path: Path2
    width: int = 0
    rgb: tuple[int, int, int] = (255, 255, 255)


@dataclass(frozen=True)
class DemoEdit:
    """One edit of a story, in pixels of its picture."""

    title: str
    handles: tuple[Handle, ...] = ()
    paints: tuple[Paint, ...] = ()
    words: Words | None = None
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Story:
    """A picture and the edits made on it in a row, each on the result of the one before."""

    name: str
    credit: str
    picture: Callable[[], Samples]  # H×W×3 u8
    edits: tuple[DemoEdit, ...]


@dataclass(frozen=True)
class Done:
    """What one edit came to."""

    story: str
    title: str
    layer: str
    timings: Timings
    notes: tuple[str, ...]
    row: Row


def photograph() -> Samples:
    """Return the photograph of a Falcon 9 that comes with scikit-image (SpaceX, public domain)."""
    from skimage import data

    return np.asarray(data.rocket())


def illustration() -> Samples:
    """Return the illustration of a mushroom that comes with Scumble (examples/manifest.json says where it is from)."""
    with Image.open(Path(__file__).parent / "examples" / "mushroom.png") as image:
        return np.asarray(image.convert("RGB"))


def star(center: tuple[float, float], radius: float) -> Path2:
    """Return the outline of a five-pointed star, closed."""
    turns = [math.radians(-90 + 36 * i) for i in range(11)]
    reach = [radius if i % 2 == 0 else 0.45 * radius for i in range(11)]
    return tuple(
        (center[0] + r * math.cos(turn), center[1] + r * math.sin(turn)) for r, turn in zip(reach, turns, strict=True)
    )


STAR = star((492, 158), 86)
ROCKET: Path2 = (
    (308, 408),
    (308, 180),
    (310, 150),
    (316, 132),
    (321, 126),
    (327, 132),
    (334, 150),
    (336, 180),
    (336, 408),
)
STORIES: tuple[Story, ...] = (
    Story(
        "rocket",
        "Falcon 9 with DSCOVR, SpaceX, public domain; from scikit-image",
        photograph,
        (
            DemoEdit(
                "Drag: lift the rocket off",
                handles=(Handle(Point(321, 200), Point(321, 145)),),
                paints=(Paint("grab", ROCKET),),
            ),
            DemoEdit(
                "Erase: take the tower away",
                paints=(
                    Paint("subtract", ((449, 125), (449, 200), (450, 300), (462, 427)), 34),
                    Paint("subtract", ((450, 250), (448, 427)), 60),
                ),
            ),
        ),
    ),
    Story(
        "mushroom",
        "Mushroom of Fluent Emoji, Microsoft, MIT",
        illustration,
        (
            DemoEdit("Say: make the mushroom blue", words=Instruction("make the mushroom blue")),
            DemoEdit(
                "Drag: pull it to the left",
                handles=(Handle(Point(320, 300), Point(215, 315)),),
            ),
            DemoEdit(
                "Brush: a star, drawn and coloured",
                paints=(
                    Paint("add", STAR, 7, (30, 30, 30)),
                    Paint("color", ((462, 153), (522, 153)), 44, (250, 205, 60)),
                ),
                words=Instruction("a yellow star"),
            ),
            DemoEdit("Say: put a hat on the mushroom", words=Instruction("put a hat on the mushroom")),
        ),
    ),
)


# ---- telling a story ------------------------------------------------------------------------------------------------


def tell(story: Story, folder: Path, session: Session) -> list[Done]:
    """Make every edit of a story and leave its .ora and cues in `folder`. Raises ScumbleError."""
    picture, out = folder / f"{story.name}.png", folder / f"{story.name}.ora"
    Image.fromarray(story.picture()).save(picture)
    out.unlink(missing_ok=True)
    done = []
    for number, edit in enumerate(story.edits, start=1):
        source = open_source(out if number > 1 else picture)
        done.append(_make(story, edit, source, out, folder / "cues" / f"{story.name}-{number}", session))
    return done


def _make(story: Story, edit: DemoEdit, source: Source, out: Path, cue_stem: Path, session: Session) -> Done:
    cues = _paint_cues(edit, (source.bounds.width, source.bounds.height), cue_stem)
    before = source.flat().samples
    host = FileHost(source, out, cues)
    with ProgressBar(edit.title) as bar:
        run, timings = conduct(session, host, plan_edit(host, edit.words, edit.settings), bar.show)
    row = Row(edit.title, before, open_source(out).flat().samples, cues, edit.words)
    return Done(story.name, edit.title, host.layer_name, timings, run.notes, row)


def _paint_cues(edit: DemoEdit, size: tuple[int, int], stem: Path) -> CueFiles:
    """Write a picture for each kind of cue, as a painter would hand them to `scumble edit`."""
    cues = CueFiles(edit.handles)
    for kind in sorted({paint.kind for paint in edit.paints}):
        image = Image.new("RGBA", size, (0, 0, 0, 0))
        draw = ImageDraw.Draw(image)
        for paint in edit.paints:
            if paint.kind == kind:
                _draw(draw, paint)
        path = stem.with_name(f"{stem.name}-{kind}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
        cues = replace(cues, handles=edit.handles, **{kind: path})
    return cues


def _draw(draw: ImageDraw.ImageDraw, paint: Paint) -> None:
    if paint.width == 0:
        draw.polygon(paint.path, fill=paint.rgb)
        return
    draw.line(paint.path, fill=paint.rgb, width=paint.width, joint="curve")
    for x, y in paint.path:
        r = paint.width / 2
        draw.ellipse((x - r, y - r, x + r, y + r), fill=paint.rgb)


# ---- the whole demo -------------------------------------------------------------------------------------------------


def run(folder: Path, stories: Sequence[Story] = STORIES) -> list[Done]:
    """Tell every story into `folder`. Raises ScumbleError, or OSError where the folder can't be written."""
    folder.mkdir(parents=True, exist_ok=True)
    get_photo_fill()
    done: list[Done] = []
    with engine_session(stop=find() is None) as session:
        for story in stories:
            done += tell(story, folder, session)
    draw_sheet([each.row for each in done]).save(folder / "contact-sheet.png", optimize=True)
    return done


def get_photo_fill() -> None:
    """Fetch the photograph model when it is missing; without it the demo goes on, and the layers' notes say so."""
    if registry.facts(PHOTO_FILL).present:
        return
    try:
        with ProgressBar("Fetching photo-fill") as bar:
            registry.pull("photo-fill", lambda stage, fraction: bar.move(fraction, stage))
    except EngineError as error:
        click.echo(f"Note: {error.sentence}", err=True)


def print_table(done: Sequence[Done], seconds: float, folder: Path) -> None:
    """Print what every edit took."""
    from rich.console import Console
    from rich.table import Table

    table = Table("picture", "edit", "layer", "first preview", "result", title="Scumble: edits made")
    for each in done:
        preview = each.timings.first_preview_s
        shown = "–" if preview is None else f"{preview:.2f} s"
        table.add_row(each.story, each.title, each.layer, shown, f"{each.timings.result_s:.2f} s")
    console = Console()
    console.print(table)
    for note in dict.fromkeys(note for each in done for note in each.notes):
        console.print(f"Note: {note}")
    console.print(f"{seconds:.1f} s in all. In {folder}: *.ora (open in Krita or GIMP) and contact-sheet.png.")


def main(arguments: Sequence[str]) -> int:
    """Run the demo and return the exit code."""
    folder, started = Path(arguments[0] if arguments else "demo"), time.monotonic()
    try:
        done = run(folder)
    except ScumbleError as error:
        click.echo(f"demo: {error.sentence}", err=True)
        return error.exit_code
    except OSError as error:
        click.echo(f"demo: {folder} can't be written ({error.strerror or error}).", err=True)
        return 2
    print_table(done, time.monotonic() - started, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
