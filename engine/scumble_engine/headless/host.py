"""The `Host` of the command line: reads a source and cue files, and places the layer by writing OUT, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scumble_protocol.client.host import Canvas, LayerPlan, Marks, Snapshot
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Character, Slide
from scumble_protocol.pixels import Plane

from .atomic import check_can_write, write_bytes, write_whole
from .cues import CueFiles, read_cues
from .encode import encode_png
from .raster import Samples, flattened, plane_of, samples_of
from .sources import Source
from .tiff import write_tiff

LAYERED, PNG, TIFF = (".ora",), (".png",), (".tif", ".tiff")


class FileReader:
    """The reading half of a host: a source and cue files; a new `character`, or the one that the source shows."""

    def __init__(
        self, source: Source, cues: CueFiles, character: Character | None = None, slides: tuple[Slide, ...] = ()
    ) -> None:
        """Read the cues. Raises RequestError."""
        self._source = source
        self._cues = read_cues(cues, source.bounds)
        asked = character is None and (cues.handles or slides)
        self._character = source.character() if asked else character
        self._slides = slides

    @property
    def notes(self) -> tuple[str, ...]:
        """Return sentences on how the source was read."""
        return self._source.notes

    def canvas(self) -> Canvas:
        path, bounds = self._source.path, self._source.bounds
        return Canvas(str(path), bounds, path.stem, path.stem, bounds)

    def marks(self) -> Marks:
        marks = self._cues.marks()
        return replace(marks, character=self._character.place) if self._character else marks

    def read(self, canvas: Canvas, bounds: Bounds) -> Snapshot:
        cues = self._cues
        return Snapshot(
            canvas,
            bounds,
            self._source.picture(bounds),
            cues.handles,
            add=_cut(cues.add, bounds),
            subtract=_cut(cues.subtract, bounds),
            color=_cut(cues.color, bounds),
            mask=_cut(cues.mask, bounds),
            grab=_cut(cues.grab, bounds),
            character=self._character,
            slides=self._slides,
        )


class FileHost(FileReader):
    """One edit from a source to OUT. `layer_name` is the new layer's name once it was placed."""

    def __init__(
        self,
        source: Source,
        out: Path,
        cues: CueFiles | None = None,
        force: bool = False,
        character: Character | None = None,
        slides: tuple[Slide, ...] = (),
    ) -> None:
        """Check that OUT can be written and read the cues, before any work. Raises RequestError."""
        check_out(source, out, force)
        super().__init__(source, cues or CueFiles(), character, slides)
        self.layer_name = ""
        self._out = out

    def place(self, plan: LayerPlan) -> None:
        """Write OUT: every layer and the new one, or one flat picture of the source's depth and profile."""
        self.layer_name = plan.name
        suffix = self._out.suffix.lower()
        if suffix in LAYERED:
            write_whole(self._out, lambda file: self._note_name(self._source.write_layered(file, plan)))
            return
        merged = flattened(self._source.flat(), samples_of(plan.picture.plane), plan.bounds)
        if suffix in PNG:
            write_whole(self._out, lambda file: write_bytes(file, encode_png(merged, plan.recipe, small=True)))
        else:
            write_whole(self._out, lambda file: write_tiff(file, merged, plan.recipe))

    def _note_name(self, name: str) -> None:
        self.layer_name = name


def check_out(source: Source, out: Path, force: bool) -> None:
    """Raise RequestError when OUT is of no kind that can hold the result, is there already, or can't be written.

    The one file that is written over without `force` is an .ora onto itself: it keeps all its layers.
    """
    suffix = out.suffix.lower()
    if suffix not in (*LAYERED, *PNG, *TIFF):
        raise RequestError(f"{out} must end in .ora (layers), .png or .tif (flat).", "bad-out")
    if suffix not in TIFF and source.depth not in ("u8", "u16"):
        raise RequestError("A float picture can't be kept whole in PNG or OpenRaster; write to a .tif.", "bad-out")
    check_can_write(out)
    onto_itself = suffix in LAYERED and out.exists() and out.samefile(source.path)
    if out.exists() and not force and not onto_itself:
        raise RequestError(f"{out} is there already; give another name, or --force to replace it.", "out-exists")


def _cut(samples: Samples | None, bounds: Bounds) -> Plane | None:
    if samples is None:
        return None
    return plane_of(samples[bounds.y : bounds.bottom, bounds.x : bounds.right])
