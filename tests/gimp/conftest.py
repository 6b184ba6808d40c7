"""The real GIMP 3, in a root that `make hosts` made, with the plug-in installed as `scumble install gimp` would."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gimp.console import Console
from gimp.desktop import Desktop
from gimp.engine import Engine
from gimp.picture import Picture
from gimp.root import Root, prepare, why_not
from gimp.scene import SIDE, raw_scene
from PIL import Image

HERE = Path(__file__).parent
PLUG_IN = HERE.parents[1] / "plugin_gimp" / "scumble-gimp"
sys.path.append(str(PLUG_IN))  # what needs no GIMP is tested without it


@pytest.fixture(scope="session")
def gimp_root() -> Iterator[Root]:
    """A fresh home with the plug-in in it (a short path: sockets lie there)."""
    if reason := why_not():
        pytest.skip(reason)
    shared = Path(tempfile.mkdtemp(prefix="sg-", dir="/tmp"))
    yield prepare(shared)
    shutil.rmtree(shared, ignore_errors=True)


@pytest.fixture(scope="session")
def run_folder(gimp_root: Root) -> Path:
    """The engine's runtime folder, which GIMP sees too."""
    folder = gimp_root.shared / "run"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="session")
def engine(run_folder: Path) -> Iterator[Engine]:
    """An engine of our own, outside the root, on the processor."""
    engine = Engine(run_folder)
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def desktop(gimp_root: Root, run_folder: Path) -> Iterator[Desktop]:
    """One GIMP with windows for all tests: they leave its picture as they found it, by undo."""
    picture = gimp_root.shared / "scene.png"
    Image.frombytes("RGBA", (SIDE, SIDE), raw_scene()).convert("RGB").save(picture)
    desktop = Desktop(gimp_root, {"LANG": "C.UTF-8", "SCUMBLE_RUNTIME_DIR": str(run_folder)}, picture)
    yield desktop
    desktop.close()


@pytest.fixture
def picture(desktop: Desktop, request: pytest.FixtureRequest) -> Iterator[Picture]:
    """The newest picture; a shot of the screen is kept at the end of each test."""
    yield Picture(desktop, desktop.probe.call("scene.images")[-1])
    desktop.shoot(f"end-of-{request.node.name}")


@pytest.fixture
def panel(desktop: Desktop) -> Desktop:
    desktop.open_panel()
    return desktop


@pytest.fixture(scope="session")
def console(gimp_root: Root, run_folder: Path) -> Iterator[Console]:
    console = Console(gimp_root, {"LANG": "C.UTF-8", "SCUMBLE_RUNTIME_DIR": str(run_folder)})
    yield console
    console.close()
