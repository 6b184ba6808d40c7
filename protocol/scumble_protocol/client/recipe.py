"""How a layer was made, as one JSON string that any host can keep with it: enough to make it again, bit for bit.

A recipe may come from anybody's file. Reading one takes little time and memory whatever it says: types are checked strictly, and
strokes and masks stay packed until there is a canvas that holds their region.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any

from .. import codec
from ..errors import ProtocolError, RequestError
from ..geometry import Bounds, Point
from ..messages import Character, Handle, Instruction, PromptPair, Provenance, Settings, Slide
from ..pixels import Picture, Plane, plane_bytes
from ..rules import MAX_HANDLES, MAX_SLIDES, check_character, check_settings, check_slide
from ..wording import said
from .host import Snapshot
from .packing import PackedPlane, pack, unpack
from .request import Words

FORMAT = 1
MAX_CHARS = 2**28  # of a recipe
MAX_PLAIN_CHARS = 2**20  # of it without its packed planes
MAX_PLACE_PX = 2**31
CACHED_RECIPES = 32
_LONG_STRING = re.compile(r'"[^"\\]{64,}"')
PLANES = ("add", "subtract", "color", "mask", "grab")
WORD_KEYS = ("say", "from", "to")
SETTING_KEYS = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True)
class Recipe:
    """`region` and handles are document pixels; planes lie within it. `picture_sha256` names what lay beneath.

    `character`: what the layer shows, where a generator painted it, to go on from; `begun`: what it was made from.
    """

    source_name: str
    region: Bounds
    picture_sha256: str
    settings: Settings
    provenance: Provenance
    handles: tuple[Handle, ...] = ()
    words: Words | None = None
    add: PackedPlane | None = None
    subtract: PackedPlane | None = None
    color: PackedPlane | None = None
    mask: PackedPlane | None = None
    grab: PackedPlane | None = None
    reading: PromptPair | None = None
    character: Character | None = None
    begun: Character | None = None
    slides: tuple[Slide, ...] = ()

    def planes_on(self, canvas: Bounds) -> dict[str, Plane]:
        """Unpack strokes and masks, by name, each of the region's size. Raises RequestError when the canvas doesn't hold the region."""
        self.check_region(canvas)
        packed = {name: getattr(self, name) for name in PLANES}
        size = (self.region.width, self.region.height)
        return {name: unpack(plane, *size) for name, plane in packed.items() if plane is not None}

    def lies_in(self, canvas: Bounds) -> bool:
        """Say whether a canvas holds the whole region. Ask before reading pixels of the region."""
        return self.region.intersected(canvas) == self.region

    def check_region(self, canvas: Bounds) -> None:
        """Raise RequestError when a canvas no longer holds the whole region."""
        if not self.lies_in(canvas):
            raise RequestError(
                said(
                    "The picture is {canvas_width}×{canvas_height} now and no longer holds the whole region of this "
                    "edit; make the edit anew.",
                    canvas_width=canvas.width,
                    canvas_height=canvas.height,
                ),
                "region-gone",
            )

    def cues_onto(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with this recipe's cues in place of its own. Raises RequestError when it is not of our region."""
        if snapshot.bounds != self.region:
            raise RequestError(
                said(
                    "The picture no longer reaches all of {words_of} where this edit was made; make it anew.",
                    words_of=_words_of(self.region),
                ),
                "region-gone",
            )
        planes: dict[str, Any] = dict.fromkeys(PLANES) | self.planes_on(snapshot.bounds)
        return replace(snapshot, handles=self.handles, character=self.begun, slides=self.slides, **planes)

    def with_changes(self, changes: Iterable[str]) -> Recipe:
        """Return the recipe with changes like "seed=7" or "say=make it blue". Raises RequestError for what is not known."""
        changed = self
        for change in changes:
            changed = _with_change(changed, change)
        return changed


def _words_of(bounds: Bounds) -> str:
    return f"{bounds.width}×{bounds.height} pixels at {bounds.x},{bounds.y}"


# ---- what lies beneath ----------------------------------------------------------------------------------------------


def picture_sha256(picture: Picture) -> str:
    """Name a picture by its shape, samples, colour space and profile (hex)."""
    return hashlib.sha256(f"{picture.plane.sha256()}:{picture.space}:".encode() + picture.icc).hexdigest()


def is_stale(recipe: Recipe, picture: Picture) -> bool:
    """Say whether the picture beneath (the recipe's region of it) is not what the layer was made from."""
    return picture_sha256(picture) != recipe.picture_sha256


# ---- changes --------------------------------------------------------------------------------------------------------


def _with_change(recipe: Recipe, change: str) -> Recipe:
    key, separator, value = change.partition("=")
    key = key.strip()
    if not separator or key not in (*SETTING_KEYS, *WORD_KEYS):
        known = ", ".join((*SETTING_KEYS, *WORD_KEYS))
        raise RequestError(
            said(
                "{change} is not a change that I know; write KEY=VALUE with one of {known}.",
                change=f"{change!r}",
                known=known,
            ),
            "bad-change",
        )
    if key in WORD_KEYS:
        return replace(recipe, words=_with_word(recipe.words, key, value), reading=None)
    return replace(recipe, settings=replace(recipe.settings, **{key: _setting(key, value)}))


def _with_word(words: Words | None, key: str, value: str) -> Words:
    if key == "say":
        return Instruction(value)
    pair = words if isinstance(words, PromptPair) else PromptPair("", "")
    return replace(pair, source=value) if key == "from" else replace(pair, target=value)


def _setting(key: str, value: str) -> Any:
    """Read a setting by the type of its default; ranges are the rules' business when the edit is built."""
    kind = type(getattr(Settings(), key))
    try:
        return kind(value)
    except ValueError:
        raise RequestError(
            said("{key} must be a number, not {kind}.", key=key, kind=f"{value!r}"), "bad-change"
        ) from None


