"""Putting the plug-in into Krita's folders, taking it out, and packing it: in homes of our own, without Krita."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from scumble_engine import install
from scumble_engine.install import krita
from scumble_protocol.client.launcher import engine_command
from scumble_protocol.errors import RequestError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's folders")

RC = "[advancedColorSelector]\nshadeSelectorType=MyPaint\n\n[python]\nenable_tenbrushes=true\n\n[theme]\nTheme=Krita dark\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home where Krita was started once."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "SCUMBLE_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    (tmp_path / ".local" / "share" / "krita").mkdir(parents=True)
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "kritarc").write_text(RC)
    return tmp_path


def said(act: str) -> list[str]:
    sentences: list[str] = []
    getattr(install, act)("krita", sentences.append)
    return sentences


def test_install_copies_the_plug_in_switches_it_on_and_says_where_the_engine_is(home: Path) -> None:
    sentences = said("install")
    pykrita = home / ".local" / "share" / "krita" / "pykrita"
    assert (pykrita / "scumble_krita.desktop").is_file()
    assert (pykrita / "scumble_krita" / "vendor" / "scumble_protocol" / "wire.py").is_file()
    assert (pykrita / "scumble_krita" / "vendor" / "spare" / "msgpack" / "fallback.py").is_file()
    assert not list(pykrita.rglob("__pycache__"))
    assert (home / ".config" / "kritarc").read_text() == RC.replace(
        "[python]\n", "[python]\nenable_scumble_krita=true\n"
    )
    assert engine_command() == [str(Path(sys.executable).with_name("scumble")), "engine"]
    assert any("Settings > Dockers > Scumble" in sentence for sentence in sentences)


def test_installing_twice_leaves_one_whole_plug_in_and_one_switch(home: Path) -> None:
    said("install")
    stale = home / ".local" / "share" / "krita" / "pykrita" / "scumble_krita" / "removed_since.py"
    stale.write_text("")
    said("install")
    assert not stale.exists()
    assert (home / ".config" / "kritarc").read_text().count("enable_scumble_krita") == 1
    assert [path.name for path in stale.parents[1].iterdir() if path.name.startswith(".")] == []


def test_uninstall_leaves_everything_as_it_was(home: Path) -> None:
    said("install")
    said("uninstall")
    pykrita = home / ".local" / "share" / "krita" / "pykrita"
    assert list(pykrita.iterdir()) == []
    assert (home / ".config" / "kritarc").read_text() == RC
    assert said("uninstall") == ["The plug-in is in no Krita of this user."]


def test_the_flatpak_gets_its_own_copy_and_a_word_about_its_walls(home: Path) -> None:
    sandbox = home / ".var" / "app" / "org.kde.krita"
    (sandbox / "data" / "krita").mkdir(parents=True)
    sentences = said("install")
    assert (sandbox / "data" / "krita" / "pykrita" / "scumble_krita" / "docker.py").is_file()
    assert "enable_scumble_krita=true" in (sandbox / "config" / "kritarc").read_text()
    assert any("flatpak override" in sentence for sentence in sentences)


def test_a_snap_gets_its_copy_where_it_looks_and_nothing_goes_where_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snaps = tmp_path / "snap-root"
    (snaps / "bin").mkdir(parents=True)
    (snaps / "krita").mkdir()
    (snaps / "bin" / "krita").write_text("")
    (snaps / "bin" / "krita").chmod(0o755)
    monkeypatch.setattr("scumble_engine.install.linux.SNAPS", (snaps,))
    monkeypatch.setenv("PATH", str(snaps / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    sentences = said("install")
    inside = tmp_path / "snap" / "krita" / "current"
    assert (inside / ".local" / "share" / "krita" / "pykrita" / "scumble_krita" / "docker.py").is_file()
    assert "enable_scumble_krita=true" in (inside / ".config" / "kritarc").read_text()
    assert not (tmp_path / ".local" / "share" / "krita").exists()
    assert any("SCUMBLE_RUNTIME_DIR=/run/user/7/snap.krita/scumble scumble engine" in line for line in sentences)


@pytest.mark.parametrize(
    ("platform", "data", "settings"),
    [
        ("darwin", "Library/Application Support/krita", "Library/Preferences/kritarc"),
        ("win32", "AppData/Roaming/krita", "AppData/Local/kritarc"),
    ],
)
def test_each_system_keeps_krita_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, data: str, settings: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / data).mkdir(parents=True)
    monkeypatch.setattr(sys, "platform", platform)

    krita.install(lambda sentence: None)

    assert (tmp_path / data / "pykrita" / "scumble_krita" / "__init__.py").is_file()
    assert "enable_scumble_krita=true" in (tmp_path / settings).read_text()


def test_no_krita_is_said_and_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RequestError, match="No Krita was found") as caught:
        krita.install(lambda sentence: None)
    assert caught.value.code == "no-host"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_changed(home: Path) -> None:
    pykrita = home / ".local" / "share" / "krita" / "pykrita"
    pykrita.write_text("a file where the folder should be")  # root may write anywhere, so a mode would not do
    with pytest.raises(RequestError, match="nothing was changed") as caught:
        krita.install(lambda sentence: None)
    assert caught.value.code == "not-writable"
    assert pykrita.read_text() == "a file where the folder should be"
    assert (home / ".config" / "kritarc").read_text() == RC


def test_settings_that_cannot_be_written_take_the_new_plug_in_back(home: Path) -> None:
    (home / ".config" / "kritarc").unlink()
    (home / ".config" / "kritarc.scumble").mkdir()  # where the new settings would be written first
    with pytest.raises(RequestError, match="settings"):
        krita.install(lambda sentence: None)
    assert list((home / ".local" / "share" / "krita" / "pykrita").iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[python]\nenable_scumble_krita=true\n"),
        ("[theme]\nTheme=x", "[theme]\nTheme=x\n\n[python]\nenable_scumble_krita=true\n"),
        ("[python]\nenable_scumble_krita=false\n", "[python]\nenable_scumble_krita=true\n"),
        ("[python]", "[python]\nenable_scumble_krita=true\n"),
    ],
)
def test_the_switch_is_set_in_any_settings(before: str, after: str) -> None:
    assert krita.with_setting(before, "true") == after


def test_the_bundle_is_what_kritas_importer_expects_and_imports_alone(tmp_path: Path) -> None:
    path = install.bundle("krita", tmp_path)
    assert path == tmp_path / "scumble_krita.zip"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert "scumble_krita/" in names  # Krita's importer takes the folder's own entry as the plug-in
    assert {name.partition("/")[0] for name in names} == {"scumble_krita.desktop", "scumble_krita"}
    vendor = tmp_path / "out" / "scumble_krita" / "vendor"
    # A Python that sees nothing but the bundle (-I -S: no site-packages) can speak the protocol.
    code = (
        f"import sys; sys.path[:0] = [{str(vendor)!r}]; sys.path.append({str(vendor / 'spare')!r}); "
        "from scumble_protocol import wire; from scumble_protocol.client import session, run, recipe; print(wire.__file__)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(vendor))
    assert install.bundle("krita", tmp_path).read_bytes() == path.read_bytes()


def test_an_unknown_host_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="use krita or gimp"):
        install.install("photoshop", print)
