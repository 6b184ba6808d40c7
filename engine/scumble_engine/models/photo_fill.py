"""Filling holes in photographs at the model's size: MI-GAN by onnxruntime, or a classical fill where its weights are missing.

Here pictures are always SIDE_PX square, u8 sRGB. Crops, scales, depths and colour spaces are imaging/infill.py's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from ..imaging.arrays import Bools, Bytes
from . import registry
from .catalogue import PHOTO_FILL

SIDE_PX = 512
MAX_THREADS = 4


class Fill(Protocol):
    """Fill the holes of one square picture. `note` is a sentence for the painter, or empty."""

    @property
    def name(self) -> str: ...
    @property
    def weights_sha256(self) -> str: ...
    @property
    def note(self) -> str: ...

    def __call__(self, rgb: Bytes, hole: Bools) -> Bytes:
        """Return the picture, (512, 512, 3) u8 sRGB, with what lies under `hole`, (512, 512) bool, invented anew."""
        ...


@dataclass(frozen=True)
class MiganFill:
    """MI-GAN (Sargsyan et al., ICCV 2023), the authors' ONNX pipeline: mask 255 = keep."""

    session: Any
    options: Any
    weights_sha256: str
    name: str = "photo-fill"
    note: str = ""

    def __call__(self, rgb: Bytes, hole: Bools) -> Bytes:
        if not hole.any():
            return rgb
        image = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])
        keep = np.where(hole, 0, 255).astype(np.uint8)[None, None]
        (result,) = self.session.run(None, {"image": image, "mask": keep}, self.options)
        filled: Bytes = result[0].transpose(1, 2, 0)
        # The pipeline blurs its own seam a little into what is known; ours is made at full size.
        return np.where(hole[..., None], filled, rgb)


@dataclass(frozen=True)
class ClassicalFill:
    """Telea's fast marching (2004), OpenCV's: smooth, without structure or texture of its own."""

    name: str = "classical"
    weights_sha256: str = ""
    note: str = (
        "The photograph model is not here, so what was uncovered was filled smoothly; "
        "`scumble models pull photo-fill` gets it."
    )

    def __call__(self, rgb: Bytes, hole: Bools) -> Bytes:
        if not hole.any():
            return rgb
        filled: Bytes = cv2.inpaint(np.ascontiguousarray(rgb), hole.astype(np.uint8), 5.0, cv2.INPAINT_TELEA)
        return filled


def load_fill() -> Fill:
    """Return MI-GAN where its weights are here and whole, else the classical fill. Needs no network."""
    state = registry.facts(PHOTO_FILL)
    if not state.present or state.path is None:
        return ClassicalFill()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(MAX_THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait cost more than they win where a host and a painter share the processor.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(state.path), options, providers=["CPUExecutionProvider"])
    # Give the run's half gigabyte back after each: the worker lives on beside the painter's own program.
    after = onnxruntime.RunOptions()
    after.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return MiganFill(session, after, state.model.sha256)
