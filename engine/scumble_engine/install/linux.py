"""How programs come to a Linux: from the distribution, as a Flatpak, or as a snap, each with homes of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

SNAPS = (Path("/snap"), Path("/var/lib/snapd/snap"))


def is_on_path(*names: str) -> bool:
    """Say whether one of the programs is installed as it is; a snap is on the PATH too, but looks into folders of its own."""
    found = [Path(path) for path in map(shutil.which, names) if path]
    return any(not set(SNAPS) & set(path.parents) for path in found)


def has_flatpak(app: str) -> bool:
    roots = (Path("/var/lib/flatpak"), Path.home() / ".local" / "share" / "flatpak")
    return any((root / "app" / app).is_dir() for root in roots)


def has_snap(name: str) -> bool:
    return any((root / name).is_dir() for root in SNAPS)


def snap_home(name: str) -> Path:
    """Return what a snap takes for the user's home."""
    return Path.home() / "snap" / name / "current"
