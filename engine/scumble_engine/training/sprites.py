"""The sprite pack: drawings fetched from package registries by name, rendered once, cached with a manifest.

Nothing here composes scenes. Only drawings under permissive licences may train what is shipped (`shipped=True`).
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from platformdirs import user_cache_dir
from safetensors.torch import load_file, save_file
from scumble_engine.training.concepts import Concept
from torch import Tensor


@dataclass(frozen=True)
class Pack:
    """A set of drawings in one style: its npm package and version, its licence and credit."""

    style: str
    package: str
    version: str
    licence: str
    credit: str
    shipped: bool = True


PACKS: dict[str, Pack] = {
    pack.style: pack
    for pack in (
        Pack("flat", "@iconify-json/fluent-emoji-flat", "1.2.6", "MIT", "Fluent Emoji, Microsoft"),
        Pack("3d", "@lobehub/fluent-emoji-3d", "1.1.0", "MIT", "Fluent Emoji 3D, Microsoft"),
        Pack("cartoon", "@iconify-json/noto", "1.2.9", "Apache-2.0", "Noto Emoji, Google"),
        Pack("glossy", "@iconify-json/fluent-emoji", "1.2.7", "MIT", "Fluent Emoji, Microsoft"),
        Pack("simple", "@iconify-json/twemoji", "1.2.5", "CC-BY-4.0", "Twemoji, Twitter and contributors"),
        Pack("round", "@iconify-json/emojione", "1.2.3", "CC-BY-4.0", "EmojiOne 2, Ranks.com"),
        Pack("soft", "@iconify-json/fxemoji", "1.2.2", "Apache-2.0", "FxEmojis, Mozilla"),
        Pack("classic", "@iconify-json/noto-v1", "1.2.5", "Apache-2.0", "Noto Emoji (2014), Google"),
        Pack("lined", "@iconify-json/openmoji", "1.2.29", "CC-BY-SA-4.0", "OpenMoji", shipped=False),
        Pack("outlined", "@iconify-json/streamline-emojis", "1.2.4", "CC-BY-4.0", "Streamline Emojis"),
        Pack("contrast", "@iconify-json/fluent-emoji-high-contrast", "1.2.6", "MIT", "Fluent Emoji, Microsoft"),
        Pack("stencil", "@iconify-json/emojione-monotone", "1.2.1", "CC-BY-4.0", "EmojiOne 2, Ranks.com"),
    )
}
"""Style -> pack. `lined` is share-alike: it may train the evaluation's scorer, never shipped weights."""

RENDERING = 2
"""Counted up when the same drawings come out otherwise, so that no old rendering is taken from the cache."""

BLACK = ("contrast", "stencil")
"""Styles in black only: they teach what lines mean, and no painting."""


@dataclass(frozen=True)
class Sprite:
    """One line of the manifest: what a drawing shows, and where exactly it came from."""

    concept: str
    style: str
    icon: str
    package: str
    version: str
    licence: str
    sha256: str


def cache_folder() -> Path:
    """Return the folder, outside any checkout, where drawings and training state are kept."""
    return Path(user_cache_dir("scumble"))


def fetch(pack: Pack, folder: Path | None = None) -> Path:
    """Return the unpacked package's folder, fetching it by name with the npm client if it is not cached.

    Raises RuntimeError when the client is missing or the package cannot be had.
    """
    root = folder or cache_folder() / "packs"
    stem = f"{pack.package.removeprefix('@').replace('/', '-')}-{pack.version}"
    target = root / stem
    if not (target / "package.json").exists():
        root.mkdir(parents=True, exist_ok=True)
        _npm_pack(pack, root)
        with tarfile.open(root / f"{stem}.tgz") as archive:
            archive.extractall(root / f"{stem}.part", filter="data")
        (root / f"{stem}.part" / "package").rename(target)
    return target


def _npm_pack(pack: Pack, folder: Path) -> None:
    command = ["npm", "pack", "--silent", f"{pack.package}@{pack.version}"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as exc:
        raise RuntimeError(
            f"The drawings of {pack.package} could not be fetched; is npm installed and online?"
        ) from exc


def render_svg(svg: bytes, size_px: int) -> NDArray[np.uint8]:
    """Rasterise an SVG to (size, size, 4) straight-alpha RGBA."""
    import skia

    dom = skia.SVGDOM.MakeFromStream(skia.MemoryStream(svg, True))
    surface = skia.Surface(size_px, size_px)
    dom.setContainerSize(skia.Size(size_px, size_px))
    dom.render(surface.getCanvas())
    pixels = surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType)
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def _render_image(data: bytes, size_px: int) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA").resize((size_px, size_px), Image.Resampling.LANCZOS))


