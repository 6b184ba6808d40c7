"""How much memory this process has had at most, for provenance and benchmarks; and what an edit needs beside the weights."""

from __future__ import annotations

import sys

import psutil

# What the denoiser's activations, text and previews need beside all weights.
HEADROOM_BYTES = 512 * 2**20


def peak_bytes() -> int:
    """Return the process's highest resident size so far, in bytes (the present size where the system keeps no record)."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