# ---- JSON -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Said:
    say: str


@dataclass(frozen=True)
class _Planes:
    add: PackedPlane | None = None
    subtract: PackedPlane | None = None
    color: PackedPlane | None = None
    mask: PackedPlane | None = None
    grab: PackedPlane | None = None


@dataclass(frozen=True)
class _Written:
    """A recipe as its JSON has it; `words` are apart, as they are of two kinds."""

    source: str
    region: tuple[int, ...]
    picture_sha256: str
    settings: Settings
    provenance: Provenance
    handles: tuple[tuple[float, ...], ...]
    reading: PromptPair | None
    planes: _Planes
    character: Character | None = None
    begun: Character | None = None
    slides: tuple[Slide, ...] = ()


def to_json(recipe: Recipe) -> str:
    """Write the recipe as one line of JSON (ASCII, keys sorted: the same recipe gives the same string)."""
    planes = {name: getattr(recipe, name) for name in PLANES}
    content: dict[str, Any] = {
        "scumble_recipe": FORMAT,
        "source": recipe.source_name,
        "region": [recipe.region.x, recipe.region.y, recipe.region.width, recipe.region.height],
        "picture_sha256": recipe.picture_sha256,
        "settings": asdict(recipe.settings),
        "provenance": asdict(recipe.provenance),
        "handles": [[*map(float, (h.start.x, h.start.y, h.end.x, h.end.y))] for h in recipe.handles],
        "words": _words_out(recipe.words),
        "reading": _words_out(recipe.reading),
        "planes": {name: asdict(plane) for name, plane in planes.items() if plane is not None},
        "character": None if recipe.character is None else asdict(recipe.character),
        "begun": None if recipe.begun is None else asdict(recipe.begun),
        "slides": [asdict(slide) for slide in recipe.slides],
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def pack_planes(snapshot: Snapshot) -> dict[str, PackedPlane]:
    """Pack the strokes and masks of a reading, by name. Takes a good part of a second for large ones."""
    planes = {name: getattr(snapshot, name) for name in PLANES}
    return {name: pack(plane) for name, plane in planes.items() if plane is not None}


def from_json(text: str) -> Recipe:
    """Read a recipe, once for each text. Raises RequestError with a sentence for one that is damaged or from a newer Scumble."""
    found = _found(text)
    if isinstance(found, RequestError):
        raise RequestError(found.sentence, found.code)
    return found


@lru_cache(maxsize=CACHED_RECIPES)
def _found(text: str) -> Recipe | RequestError:
    """Return the recipe or what is wrong with it: hosts look at their layers often, at damaged ones too."""
    try:
        _check_length(text)
        content = json.loads(text, parse_constant=_no_number)
        version = content["scumble_recipe"]
        if type(version) is not int:
            raise ValueError("of no version")
        if version > FORMAT:
            return RequestError("This recipe was written by a newer Scumble; update to use it.", "newer-recipe")
        return _read(content)
    except (ProtocolError, RequestError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return RequestError("The layer's recipe is damaged and can't be used.", "bad-recipe")


def _check_length(text: str) -> None:
    """Bound what parsing can cost: only packed planes are long."""
    if len(text) > MAX_CHARS or len(_LONG_STRING.sub('""', text)) > MAX_PLAIN_CHARS:
        raise ValueError("too long")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _read(content: dict[str, Any]) -> Recipe:
    """Build the recipe. Raises ProtocolError, RequestError or ValueError for whatever does not fit."""
    written: _Written = codec.build(_Written, content, ())
    region, handles = Bounds(*written.region), [_handle(*ends) for ends in written.handles]
    planes = {name: getattr(written.planes, name) for name in PLANES}
    _check(region, handles, written.settings)
    _check_generated(written)
    for name, plane in planes.items():
        if plane is not None:
            plane.check(region.width, region.height, 4 if name == "color" else 1)
    return Recipe(
        written.source,
        region,
        written.picture_sha256,
        written.settings,
        written.provenance,
        tuple(handles),
        _words_in(content["words"]),
        reading=written.reading,
        character=written.character,
        begun=written.begun,
        slides=written.slides,
        **planes,
    )


def _handle(start_x: float, start_y: float, end_x: float, end_y: float) -> Handle:
    return Handle(Point(start_x, start_y), Point(end_x, end_y))


def _check(region: Bounds, handles: list[Handle], settings: Settings) -> None:
    plane_bytes(region.width, region.height, 1, "u8")
    places = [region.x, region.y, *(value for h in handles for value in (h.start.x, h.start.y, h.end.x, h.end.y))]
    if not all(math.isfinite(value) and abs(value) < MAX_PLACE_PX for value in places) or len(handles) > MAX_HANDLES:
        raise ValueError("at no place")
    check_settings(settings)


def _check_generated(written: _Written) -> None:
    for character in (written.character, written.begun):
        if character is not None:
            check_character(character)
            corner = (character.place.x, character.place.y, character.place.right, character.place.bottom)
            if any(abs(value) >= MAX_PLACE_PX for value in corner):
                raise ValueError("at no place")
    if len(written.slides) > MAX_SLIDES:
        raise ValueError("too many slides")
    for slide in written.slides:
        check_slide(slide)


def _words_out(words: Words | None) -> dict[str, Any] | None:
    if words is None:
        return None
    return {"say": words.text} if isinstance(words, Instruction) else asdict(words)


def _words_in(content: Any) -> Words | None:
    if content is None:
        return None
    if "say" in content:
        said: _Said = codec.build(_Said, content, ())
        return Instruction(said.say)
    pair: PromptPair = codec.build(PromptPair, content, ())
    return pair
