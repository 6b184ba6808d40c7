"""Installing into GIMP: the right folders on each system, all or nothing, and a plug-in that needs nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from scumble_engine.install import gimp
from scumble_protocol.errors import RequestError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without GIMP, on Linux."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", str(folder))
    for name in ("GIMP3_DIRECTORY", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return folder


def installed(home: Path) -> list[str]:
    said: list[str] = []
    gimp.install(said.append)
    return said


def made(home: Path, *parts: str) -> Path:
    folder = home.joinpath(*parts)
    folder.mkdir(parents=True)
    return folder


def test_every_gimp_3_of_the_user_gets_the_plug_in(home: Path) -> None:
    folders = [made(home, ".config", "GIMP", "3.0"), made(home, ".config", "GIMP", "3.2")]
    made(home, ".config", "GIMP", "2.10")

    said = installed(home)

    for folder in folders:
        script = folder / "plug-ins" / "scumble-gimp" / "scumble-gimp.py"
        assert script.stat().st_mode & stat.S_IXUSR
        assert (script.parent / "vendor" / "scumble_protocol" / "client" / "host.py").exists()
        assert (script.parent / "vendor" / "spare" / "msgpack" / "fallback.py").exists()
        assert not list(script.parent.rglob("__pycache__"))
    assert not (home / ".config" / "GIMP" / "2.10" / "plug-ins").exists()
    assert said[-1] == "Restart GIMP; you find it under Filters > Scumble."


@pytest.mark.parametrize(
    ("platform", "parts"),
    [
        ("linux", (".var", "app", "org.gimp.GIMP", "config", "GIMP", "3.0")),
        ("darwin", ("Library", "Application Support", "GIMP", "3.0")),
        ("win32", ("AppData", "Roaming", "GIMP", "3.0")),
    ],
)
def test_each_system_keeps_plug_ins_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, parts: tuple[str, ...]
) -> None:
    folder = made(home, *parts)
    monkeypatch.setattr(sys, "platform", platform)

    said = installed(home)

    assert (folder / "plug-ins" / "scumble-gimp" / "scumble-gimp.py").exists()
    assert any("flatpak override" in line for line in said) == (".var" in parts)


def test_a_gimp_that_was_never_started_gets_its_folder(home: Path) -> None:
    program = home / "gimp-3.0"
    program.write_text("")
    program.chmod(0o755)

    installed(home)

    assert (home / ".config" / "GIMP" / "3.0" / "plug-ins" / "scumble-gimp" / "scumble-gimp.py").exists()


def test_gimp_can_be_told_where_its_settings_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIMP3_DIRECTORY", str(home / "elsewhere"))
    installed(home)
    assert (home / "elsewhere" / "plug-ins" / "scumble-gimp" / "scumble-gimp.py").exists()


def test_no_gimp_is_one_sentence(home: Path) -> None:
    with pytest.raises(RequestError, match="No GIMP 3 was found for this user"):
        installed(home)


def test_a_folder_that_cannot_be_written_is_one_sentence_and_nothing_changes(home: Path) -> None:
    folder = made(home, ".config", "GIMP", "3.0")
    (folder / "plug-ins").write_text("not a folder")

    with pytest.raises(RequestError, match=r"can't be written to .*plug-ins .*; nothing was changed"):
        installed(home)

    assert [path.name for path in folder.iterdir()] == ["plug-ins"]


def test_installing_again_replaces_all_of_the_old_version(home: Path) -> None:
    folder = made(home, ".config", "GIMP", "3.0", "plug-ins")
    installed(home)
    (folder / "scumble-gimp" / "left_over.py").write_text("old")

    installed(home)

    assert [path.name for path in folder.iterdir()] == ["scumble-gimp"]
    assert not (folder / "scumble-gimp" / "left_over.py").exists()


def test_uninstalling_leaves_other_plug_ins_alone(home: Path) -> None:
    folder = made(home, ".config", "GIMP", "3.0", "plug-ins")
    installed(home)
    (folder / "theirs").mkdir()
    said: list[str] = []

    gimp.uninstall(said.append)
    gimp.uninstall(said.append)

    assert [path.name for path in folder.iterdir()] == ["theirs"]
    assert said[-1] == "The plug-in is in no GIMP 3 of this user."


def test_the_bundle_unpacks_to_a_plug_in_that_gimp_can_start(tmp_path: Path) -> None:
    path = gimp.bundle(tmp_path)

    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("scumble-gimp/scumble-gimp.py")
        names = archive.namelist()

    assert path.name == "scumble-gimp.zip"
    assert entry.external_attr >> 16 & 0o111
    assert "scumble-gimp/vendor/scumble_protocol/wire.py" in names
    assert all(name.startswith("scumble-gimp/") and ".." not in name for name in names)


def test_a_python_without_pyzmq_and_msgpack_can_speak_to_the_engine(tmp_path: Path) -> None:
    gimp.copy_plug_in(tmp_path / "plug-in")
    vendor = tmp_path / "plug-in" / "vendor"
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import msgpack, scumble_protocol.wire, scumble_protocol.client.session, scumble_protocol.client.transport as t\n"
        "assert msgpack.Packer.__module__ == 'msgpack.fallback', msgpack.Packer.__module__\n"
        "assert not t.zmq_imports()\n"
    )

    bare = [sys.executable, "-I", "-S", "-c", code, str(vendor), str(vendor / "spare")]
    done = subprocess.run(bare, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})

    assert done.returncode == 0, done.stderr
