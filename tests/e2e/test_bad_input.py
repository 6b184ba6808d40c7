"""Everything that a painter can get wrong on the command line: one sentence, a code that is not 0, and nothing changed."""

from __future__ import annotations

import resource
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from e2e.terminal import Terminal
from engine.headless.pictures import noise, plan_for, save, soft_patch
from PIL import Image
from scumble_engine.headless.host import FileHost
from scumble_engine.headless.sources import open_source

NOWHERE = "never-there"


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A folder of good and bad files, and no engine: all of this must be found out before one is needed."""
    files = tmp_path_factory.mktemp("bad")
    terminal = Terminal(files, tmp_path_factory.mktemp("run"))
    terminal.environment["SCUMBLE_ENGINE"] = str(files / NOWHERE)
    _write_good(files)
    _write_bad(files)
    return terminal


def _write_good(files: Path) -> None:
    save(files / "ok.png", noise(60, 80))
    strokes = np.zeros((60, 80, 4), np.uint8)
    save(files / "empty.png", strokes)
    strokes[20:30, 20:30] = 255
    save(files / "strokes.png", strokes)
    Image.new("L", (80, 60), 255).save(files / "white.png")
    save(files / "float.tif", noise(60, 80, 3, np.float32))
    plan = plan_for(soft_patch(9, 9), 3, 3, recipe="{damaged")
    FileHost(open_source(files / "ok.png"), files / "ok.ora").place(plan)


def _write_bad(files: Path) -> None:
    whole = (files / "ok.png").read_bytes()
    (files / "cut.png").write_bytes(whole[: len(whole) // 2])
    (files / "cut.ora").write_bytes((files / "ok.ora").read_bytes()[:900])
    Image.fromarray(noise(60, 80)).save(files / "whole.jpg")
    (files / "cut.jpg").write_bytes((files / "whole.jpg").read_bytes()[:700])
    tifffile.imwrite(files / "whole.tif", noise(60, 80), photometric="rgb", compression="zlib", metadata=None)
    (files / "cut.tif").write_bytes((files / "whole.tif").read_bytes()[:3000])
    (files / "text.png").write_text("not a picture")
    (files / "nothing.png").write_bytes(b"")
    (files / "folder").mkdir()
    Image.new("CMYK", (80, 60)).save(files / "cmyk.jpg")
    Image.new("LAB", (80, 60)).save(files / "lab.tif")
    save(files / "small.png", noise(6, 8, 4))
    with zipfile.ZipFile(files / "other.ora", "w") as archive:
        archive.writestr("mimetype", "application/x-krita")
    (files / "taken.png").write_bytes(b"somebody else's")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


ERASE = "--subtract strokes.png"
PULL = "--drag 20,20:40,20"
REFUSED = [
    # what is to be edited
    (f"edit gone.png out.ora {ERASE}", "There is no file gone.png"),
    (f"edit folder out.ora {ERASE}", "is a folder"),
    (f"edit nothing.png out.ora {ERASE}", "is empty"),
    (f"edit text.png out.ora {ERASE}", "is not a PNG, JPEG, WebP, TIFF or OpenRaster picture"),
    (f"edit cut.png out.ora {ERASE}", "damaged or cut short"),
    (f"edit cut.jpg out.ora {ERASE}", "damaged or cut short"),
    (f"edit cut.tif out.ora {ERASE}", "damaged or cut short"),
    (f"edit cut.ora out.ora {ERASE}", "damaged or cut short"),
    (f"edit other.ora out.ora {ERASE}", "not an OpenRaster picture"),
    (f"edit cmyk.jpg out.ora {ERASE}", "CMYK picture; convert it to RGB"),
    (f"edit lab.tif out.ora {ERASE}", "Lab picture; convert it to RGB"),
    # where it is to go
    (f"edit ok.png gone/out.ora {ERASE}", "The folder gone does not exist"),
    (f"edit ok.png /proc/out.ora {ERASE}", "can't be written"),
    (f"edit ok.png folder {ERASE}", "must end in .ora"),
    (f"edit ok.png out.jpg {ERASE}", "must end in .ora"),
    (f"edit ok.png taken.png {ERASE}", "is there already"),
    (f"edit ok.png ok.png {ERASE}", "is there already"),
    (f"edit float.tif out.ora {ERASE}", "write to a .tif"),
    # cues
    ("edit ok.png out.ora", "Nothing was asked for"),
    ("edit ok.png out.ora --mask white.png", "Nothing was asked for"),
    ("edit ok.png out.ora --subtract empty.png", "The subtract strokes are empty"),
    ("edit ok.png out.ora --subtract ok.png", "no transparency"),
    ("edit ok.png out.ora --subtract small.png", "8×6 pixels, but the picture is 80×60"),
    (f"edit ok.png out.ora {ERASE} --mask small.png", "8×6 pixels, but the picture is 80×60"),
    (f"edit ok.png out.ora {ERASE} --mask gone.png", "There is no file gone.png"),
    ("edit ok.png out.ora --drag 20,20:90,20", "Handle 1 leaves the picture at 90,20"),
    ("edit ok.png out.ora --drag -5,20:30,20", "Handle 1 leaves the picture at -5,20"),
    ("edit ok.png out.ora --drag nan,20:30,20", "Handle 1 leaves the picture"),
    ("edit ok.png out.ora --drag 20,20:20,20", "Handle 1 ends where it starts"),
    (f"edit ok.png out.ora {PULL} --drag 20,20:20,40", "start on the same pixel"),
    ("edit ok.png out.ora --drag 20,20", "is not X,Y:X,Y"),
    ("edit ok.png out.ora --drag a,b:c,d", "is not X,Y:X,Y"),
    ("edit ok.png out.ora --say hi --from a --to b", "not both"),
    ("edit ok.png out.ora --from apple", "go together"),
    (f"edit ok.png out.ora --say {'very' * 7500}", "30,000 characters"),
    # settings
    (f"edit ok.png out.ora {PULL} --seed many", "'many' is not a valid integer"),
    (f"edit ok.png out.ora {PULL} --seed -1", "The seed is a whole number from 0"),
    (f"edit ok.png out.ora {PULL} --seed 99999999999", "The seed is a whole number from 0"),
    (f"edit ok.png out.ora {PULL} --strength 1.5", "Strength is a number from 0 to 1"),
    (f"edit ok.png out.ora {PULL} --strength nan", "Strength is a number from 0 to 1"),
    (f"edit ok.png out.ora {PULL} --steps -3", "Steps are a number from"),
    (f"edit ok.png out.ora {PULL} --steps 2.5", "is not a valid integer"),
    (f"edit ok.png out.ora {PULL} --feather -1", "The feather is"),
    (f"edit ok.png out.ora {PULL} --method magic", "is not one of"),
    # the rest
    ("rerun ok.ora --layer Nobody", "has no layer “Nobody”; it has “Erase”, “ok”"),
    ("rerun ok.ora --layer ok", "carries no recipe"),
    ("rerun ok.ora --layer Erase", "recipe is damaged"),
    ("rerun ok.png --layer Erase", "has no layers"),
    ("rerun gone.ora --layer Erase", "There is no file gone.ora"),
    ("rerun ok.ora", "Missing option '--layer'"),
    ("models pull nobody-knows-it", "No model is called 'nobody-knows-it'"),
    ("engine --device tpu", "The device 'tpu' is not known"),
    ("engine --listen tcp://0.0.0.0:5555", "Other machines could reach"),
    ("engine --listen nonsense", "can't listen at 'nonsense'"),
    ("engine --idle-exit -1", "a number of seconds above 0"),
    ("install photoshop", "is not one of"),
    ("frobnicate", "No such command"),
    ("edit ok.png out.ora --frob", "No such option"),
    # and an engine that can't be found at all, when all else is well
    (f"edit ok.png out.ora {ERASE}", "The engine could not be started"),
]


@pytest.mark.parametrize(("line", "words"), REFUSED, ids=[line[:60] for line, _ in REFUSED])
def test_one_sentence_and_nothing_changed(terminal: Terminal, line: str, words: str) -> None:
    before = contents(terminal.files)
    said = terminal(*line.split())
    assert said.code in (1, 2, 3)
    assert words in said.sentence
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert contents(terminal.files) == before


# ---- a full disk, seen from where the layer is placed ---------------------------------------------------------------

PLACE = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from engine.headless.pictures import plan_for, soft_patch
from scumble_engine.headless.host import FileHost
from scumble_engine.headless.sources import open_source
from scumble_protocol.errors import RequestError
try:
    FileHost(open_source(Path("ok.png")), Path({out!r}), force=True).place(plan_for(soft_patch(9, 9), 3, 3))
except RequestError as error:
    sys.exit(error.code + ": " + error.sentence)
"""


def place(terminal: Terminal, out: Path, **options: object) -> subprocess.CompletedProcess[str]:
    import sys

    script = PLACE.format(tests=str(Path(__file__).parents[1]), out=str(out))
    return subprocess.run(
        [sys.executable, "-c", script], cwd=terminal.files, capture_output=True, text=True, check=False, **options
    )


@pytest.mark.parametrize("suffix", [".ora", ".png", ".tif"])
def test_a_file_that_grows_beyond_its_limit_leaves_the_old_one(terminal: Terminal, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    out.write_bytes(b"before")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = place(terminal, out, preexec_fn=limit)
    assert done.stderr.startswith("disk-full: There is no room on the disk")
    assert "Traceback" not in done.stderr
    assert out.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [out]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tiny file system needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_really_full_disk_leaves_the_old_file(terminal: Terminal, tiny_disk: Path) -> None:
    out = tiny_disk / "out.png"
    out.write_bytes(b"before")
    done = place(terminal, out)
    assert done.stderr.startswith("disk-full: There is no room on the disk")
    assert out.read_bytes() == b"before"
    assert list(tiny_disk.iterdir()) == [out]
