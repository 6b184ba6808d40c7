"""Small pictures and plans that the headless host's tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms
from scumble_engine.headless.encode import encode_png
from scumble_engine.headless.raster import Raster, Samples, plane_of
from scumble_protocol.client.host import LayerPlan
from scumble_protocol.geometry import Bounds
from scumble_protocol.pixels import Picture

_MADE_NOW: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Without the hour of its making (bytes 24 to 35): the same bytes in every run.
SRGB_PROFILE = _MADE_NOW[:24] + bytes(12) + _MADE_NOW[36:]


def noise(height: int, width: int, channels: int = 3, dtype: Any = np.uint8, seed: int = 1) -> Samples:
    """Return random samples over the whole range (floats: 0..1)."""
    random = np.random.default_rng(seed)
    shape = (height, width, channels)
    if np.dtype(dtype).kind == "f":
        return random.random(shape).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save(path: Path, samples: Samples, icc: bytes = b"") -> Path:
    """Write RGB or RGBA samples to a PNG or TIFF of their depth."""
    if path.suffix == ".png":
        opaque = samples.shape[2] == 3
        full = np.full((*samples.shape[:2], 4), np.iinfo(samples.dtype).max, samples.dtype)
        full[..., : samples.shape[2]] = samples
        path.write_bytes(encode_png(Raster(full, "icc" if icc else "srgb", icc, opaque)))
    else:
        extra = {} if samples.shape[2] == 3 else {"extrasamples": ["unassalpha"]}
        tifffile.imwrite(path, samples, photometric="rgb", iccprofile=icc or None, metadata=None, **extra)
    return path


def load(path: Path) -> Samples:
    """Read a PNG or TIFF as an independent program would."""
    if path.suffix == ".png":
        return np.asarray(imagecodecs.png_decode(path.read_bytes()))
    return np.asarray(tifffile.imread(path))


def soft_patch(height: int, width: int, dtype: Any = np.uint8) -> Samples:
    """Return RGBA samples: alpha 0 on the left third, rising in the middle, full on the right; colour also under alpha 0."""
    samples = noise(height, width, 4, dtype, seed=2)
    full = 1.0 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    ramp = np.clip((np.arange(width) - width / 3) / (width / 3), 0, 1) * full
    samples[..., 3] = ramp.astype(dtype)
    return samples


def plan_for(samples: Samples, x: int, y: int, icc: bytes = b"", name: str = "Erase", recipe: str = "{}") -> LayerPlan:
    """Plan a layer of these RGBA samples."""
    space = "icc" if icc else "srgb-linear" if samples.dtype.kind == "f" else "srgb"
    bounds = Bounds(x, y, samples.shape[1], samples.shape[0])
    return LayerPlan(name, bounds, Picture(plane_of(samples), space, icc), "layer", recipe)


def save_pillow(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path
