"""Drawings that hosts' own brushes make, as corners of one line: pixels of the picture."""

from __future__ import annotations

HEART = ((0, 38), (-38, -5), (-30, -30), (-12, -32), (0, -15), (12, -32), (30, -30), (38, -5), (0, 38))


def heart(x: int, y: int, size: float = 1.0) -> list[tuple[int, int]]:
    """Return a heart, closed, some 80·size px large: the embedded guesser is sure of it, drawn thin or with a wide brush (.72 to .98)."""
    return [(round(x + size * dx), round(y + size * dy)) for dx, dy in HEART]
