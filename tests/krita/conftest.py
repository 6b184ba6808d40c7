"""The real Krita for tests that ask for it; one program serves them all, each with documents of its own."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kritatest.program import ARTIFACTS, Program, prepare_home, why_not
from kritatest.screen import Screen
from kritatest.stand_in import StandIn, use
from scumble_engine.install import krita as installer


@pytest.fixture(scope="session")
def screen() -> Iterator[Screen]:
    if reason := why_not():
        pytest.skip(reason)
    screen = Screen()
    yield screen
    screen.close()


@pytest.fixture(scope="session")
def program(screen: Screen) -> Iterator[Program]:
    """Krita with the plug-in, installed by `scumble install krita` into a fresh home."""
    folder = Path(tempfile.mkdtemp(prefix="sk-", dir="/tmp"))  # short: sockets lie there
    prepare_home(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            patch.delenv(name, raising=False)
        installer.install(lambda sentence: None)
    program = Program(folder, screen)
    try:
        program.start()
        yield program
        code = program.quit()
        assert code == 0, f"Krita ended with {code}"
    finally:
        program.end()
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        log = folder / "krita.log"
        if log.exists():
            shutil.copy(log, ARTIFACTS / "krita.log")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def krita(program: Program) -> Iterator[Program]:
    """The running Krita with no document open."""
    program.begin_empty()
    yield program
    if program.alive():
        program.close_all()


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    """The plug-in imported under PyQt6, with a stand-in for Krita, on no screen."""
    pytest.importorskip("PyQt6.QtWidgets", reason="PyQt6 is missing: pip install PyQt6", exc_type=ImportError)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PyQt6.QtWidgets import QApplication

    application = QApplication.instance() or QApplication([])
    here = use()
    import_module("scumble_krita")
    yield here
    del application
