"""Rasters out as PNG bytes: 8 or 16 bits, with profile and recipe; and the small picture that file managers show."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
from PIL import Image
from scumble_protocol.errors import RequestError

from .pngchunks import RECIPE_KEY, with_chunks
from .raster import Raster

THUMBNAIL_PX = 256


def check_fits_png(raster: Raster) -> None:
    """Raise RequestError for float samples, which no PNG (and so no OpenRaster layer) can hold."""
    if raster.depth not in ("u8", "u16"):
        raise RequestError("A float picture can't be kept whole in PNG or OpenRaster; write to a .tif.", "bad-out")


def encode_png(raster: Raster, recipe: str = "", small: bool = False) -> bytes:
    """Return PNG bytes, without alpha for a raster that is opaque. `small` packs better and takes about twice as long."""
    check_fits_png(raster)
    samples = raster.samples[..., :3].copy() if raster.opaque else np.ascontiguousarray(raster.samples)
    # The "sub" filter with run lengths: on photographs as small as the default, several times faster.
    data = imagecodecs.png_encode(samples, level=2 if small else 1, strategy=None if small else 3, filter=16)
    return with_chunks(bytes(data), raster.icc, {RECIPE_KEY: recipe} if recipe else None)


def thumbnail(raster: Raster) -> bytes:
    """Return an 8-bit PNG of at most 256×256 with the raster's profile."""
    step = max(1, min(raster.samples.shape[:2]) // (4 * THUMBNAIL_PX))  # thin out first: the rest need not be exact
    samples = raster.samples[::step, ::step]
    eight = samples if samples.dtype == np.uint8 else (samples >> 8).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(eight), "RGBA")
    scale = THUMBNAIL_PX / max(raster.bounds.width, raster.bounds.height, THUMBNAIL_PX)
    size = (max(1, round(raster.bounds.width * scale)), max(1, round(raster.bounds.height * scale)))
    out = io.BytesIO()
    image.resize(size, Image.Resampling.BOX).save(out, "PNG", icc_profile=raster.icc or None)
    return out.getvalue()
