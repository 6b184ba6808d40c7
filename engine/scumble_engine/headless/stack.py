"""An OpenRaster layer stack: what it holds, and what it shows. Knows stack.xml and PNG bytes, not the archive."""

from __future__ import annotations

import copy
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from xml.etree import ElementTree

import numpy as np
from scumble_protocol.errors import RequestError, ScumbleError
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Picture, Space, plane_bytes

from .imagefile import decode_png, png_color
from .pngchunks import read_header
from .raster import BLENDS, Raster, Samples, lay_over, plane_of

MAX_NESTING = 64
NORMAL = "svg:src-over"
Element = ElementTree.Element


@dataclass(frozen=True, eq=False)
class LayerStack:
    """`image`: the root of stack.xml; `png_of`: bytes by a layer's src; `file`: its name, for sentences.

    Every call raises RequestError with a sentence for a stack that is damaged or can't be drawn here.
    """

    image: Element
    png_of: Callable[[str], bytes]
    file: str

    @cached_property
    def root(self) -> Element:
        stack = self.image.find("stack")
        if self.image.tag != "image" or stack is None:
            raise self._damaged("its stack.xml holds no layer stack")
        self._check_nesting(stack)
        return stack

    @cached_property
    def bounds(self) -> Bounds:
        width, height = self._number(self.image, "w"), self._number(self.image, "h")
        plane_bytes(width, height, 4, "u8")
        return Bounds(0, 0, width, height)

    def names(self) -> list[str]:
        """Return the names of all layers, topmost first."""
        return [layer.get("name", "") for layer in self.root.iter("layer")]

    def visible(self) -> Iterator[Element]:
        """Yield the layers that show, topmost first."""
        return self._visible_layers(self.root)

    def layer(self, name: str) -> Element:
        """Return the topmost layer of that name."""
        for layer in self.root.iter("layer"):
            if layer.get("name") == name:
                return layer
        known = ", ".join(f"“{known}”" for known in self.names()[:12])
        raise RequestError(f"{self.file} has no layer “{name}”; it has {known}.", "no-layer")

    def with_layer(self, layer: Element, png: bytes, instead_of: str = "") -> LayerStack:
        """Return a copy with a layer on top, or, with `instead_of`, just above the layer of that name, which gets hidden."""
        src = layer.get("src", "")
        grown = LayerStack(
            copy.deepcopy(self.image), lambda wanted: png if wanted == src else self.png_of(wanted), self.file
        )
        parent, index = grown.root, 0
        if instead_of:
            old = grown.layer(instead_of)
            parent = next(stack for stack in (grown.root, *grown.root.iter("stack")) if old in list(stack))
            index = list(parent).index(old)
            old.set("visibility", "hidden")
        parent.insert(index, layer)
        return grown

    # ---- what it shows ----------------------------------------------------------------------------------------------

    def composite(self, bounds: Bounds | None = None, below: Element | None = None) -> Raster:
        """Composite what is visible inside `bounds` (all by default); with `below`, only what lies under that layer."""
        bounds = bounds or self.bounds
        base = np.zeros((bounds.height, bounds.width, 4), self.dtype)
        self._paint(self.root, base, bounds, below)
        space, icc = self.color
        return Raster(base, space, icc)

    def layer_picture(self, layer: Element) -> tuple[Bounds, Picture]:
        """Return a layer's own place and pixels."""
        plane = plane_of(self._decoded(layer))
        space, icc = self._color_of(layer)
        x, y = self._number(layer, "x", 0), self._number(layer, "y", 0)
        return Bounds(x, y, plane.width, plane.height), Picture(plane, space, icc)

    @cached_property
    def dtype(self) -> np.dtype[np.generic]:
        """The deepest samples of any visible layer."""
        deep = any(read_header(self._png(layer)).bits == 16 for layer in self._visible_layers(self.root))
        return np.dtype(np.uint16 if deep else np.uint8)

    @cached_property
    def color(self) -> tuple[Space, bytes]:
        """The space that all visible layers share. Raises RequestError when they differ."""
        found: dict[tuple[Space, bytes], str] = {}
        for layer in self._visible_layers(self.root):
            found.setdefault(self._color_of(layer), layer.get("name", ""))
        if len(found) > 1:
            one, other = list(found.values())[:2]
            raise RequestError(
                f"The layers “{one}” and “{other}” of {self.file} have different colour profiles; make them one first.",
                "mixed-profiles",
            )
        return next(iter(found), ("srgb", b""))

    def _paint(self, stack: Element, base: Samples, bounds: Bounds, below: Element | None) -> None:
        """Paint a stack's items from the bottom up, and stop at `below` or after the group that holds it."""
        for item in reversed(stack):
            if item is below:
                return
            holds_it = below is not None and any(child is below for child in item.iter())
            if holds_it or self._is_visible(item):
                self._paint_item(item, base, bounds, below)
            if holds_it:
                return

    def _paint_item(self, item: Element, base: Samples, bounds: Bounds, below: Element | None) -> None:
        opacity, mode = self._opacity(item), self._mode(item)
        if item.tag == "layer":
            samples = self._in_depth(self._decoded(item))
            at = Bounds(self._number(item, "x", 0), self._number(item, "y", 0), samples.shape[1], samples.shape[0])
            lay_over(base, samples, at.moved(-bounds.x, -bounds.y), opacity, mode)
        elif item.get("isolation") != "isolate" and opacity >= 1 and mode == NORMAL:
            self._paint(item, base, bounds, below)
        else:
            group = np.zeros_like(base)
            self._paint(item, group, bounds, below)
            lay_over(base, group, Bounds(0, 0, base.shape[1], base.shape[0]), opacity, mode)

    def _visible_layers(self, stack: Element) -> Iterator[Element]:
        for item in stack:
            if self._is_visible(item):
                yield from self._visible_layers(item) if item.tag == "stack" else (item,)

    def _is_visible(self, item: Element) -> bool:
        visible = item.get("visibility", "visible") == "visible" and self._opacity(item) > 0
        if visible and item.tag not in ("layer", "stack"):
            raise RequestError(
                f"{self.file} has a visible “{item.tag}” item that only its own program can draw; merge or hide it there.",
                "unknown-item",
            )
        return visible

    def _check_nesting(self, stack: Element) -> None:
        level, depth = [stack], 0
        while level:
            level, depth = [group for each in level for group in each.findall("stack")], depth + 1
            if depth > MAX_NESTING:
                raise self._damaged("its groups are nested too deeply")

    # ---- attributes and pixels --------------------------------------------------------------------------------------

    def _mode(self, item: Element) -> str:
        mode = item.get("composite-op", NORMAL)
        if mode not in BLENDS:
            raise RequestError(
                f"The layer “{item.get('name', '')}” of {self.file} blends by “{mode}”, which is not known here; "
                "merge it in its own program first.",
                "blend-mode",
            )
        return mode

    def _in_depth(self, samples: Samples) -> Samples:
        """Widen 8-bit samples for a 16-bit stack: 255 becomes 65535 exactly."""
        return samples if samples.dtype == self.dtype else samples.astype(np.uint16) * 257

    def _png(self, layer: Element) -> bytes:
        try:
            data = self.png_of(layer.get("src", ""))
            read_header(data)
        except ValueError as error:
            raise self._damaged(f"its layer “{layer.get('name', '')}” is no PNG") from error
        return data

    def _decoded(self, layer: Element) -> Samples:
        try:
            return decode_png(self._png(layer)).samples
        except ScumbleError:
            raise
        except Exception as error:  # whatever a codec says of a damaged PNG
            raise self._damaged(f"its layer “{layer.get('name', '')}” can't be read") from error

    def _color_of(self, layer: Element) -> tuple[Space, bytes]:
        try:
            return png_color(self._png(layer))
        except (ValueError, zlib.error) as error:
            raise self._damaged(f"its layer “{layer.get('name', '')}” can't be read") from error

    def _damaged(self, why: str) -> RequestError:
        return RequestError(f"{self.file} is damaged or cut short: {why}.", "damaged-picture")

    def _number(self, item: Element, key: str, default: int | None = None) -> int:
        try:
            return int(item.attrib[key] if default is None else item.get(key, default))
        except (KeyError, ValueError) as error:
            raise self._damaged(f"its stack.xml says {key}={item.get(key)!r}") from error

    def _opacity(self, item: Element) -> float:
        try:
            opacity = float(item.get("opacity", 1))
        except ValueError:
            opacity = math.nan
        if not 0 <= opacity <= 1:
            raise self._damaged(f"its stack.xml says opacity={item.get('opacity')!r}")
        return opacity
