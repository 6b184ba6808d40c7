"""TIFF files in and out, by tifffile: first page, straight alpha, 8 and 16 bits and float."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from scumble_protocol.errors import RequestError
from scumble_protocol.pixels import plane_bytes

from .raster import Raster, Samples, top_value

RECIPE_TAG = 65_042  # in TIFF 6's range for private use
ICC_TAG, ORIENTATION_TAG = 34_675, 274
MINISWHITE, MINISBLACK, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
OTHER_MODELS = {5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab", 10: "Lab", 32803: "raw camera"}
JPEG = 7
ASSOCIATED = 1


def read_tiff(data: bytes, path: Path) -> tuple[Samples, bytes, int, list[str]]:
    """Return H×W×C samples, the profile, the orientation and notes. Raises RequestError, or tifffile's errors for damage."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        _check_model(page, path)
        plane_bytes(page.imagewidth, page.imagelength, 4, "u8")
        notes = ["Only the first page of the file was read."] if len(file.pages) > 1 else []
        samples = _channels_last(page, path)
        samples = _black_at_zero(samples, page, notes)
        samples = _straight(samples, page, notes)
        icc, orientation = _tag(page, ICC_TAG, b""), _tag(page, ORIENTATION_TAG, 1)
    return samples, bytes(icc), int(orientation), notes


def read_recipe(data: bytes) -> str | None:
    """Return the recipe that a flattened TIFF carries, if it does."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        recipe = _tag(file.pages[0], RECIPE_TAG, None)
    return None if recipe is None else str(recipe)


def write_tiff(file: BinaryIO, raster: Raster, recipe: str) -> None:
    """Write the raster with its depth, profile and recipe, losslessly packed."""
    samples = raster.samples[..., :3] if raster.opaque else raster.samples
    tifffile.imwrite(
        file,
        np.ascontiguousarray(samples),
        photometric="rgb",
        extrasamples=None if raster.opaque else ("unassalpha",),
        compression="zlib",
        predictor=True,
        metadata=None,
        iccprofile=raster.icc or None,
        extratags=[(RECIPE_TAG, "s", 0, recipe, True)],
    )


def _tag(page: Any, number: int, default: Any) -> Any:
    tag = page.tags.get(number)
    return default if tag is None else tag.value


def _check_model(page: Any, path: Path) -> None:
    model = int(page.photometric)
    jpeg_in_rgb = model == YCBCR and int(page.compression) == JPEG
    if model not in (MINISWHITE, MINISBLACK, RGB, PALETTE) and not jpeg_in_rgb:
        name = OTHER_MODELS.get(model, "special")
        raise RequestError(f"{path} is a {name} picture; convert it to RGB first.", "color-model")
    bits = page.bitspersample
    if bits not in (1, 8, 16, 32) or (page.dtype is not None and np.dtype(page.dtype).kind not in "bu" and bits < 16):
        raise RequestError(f"{path} has {bits} bits a sample; save it with 8, 16 or 32 (float).", "bad-pixels")
    if page.dtype is not None and np.dtype(page.dtype).name not in ("bool", "uint8", "uint16", "float16", "float32"):
        raise RequestError(
            f"{path} has samples of type {np.dtype(page.dtype).name}; save it with 8 or 16 bits, or as float.",
            "bad-pixels",
        )


def _channels_last(page: Any, path: Path) -> Samples:
    samples: Samples = page.asarray()
    if page.axes == "SYX":
        samples = np.moveaxis(samples, 0, -1)
    elif page.axes not in ("YX", "YXS"):
        raise RequestError(f"{path} is not one flat picture; save it as such.", "bad-pixels")
    return samples


def _black_at_zero(samples: Samples, page: Any, notes: list[str]) -> Samples:
    model = int(page.photometric)
    if model == PALETTE:
        notes.append("The palette picture was converted to RGB.")
        return np.ascontiguousarray((page.colormap[:, samples] >> 8).astype(np.uint8).transpose(1, 2, 0))
    if model == MINISWHITE:
        return ~samples if samples.dtype.kind in "bu" else (1 - samples).astype(samples.dtype)
    return samples


def _straight(samples: Samples, page: Any, notes: list[str]) -> Samples:
    """Divide colours by an associated (premultiplied) alpha."""
    if ASSOCIATED not in tuple(int(kind) for kind in page.extrasamples) or samples.ndim != 3:
        return samples
    notes.append("The premultiplied alpha was converted to a straight one.")
    full = top_value(samples)
    alpha = samples[..., -1:].astype(np.float64) / full
    color = samples[..., :-1] / np.maximum(alpha, 1 / 65535)
    if samples.dtype.kind == "u":
        color = np.rint(np.clip(color, 0, full))
    return np.concatenate([color.astype(samples.dtype), samples[..., -1:]], axis=-1)