def trimmed(rgba: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Cut a drawing to what is visible, square it, and scale it to `size_px` with a 3 % margin."""
    import cv2

    rows, columns = np.where(rgba[..., 3] > 16)
    cut = rgba[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.float32)
    cut[..., :3] *= cut[..., 3:] / 255
    side = round(max(cut.shape[:2]) * 1.06)
    square = np.zeros((side, side, 4), np.float32)
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    scaled = np.asarray(cv2.resize(square, (size_px, size_px), interpolation=cv2.INTER_AREA))
    alpha = scaled[..., 3:].clip(1e-3, 255)
    straight = np.concatenate([scaled[..., :3] / alpha * 255, scaled[..., 3:]], axis=-1)
    return np.asarray(straight.clip(0, 255).round(), dtype=np.uint8)


class Icons:
    """The drawings of one package by icon name: an icon collection in JSON, or a folder of pictures by code point."""

    def __init__(self, folder: Path) -> None:
        path = folder / "icons.json"
        self._folder = folder / "assets"
        self._json = json.loads(path.read_text()) if path.exists() else None

    def source(self, concept: Concept) -> tuple[str, bytes] | None:
        """Return (icon name, file content) of the concept's drawing, or None if this set has none."""
        if self._json is None:
            path = self._folder / f"{concept.hexcode}.webp"
            return (concept.hexcode, path.read_bytes()) if path.exists() else None
        for name in concept.icons:
            icon = self._json["icons"].get(self._json.get("aliases", {}).get(name, {}).get("parent", name))
            if icon:
                return name, self._svg(icon)
        return None

    def _svg(self, icon: dict[str, object]) -> bytes:
        assert self._json is not None
        width = icon.get("width", self._json.get("width", 16))
        height = icon.get("height", self._json.get("height", 16))
        head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}">'
        # Skia draws a <use> only by SVG 1.1's name for its href; without it half of some drawings is missing.
        body = str(icon["body"]).replace(' href="#', ' xlink:href="#')
        return f"{head}{body}</svg>".encode()


def render_pack(pack: Pack, concepts: tuple[Concept, ...], size_px: int) -> Iterator[tuple[Sprite, NDArray[np.uint8]]]:
    """Yield every concept this pack draws as (manifest line, (size, size, 4) RGBA)."""
    icons = Icons(fetch(pack))
    for concept in concepts:
        found = icons.source(concept)
        if found is None:
            continue
        name, data = found
        raw = render_svg(data, size_px * 2) if data.startswith(b"<svg") else _render_image(data, size_px * 2)
        if (raw[..., 3] > 16).sum() < 64:
            continue
        sha = hashlib.sha256(data).hexdigest()
        yield (
            Sprite(concept.name, pack.style, name, pack.package, pack.version, pack.licence, sha),
            trimmed(raw, size_px),
        )


@dataclass(frozen=True)
class SpritePack:
    """Rendered sprites (N, 4, S, S), uint8 straight-alpha RGBA, and their manifest in the same order."""

    sprites: tuple[Sprite, ...]
    pixels: Tensor


def load_pack(styles: tuple[str, ...], concepts: tuple[Concept, ...], size_px: int) -> SpritePack:
    """Return the sprites of these styles and concepts, rendered on first use and cached."""
    words = json.dumps(
        [RENDERING] + [[PACKS[s].version, s] for s in styles] + [asdict(c) for c in concepts] + [size_px]
    )
    stem = cache_folder() / "sprites" / hashlib.sha256(words.encode()).hexdigest()[:16]
    if not stem.with_suffix(".safetensors").exists():
        rendered = [pair for style in styles for pair in render_pack(PACKS[style], concepts, size_px)]
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".json").write_text(json.dumps([asdict(sprite) for sprite, _ in rendered], indent=1))
        stack = torch.from_numpy(np.stack([pixels for _, pixels in rendered])).permute(0, 3, 1, 2).contiguous()
        save_file({"pixels": stack}, stem.with_suffix(".safetensors"))
    manifest = tuple(Sprite(**line) for line in json.loads(stem.with_suffix(".json").read_text()))
    return SpritePack(manifest, load_file(stem.with_suffix(".safetensors"))["pixels"])
