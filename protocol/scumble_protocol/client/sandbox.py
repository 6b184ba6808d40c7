"""Hosts in a sandbox (Flatpak, snap): they can't start the engine, which is installed outside, but can talk with one that runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..connection import RUNTIME_DIR_VARIABLE

FLATPAK_INFO = Path("/.flatpak-info")


@dataclass(frozen=True)
class Sandbox:
    """`app`: the sandbox's own name of the program, as org.kde.krita or krita."""

    kind: Literal["Flatpak", "snap"]
    app: str

    @property
    def way_out(self) -> str:
        """Say what a person types in a terminal so that the program inside meets the engine."""
        if self.kind == "Flatpak":
            return (
                f"once, “flatpak override --user --filesystem=xdg-run/scumble:create {self.app}”, then start the program "
                "again; and keep “scumble engine” running"
            )
        return f"“{RUNTIME_DIR_VARIABLE}={_snap_runtime(self.app)} scumble engine”, and keep it running"


def own_sandbox() -> Sandbox | None:
    """Return the sandbox that this very process runs in; None outside of any."""
    if (app := os.environ.get("FLATPAK_ID")) or FLATPAK_INFO.exists():
        return Sandbox("Flatpak", app or "APPLICATION")
    snap, name = os.environ.get("SNAP"), os.environ.get("SNAP_NAME")
    # programs that a snap starts outside of itself inherit its variables
    if snap and name and os.path.realpath("/proc/self/exe").startswith(f"{os.path.realpath(snap)}{os.sep}"):
        return Sandbox("snap", name)
    return None


def _snap_runtime(app: str) -> str:
    """Return the runtime folder that the program inside looks into: snapd gives each one its own."""
    session = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    inside = session if session.name.startswith("snap.") else session / f"snap.{app}"
    return str(inside / "scumble")
