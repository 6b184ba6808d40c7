"""Put the plug-in into Krita 5 or 6, take it out again, or pack it for Krita's own "Import Python Plugin from File"."""

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

NAME = "scumble_krita"
DESKTOP = f"{NAME}.desktop"
FLATPAK_APP = "org.kde.krita"
SNAP = "krita"
ENABLED = f"enable_{NAME}"


@dataclass(frozen=True)
class Place:
    """One Krita's folders: `data` holds pykrita/, `settings` is its kritarc. `sandbox`: what it runs in, and sees little else."""

    data: Path
    settings: Path
    sandbox: Sandbox | None = None

    @property
    def pykrita(self) -> Path:
        return self.data / "pykrita"


# ---- the commands ---------------------------------------------------------------------------------------------------


def install(report: Report) -> None:
    """Copy the plug-in into every Krita of this user, switch it on, and say what to do next.

    Raises RequestError when there is no Krita, or a folder can't be written (what was there before stays).
    """
    found = places()
    if not found:
        raise RequestError(
            "No Krita was found for this user. Install Krita, start it once, and run “scumble install krita” again; or use "
            "“scumble bundle krita” and Krita's Tools > Scripts > Import Python Plugin from File.",
            "no-host",
        )
    for place in found:
        _put(place)
        report(f"Installed the Krita plug-in in {place.pykrita}.")
    report("Restart Krita; then choose Settings > Dockers > Scumble.")
    for place in found:
        if place.sandbox is not None:
            report(
                f"Your Krita is a {place.sandbox.kind}. So that it reaches the engine, type: {place.sandbox.way_out}."
            )


def uninstall(report: Report) -> None:
    """Remove the plug-in from every Krita of this user. Raises RequestError for a folder that can't be changed."""
    installed = [place for place in places() if (place.pykrita / NAME).exists() or (place.pykrita / DESKTOP).exists()]
    for place in installed:
        try:
            shutil.rmtree(place.pykrita / NAME, ignore_errors=not (place.pykrita / NAME).exists())
            (place.pykrita / DESKTOP).unlink(missing_ok=True)
            _write_setting(place.settings, None)
        except OSError as error:
            raise RequestError(f"{place.pykrita / NAME} can't be removed ({reason(error)}).", "not-writable") from error
        report(f"Removed the Krita plug-in from {place.pykrita}.")
    if not installed:
        report("The plug-in is in no Krita of this user.")


def bundle(out: Path) -> Path:
    """Write a zip for Krita's own plug-in importer, and return its path. `out`: the file, or a folder for it."""
    target = out / f"{NAME}.zip" if out.is_dir() else out
    source = plug_in_source("plugin_krita", DESKTOP)
    files = [(DESKTOP, source / DESKTOP), *((f"{NAME}/{inside}", file) for inside, file in contents())]
    write_zip(target, files, folder=f"{NAME}/")  # Krita's importer looks for the folder's own entry
    return target


def contents() -> Iterator[Content]:
    """Yield (path inside the plug-in's folder, file)."""
    yield from files_in(plug_in_source("plugin_krita", DESKTOP) / NAME)
    yield from vendored()


def _put(place: Place) -> None:
    folder = place.pykrita
    try:
        folder.mkdir(parents=True, exist_ok=True)
        settings_before = place.settings.read_bytes() if place.settings.exists() else None
    except OSError as error:
        raise RequestError(
            f"The plug-in can't be written to {folder} ({reason(error)}); nothing was changed.", "not-writable"
        ) from error
    replace_folder(folder / NAME, lambda fresh: write_folder(fresh, contents()))
    try:
        shutil.copyfile(plug_in_source("plugin_krita", DESKTOP) / DESKTOP, folder / DESKTOP)
        _write_setting(place.settings, "true")
    except OSError as error:
        _undo(place, settings_before)
        raise RequestError(
            f"Krita's settings {place.settings} can't be written ({reason(error)}); nothing was changed.",
            "not-writable",
        ) from error


def _undo(place: Place, settings: bytes | None) -> None:
    shutil.rmtree(place.pykrita / NAME, ignore_errors=True)
    (place.pykrita / DESKTOP).unlink(missing_ok=True)
    if settings is not None and os.access(place.settings, os.W_OK):
        place.settings.write_bytes(settings)


# ---- Krita's settings -----------------------------------------------------------------------------------------------


def _write_setting(path: Path, value: str | None) -> None:
    """Set or (None) remove our switch in kritarc, in one step; every other byte stays. Raises OSError."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    changed = with_setting(text, value)
    if changed == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.scumble")
    scratch.write_text(changed, encoding="utf-8", errors="surrogateescape")
    os.replace(scratch, path)


def with_setting(text: str, value: str | None) -> str:
    """Return a kritarc's text with `enable_scumble_krita` in its [python] group set, or taken out for None."""
    text = re.sub(rf"(?m)^{ENABLED}=.*\n?", "", text)
    if value is None:
        return text
    line = f"{ENABLED}={value}\n"
    if re.search(r"(?m)^\[python\]\s*$", text):
        return re.sub(r"(?m)^\[python\]\s*\n?", lambda found: f"[python]\n{line}", text, count=1)
    return f"{text.rstrip()}\n\n[python]\n{line}".lstrip("\n")


# ---- where Krita keeps things ---------------------------------------------------------------------------------------


def places() -> list[Place]:
    """Return every Krita of this user: those that were started before, and one that is installed but never was."""
    return [place for place, is_there in _known() if place.data.is_dir() or place.settings.exists() or is_there()]


def _known() -> Iterator[tuple[Place, Callable[[], bool]]]:
    home = Path.home()
    if sys.platform == "win32":
        roaming = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        yield Place(roaming / "krita", local / "kritarc"), _on_windows
    elif sys.platform == "darwin":
        library = home / "Library"
        yield Place(library / "Application Support" / "krita", library / "Preferences" / "kritarc"), _on_mac
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        yield Place(data / "krita", config / "kritarc"), lambda: is_on_path("krita")
        sandbox = home / ".var" / "app" / FLATPAK_APP
        yield (
            Place(sandbox / "data" / "krita", sandbox / "config" / "kritarc", Sandbox("Flatpak", FLATPAK_APP)),
            lambda: has_flatpak(FLATPAK_APP),
        )
        snap = snap_home(SNAP)
        yield (
            Place(snap / ".local" / "share" / "krita", snap / ".config" / "kritarc", Sandbox("snap", SNAP)),
            lambda: has_snap(SNAP),
        )


def _on_windows() -> bool:
    roots = (os.environ.get("PROGRAMFILES"), os.environ.get("PROGRAMFILES(X86)"))
    return any(any(Path(root).glob("Krita*")) for root in roots if root)


def _on_mac() -> bool:
    return any(Path(root, "krita.app").is_dir() for root in ("/Applications", Path.home() / "Applications"))
