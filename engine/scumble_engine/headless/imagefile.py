"""Picture files in: PNG, JPEG, WebP and TIFF become RGBA samples at their own depth, upright, with their profile.

What cannot be taken as it is (gray, palette, premultiplied alpha) is converted and noted, or refused with a sentence.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing
from PIL import Image
from scumble_protocol.errors import RequestError, ScumbleError
from scumble_protocol.pixels import Space, plane_bytes

from . import pngchunks
from .raster import DEPTHS, Raster, Samples, top_value

MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"RIFF": "WebP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"PK\x03\x04": "OpenRaster",
}
KNOWN = "a PNG, JPEG, WebP, TIFF or OpenRaster picture"
ORIENTATION_TAG = 0x0112


def sniff(path: Path) -> str:
    """Return the kind of a picture file by its first bytes. Raises RequestError when there is none or it is no picture."""
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise RequestError(f"There is no file {path}.", "no-file") from None
    except IsADirectoryError:
        raise RequestError(f"{path} is a folder, not a picture.", "no-file") from None
    except OSError as error:
        raise RequestError(f"{path} can't be read ({(error.strerror or str(error)).lower()}).", "no-file") from error
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            return kind
    raise RequestError(f"{path} is {'empty' if not head else f'not {KNOWN}'}.", "not-a-picture")


def read_raster(path: Path) -> Raster:
    """Read a picture file. Raises RequestError for one that is missing, damaged, or of a kind that is not taken."""
    readers: dict[str, Callable[[bytes, Path], Raster]] = {"PNG": _read_png, "TIFF": _read_tiff}
    kind = sniff(path)
    if kind == "OpenRaster":
        raise RequestError(f"{path} is a layered file; a picture file is needed here.", "not-a-picture")
    try:
        return readers.get(kind, _read_pillow)(path.read_bytes(), path)
    except ScumbleError:
        raise
    except MemoryError as error:
        raise RequestError(f"{path} is too large for this machine's memory.", "too-large") from error
    # Decoders raise whatever a broken file leads them to; each of those means the same to the painter.
    except Exception as error:
        raise RequestError(f"{path} is damaged or cut short and can't be read.", "damaged-picture") from error


def decode_png(data: bytes) -> Raster:
    """Decode PNG bytes. Raises RequestError for sizes that are too large, ValueError or a codec's error for damage."""
    header = pngchunks.read_header(data)
    plane_bytes(header.width, header.height, 4, "u16" if header.bits == 16 else "u8")
    samples = np.asarray(imagecodecs.png_decode(data))
    icc, notes = pngchunks.profile(data), []
    if header.color_type == pngchunks.PALETTE:
        notes.append("The palette picture was converted to RGB.")
    return _upright(_as_raster(samples, icc, notes), pngchunks.orientation(data))


def png_color(data: bytes) -> tuple[Space, bytes]:
    """Return the colour space that `decode_png` would give, without decoding."""
    gray = pngchunks.read_header(data).color_type in pngchunks.GRAY
    return _space(np.uint8, pngchunks.profile(data), gray, [])


# ---- the three ways in ----------------------------------------------------------------------------------------------


def _read_png(data: bytes, path: Path) -> Raster:
    return decode_png(data)


def _read_pillow(data: bytes, path: Path) -> Raster:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(data), formats=("JPEG", "WEBP")) as image:
            plane_bytes(image.width, image.height, 4, "u8")
            image.load()
            icc, orientation = image.info.get("icc_profile") or b"", image.getexif().get(ORIENTATION_TAG, 1)
            if image.mode not in ("L", "RGB", "RGBA"):
                raise unwanted(path, "CMYK" if image.mode == "CMYK" else image.mode)
            notes = ["Only the first frame of the animation was read."] if getattr(image, "is_animated", False) else []
            return _upright(_as_raster(np.asarray(image), icc, notes), orientation)


def _read_tiff(data: bytes, path: Path) -> Raster:
    from .tiff import read_tiff

    samples, icc, orientation, notes = read_tiff(data, path)
    return _upright(_as_raster(samples, icc, notes), orientation)


# ---- shapes and colours ---------------------------------------------------------------------------------------------


def unwanted(path: Path | str, what: str) -> RequestError:
    """Say that a colour model is not taken, and what to do."""
    return RequestError(f"{path} is a {what} picture; convert it to RGB first.", "color-model")


def _as_raster(samples: Samples, icc: bytes, notes: list[str]) -> Raster:
    """Spread H×W, H×W×1..4 samples to RGBA; gray becomes equal R, G and B, so its values are kept exactly."""
    if samples.dtype == np.bool_:
        samples = samples.astype(np.uint8) * 255
    if samples.dtype.name not in DEPTHS:
        raise RequestError(
            f"The picture's samples are of type {samples.dtype.name}; 8 or 16 bits, or half or single float, are taken.",
            "bad-pixels",
        )
    samples = samples[..., None] if samples.ndim == 2 else samples
    height, width, channels = samples.shape
    if channels not in (1, 2, 3, 4):
        raise RequestError(f"The picture has {channels} channels; 1 to 4 are taken.", "bad-pixels")
    plane_bytes(width, height, 4, DEPTHS[samples.dtype.name])
    rgba = np.empty((height, width, 4), samples.dtype.newbyteorder("="))
    rgba[..., :3] = samples[..., :1] if channels < 3 else samples[..., :3]
    rgba[..., 3] = samples[..., -1] if channels in (2, 4) else top_value(samples)
    if channels < 3:
        notes.append("The gray picture was converted to RGB; its values are kept.")
    space, icc = _space(rgba.dtype, icc, channels < 3, notes)
    return Raster(rgba, space, icc, channels in (1, 3), tuple(notes))


def _space(dtype: np.typing.DTypeLike, icc: bytes, gray: bool, notes: list[str]) -> tuple[Space, bytes]:
    model = icc[16:20]
    if icc and model == b"RGB " and not gray:
        return "icc", icc
    if icc and not (gray and model == b"GRAY"):
        notes.append("The picture's colour profile does not fit its channels and was left out.")
    if np.dtype(dtype).kind == "f":
        notes.append("A float picture without a colour profile is taken as linear light with sRGB's primaries.")
        return "srgb-linear", b""
    return "srgb", b""


def _upright(raster: Raster, orientation: int) -> Raster:
    """Turn and mirror the samples as EXIF's orientation (1..8) asks; pixels move, none changes."""
    samples = raster.samples
    if orientation in (5, 6, 7, 8):
        samples = samples.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    samples = np.ascontiguousarray(samples)
    return Raster(samples, raster.space, raster.icc, raster.opaque, raster.notes)
