"""Put the plug-in into GIMP 3, take it out again, or pack it as a zip. Copies files; knows no GIMP call and needs no network."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scumble_protocol.client.sandbox import Sandbox
from scumble_protocol.errors import RequestError

from .contents import Content, files_in, plug_in_source, reason, replace_folder, vendored, write_folder, write_zip
from .linux import has_flatpak, has_snap, is_on_path, snap_home

Report = Callable[[str], None]

NAME = "scumble-gimp"
SCRIPT = f"{NAME}/{NAME}.py"
FLATPAK_APP = "org.gimp.GIMP"
SNAP = "gimp"
PROGRAMS = ("gimp-3.0", "gimp-3", "gimp-3.2", "gimp-console-3.0")
NEWEST_KNOWN = "3.0"  # the settings folder to make where GIMP 3 is installed but has never been started


@dataclass(frozen=True)
class Place:
    """A settings folder of one GIMP, `.../GIMP/3.x`. `sandbox`: what it runs in, if it does."""

    folder: Path
    sandbox: Sandbox | None = None

    @property
    def plug_in(self) -> Path:
        return self.folder / "plug-ins" / NAME


# ---- the commands ---------------------------------------------------------------------------------------------------


def install(report: Report) -> None:
    """Copy the plug-in into every GIMP 3 of this user and say what to do next.

    Raises RequestError when there is no GIMP 3, or a folder can't be written (what was there before stays).
    """
    found = places()
    if not found:
        raise RequestError(
            "No GIMP 3 was found for this user. Install GIMP 3, start it once, and run “scumble install gimp” again; "
            "or unpack the zip of “scumble bundle gimp” into GIMP's plug-ins folder.",
            "no-host",
        )
    for place in found:
        _put(place.plug_in)
        report(f"Installed the GIMP plug-in in {place.plug_in}.")
    report("Restart GIMP; you find it under Filters > Scumble.")
    for sandbox in {place.sandbox for place in found if place.sandbox is not None}:
        report(f"Your GIMP is a {sandbox.kind}. So that it reaches the engine, type: {sandbox.way_out}.")


def uninstall(report: Report) -> None:
    """Remove the plug-in from every GIMP 3 of this user. Raises RequestError for a folder that can't be changed."""
    installed = [place.plug_in for place in places() if place.plug_in.exists()]
    for folder in installed:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise RequestError(f"{folder} can't be removed ({reason(error)}).", "not-writable") from error
        report(f"Removed {folder}.")
    if not installed:
        report("The plug-in is in no GIMP 3 of this user.")


def bundle(out: Path) -> Path:
    """Write a zip to unpack into GIMP's plug-ins folder, and return its path. `out`: the file, or a folder for it."""
    target = out / f"{NAME}.zip" if out.is_dir() else out
    write_zip(target, ((f"{NAME}/{inside}", file) for inside, file in contents()), executable=SCRIPT)
    return target


def _put(target: Path) -> None:
    """Put the plug-in in place whole, or not at all; GIMP doesn't look into hidden folders meanwhile. Raises RequestError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"The plug-in can't be written to {target.parent} ({reason(error)}); nothing was changed.", "not-writable"
        ) from error
    replace_folder(target, copy_plug_in)


# ---- where GIMP keeps its plug-ins ----------------------------------------------------------------------------------


def places() -> list[Place]:
    """Return the settings folders of every GIMP 3 of this user; one that was never started gets its folder foreseen."""
    if chosen := os.environ.get("GIMP3_DIRECTORY"):
        return [Place(Path(chosen))]
    found: list[Place] = []
    for root, sandbox, is_there in _roots():
        versions = sorted(path for path in root.glob("3.*") if re.fullmatch(r"3\.\d+", path.name) and path.is_dir())
        if not versions and is_there():
            versions = [root / NEWEST_KNOWN]
        found += [Place(path, sandbox) for path in versions]
    return found


def _roots() -> Iterator[tuple[Path, Sandbox | None, Callable[[], bool]]]:
    """Yield where versions of GIMP keep settings, in which sandbox, and how to tell that it is installed at all."""
    home = Path.home()
    if sys.platform == "win32":
        roaming = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
        yield roaming / "GIMP", None, _on_windows
    elif sys.platform == "darwin":
        yield home / "Library" / "Application Support" / "GIMP", None, lambda: bool(_mac_apps(home))
    else:
        settings = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        yield settings / "GIMP", None, lambda: is_on_path(*PROGRAMS)
        flatpak = home / ".var" / "app" / FLATPAK_APP / "config" / "GIMP"
        yield flatpak, Sandbox("Flatpak", FLATPAK_APP), lambda: has_flatpak(FLATPAK_APP)
        yield snap_home(SNAP) / ".config" / "GIMP", Sandbox("snap", SNAP), lambda: has_snap(SNAP)


def _on_windows() -> bool:
    roots = [os.environ.get("PROGRAMFILES"), os.environ.get("LOCALAPPDATA", "") + "\\Programs"]
    return any(Path(root, "GIMP 3").is_dir() for root in roots if root)


def _mac_apps(home: Path) -> list[Path]:
    return [app for root in (Path("/Applications"), home / "Applications") for app in root.glob("GIMP*.app")]


# ---- what goes there ------------------------------------------------------------------------------------------------


def contents() -> Iterator[Content]:
    """Yield (path inside the plug-in's folder, file)."""
    yield from files_in(plug_in_source("plugin_gimp", SCRIPT) / NAME)
    yield from vendored()


def copy_plug_in(target: Path) -> None:
    """Write the plug-in with all that it needs into `target`, a folder that does not exist yet. Raises OSError."""
    write_folder(target, contents())
    (target / f"{NAME}.py").chmod(0o755)
