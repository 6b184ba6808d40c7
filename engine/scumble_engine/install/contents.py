"""What both hosts' plug-ins are made of, and how files are put in place so that a failure leaves what was there before.

Translations are kept as .po files, which people read and write; hosts get them compiled, as .mo.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import polib
from scumble_protocol.errors import RequestError

Content = tuple[str, Path]  # path inside the plug-in, file

MSGPACK_FILES = ("__init__.py", "exceptions.py", "ext.py", "fallback.py")  # the pure-Python half
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*")


def files_in(root: Path, prefix: str = "") -> Iterator[Content]:
    """Yield every file under a folder, sorted, without caches and hidden files."""
    for folder, folders, names in os.walk(root):
        skipped = LEFT_OUT(folder, [*folders, *names])
        folders[:] = sorted(set(folders) - skipped)
        for name in sorted(set(names) - skipped):
            path = Path(folder, name)
            yield prefix + path.relative_to(root).as_posix(), path


def vendored(prefix: str = "") -> Iterator[Content]:
    """Yield our protocol, and a pure-Python msgpack for a host's Python without one."""
    yield from files_in(package("scumble_protocol"), prefix + "vendor/scumble_protocol/")
    msgpack = package("msgpack")
    yield from ((f"{prefix}vendor/spare/msgpack/{name}", msgpack / name) for name in MSGPACK_FILES)


def plug_in_source(name: str, holds: str) -> Path:
    """Return the folder of a plug-in's own files: inside the installed package, or beside it in a checkout.

    Raises RequestError when neither holds the file `holds`.
    """
    engine = Path(__file__).resolve().parents[1]
    for root in (engine / "install" / name, engine.parents[1] / name):
        if (root / holds).exists():
            return root
    raise RequestError("This installation of Scumble came without its plug-in; install it again.", "no-plug-in")


def package(name: str) -> Path:
    """Return the folder of an installed package. Raises RequestError."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise RequestError(f"The package {name} is missing from this installation of Scumble.", "no-plug-in")
    return Path(next(iter(spec.submodule_search_locations)))


def _installed(inside: str, file: Path) -> tuple[str, bytes]:
    """Return a file's place and bytes in a host: a translation is compiled, all else is as it is."""
    if file.suffix == ".po":
        return inside.removesuffix(".po") + ".mo", polib.pofile(str(file)).to_binary()
    return inside, file.read_bytes()


def write_folder(target: Path, contents: Iterable[Content]) -> None:
    """Copy files into a folder that does not exist yet. Raises OSError."""
    target.mkdir(parents=True)
    for inside, file in contents:
        name, data = _installed(inside, file)
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def replace_folder(target: Path, write: Callable[[Path], None]) -> None:
    """Put a new folder where an old one may be, once `write` has written all of it beside. Raises RequestError."""
    fresh, old = target.with_name(f".{target.name}-new"), target.with_name(f".{target.name}-old")
    try:
        for rest in (fresh, old):
            shutil.rmtree(rest, ignore_errors=True)
        write(fresh)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    except OSError as error:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(fresh, ignore_errors=True)
        raise RequestError(
            f"The plug-in can't be written to {target.parent} ({reason(error)}); nothing was changed.", "not-writable"
        ) from error
    shutil.rmtree(old, ignore_errors=True)


def write_zip(target: Path, contents: Iterable[Content], executable: str = "", folder: str = "") -> None:
    """Write a zip with a fixed date: the same files make the same zip. `folder`: "name/", to get an entry of its own.

    Raises RequestError.
    """
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            if folder:
                inner = zipfile.ZipInfo(folder)
                inner.external_attr = 0o40755 << 16 | 0x10  # a folder, to Unix and to DOS
                archive.writestr(inner, b"")
            for inside, file in contents:
                name, data = _installed(inside, file)
                entry = zipfile.ZipInfo(name)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (0o755 if inside == executable else 0o644) << 16
                archive.writestr(entry, data)
    except OSError as error:
        raise RequestError(f"{target} can't be written ({reason(error)}).", "not-writable") from error


def reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
