"""How a layer was made, as one JSON string that any host can keep with it: enough to make it again, bit for bit.

Strokes and masks are packed whole (cropped to their paint, zlib, base64), so a recipe outlives the helper layers they came from.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ..errors import RequestError
from ..geometry import Bounds, Point
from ..messages import Handle, Instruction, PromptPair, Provenance, Settings
from ..pixels import Picture, Plane, plane_bytes
from .host import Snapshot
from .request import Words

FORMAT = 1
Packed = dict[str, dict[str, Any]]
PLANES = ("add", "subtract", "color", "mask", "grab")
WORD_KEYS = ("say", "from", "to")
SETTING_KEYS = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True)
class Recipe:
    """`region` and handles are document pixels; planes have the region's size. `picture_sha256` names what lay beneath."""

    source_name: str
    region: Bounds
    picture_sha256: str
    settings: Settings
    provenance: Provenance
    handles: tuple[Handle, ...] = ()
    words: Words | None = None
    add: Plane | None = None
    subtract: Plane | None = None
    color: Plane | None = None
    mask: Plane | None = None
    grab: Plane | None = None
    reading: PromptPair | None = None

    def cues_onto(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with this recipe's cues in place of its own. Raises RequestError when it is not of our region."""
        if snapshot.bounds != self.region:
            raise RequestError(
                f"The picture no longer reaches all of {_words_of(self.region)} where this edit was made; make it anew.",
                "region-gone",
            )
        planes: dict[str, Any] = {name: getattr(self, name) for name in PLANES}
        return replace(snapshot, handles=self.handles, **planes)

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
            f"{change!r} is not a change that I know; write KEY=VALUE with one of {known}.", "bad-change"
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
        raise RequestError(f"{key} must be a number, not {value!r}.", "bad-change") from None


# ---- JSON -----------------------------------------------------------------------------------------------------------


def to_json(recipe: Recipe, packed: Packed | None = None) -> str:
    """Write the recipe as one line of JSON (ASCII, keys sorted: the same recipe gives the same string).

    `packed`: its planes, where `pack_planes` has packed them before.
    """
    content: dict[str, Any] = {
        "scumble_recipe": FORMAT,
        "source": recipe.source_name,
        "region": _numbers(recipe.region),
        "picture_sha256": recipe.picture_sha256,
        "settings": asdict(recipe.settings),
        "provenance": asdict(recipe.provenance),
        "handles": [[h.start.x, h.start.y, h.end.x, h.end.y] for h in recipe.handles],
        "words": _words_out(recipe.words),
        "reading": _words_out(recipe.reading),
    }
    content["planes"] = pack_planes(recipe) if packed is None else packed
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def pack_planes(cues: Recipe | Snapshot) -> Packed:
    """Pack strokes and masks as they stand in JSON. Takes a good part of a second for large ones."""
    planes = {name: getattr(cues, name) for name in PLANES}
    return {name: _packed(plane) for name, plane in planes.items() if plane is not None}


def from_json(text: str) -> Recipe:
    """Read a recipe. Raises RequestError with a sentence for one that is damaged or from a newer Scumble."""
    try:
        content = json.loads(text)
        if content["scumble_recipe"] > FORMAT:
            raise RequestError("This recipe was written by a newer Scumble; update to use it.", "newer-recipe")
        return _read(content)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, binascii.Error, zlib.error) as error:
        raise RequestError("The layer's recipe is damaged and can't be used.", "bad-recipe") from error


def _read(content: Mapping[str, Any]) -> Recipe:
    region = Bounds(*map(int, content["region"]))
    planes: dict[str, Any] = {
        name: _unpacked(packed, region) for name, packed in content["planes"].items() if name in PLANES
    }
    return Recipe(
        source_name=str(content["source"]),
        region=region,
        picture_sha256=str(content["picture_sha256"]),
        settings=Settings(**_known(Settings, content["settings"])),
        provenance=Provenance(**_known(Provenance, content["provenance"])),
        handles=tuple(Handle(Point(*ends[:2]), Point(*ends[2:4])) for ends in content["handles"]),
        words=_words_in(content["words"]),
        reading=_pair_in(content["reading"]),
        **planes,
    )


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the fields that this version has: a later one of the same format may add some."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _numbers(bounds: Bounds) -> list[int]:
    return [bounds.x, bounds.y, bounds.width, bounds.height]


def _words_out(words: Words | None) -> dict[str, Any] | None:
    if words is None:
        return None
    return {"say": words.text} if isinstance(words, Instruction) else asdict(words)


def _words_in(content: Mapping[str, Any] | None) -> Words | None:
    return Instruction(str(content["say"])) if content and "say" in content else _pair_in(content)


def _pair_in(content: Mapping[str, Any] | None) -> PromptPair | None:
    if content is None:
        return None
    texts = {name: str(content.get(name, "")) for name in ("source", "target", "kind")}
    return PromptPair(blend=tuple(content.get("blend", ())), keep=tuple(content.get("keep", ())), **texts)


# ---- planes ---------------------------------------------------------------------------------------------------------


def painted_bounds(plane: Plane) -> Bounds:
    """Return the smallest bounds of a u8 plane that hold every sample that is not 0 (empty when there is none)."""
    samples, row_bytes = bytes(plane.data), plane.width * plane.channels
    rows = [samples[y * row_bytes : (y + 1) * row_bytes] for y in range(plane.height)]
    painted = [y for y, row in enumerate(rows) if row.strip(b"\0")]
    if not painted:
        return Bounds(0, 0, 0, 0)
    top, bottom = painted[0], painted[-1] + 1
    left = min(row_bytes - len(rows[y].lstrip(b"\0")) for y in painted) // plane.channels
    right = -(-max(len(rows[y].rstrip(b"\0")) for y in painted) // plane.channels)
    return Bounds(left, top, right - left, bottom - top)


def _packed(plane: Plane) -> dict[str, Any]:
    bounds = painted_bounds(plane)
    cut = _cut(plane, bounds)
    data = base64.b64encode(zlib.compress(cut, 6)).decode("ascii")
    return {"at": _numbers(bounds), "channels": plane.channels, "data": data}


def _cut(plane: Plane, bounds: Bounds) -> bytes:
    samples, row_bytes = memoryview(plane.data).cast("B"), plane.width * plane.channels
    left, length = bounds.x * plane.channels, bounds.width * plane.channels
    starts = (y * row_bytes + left for y in range(bounds.y, bounds.bottom))
    return b"".join(samples[start : start + length] for start in starts)


def _unpacked(packed: Mapping[str, Any], region: Bounds) -> Plane:
    bounds, channels = Bounds(*map(int, packed["at"])), int(packed["channels"])
    if bounds.intersected(Bounds(0, 0, region.width, region.height)) != bounds and not bounds.empty:
        raise ValueError("a plane leaves its region")
    samples = bytearray(plane_bytes(region.width, region.height, channels, "u8"))
    cut = _inflated(base64.b64decode(packed["data"], validate=True), bounds.width * bounds.height * channels)
    row_bytes, length = region.width * channels, bounds.width * channels
    for row, y in enumerate(range(bounds.y, bounds.bottom)):
        start = y * row_bytes + bounds.x * channels
        samples[start : start + length] = cut[row * length : (row + 1) * length]
    return Plane(region.width, region.height, channels, "u8", bytes(samples))


def _inflated(data: bytes, size: int) -> bytes:
    """Inflate no more than the size that was promised: a recipe may come from anybody's file."""
    cut = zlib.decompressobj().decompress(data, size + 1)
    if len(cut) != size:
        raise ValueError("a plane's samples do not fill its bounds")
    return cut
