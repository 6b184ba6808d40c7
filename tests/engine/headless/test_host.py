"""The host of the command line: what it reads, what it writes, and that a failure leaves everything as it was."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import tifffile
from engine.headless.pictures import SRGB_PROFILE, load, noise, plan_for, save, save_pillow, soft_patch
from PIL import Image
from scumble_engine.headless import atomic, pngchunks, tiff
from scumble_engine.headless.cues import CueFiles
from scumble_engine.headless.host import FileHost
from scumble_engine.headless.sources import open_source
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import Handle

PULL = Handle(Point(3, 3), Point(9, 3))


def host_for(image: Path, out: Path, cues: CueFiles | None = None, force: bool = False) -> FileHost:
    return FileHost(open_source(image), out, cues, force)


# ---- flat output ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_flat_output_keeps_size_depth_profile_and_every_pixel_outside(
    tmp_path: Path, suffix: str, channels: int, dtype: type
) -> None:
    samples = noise(30, 40, channels, dtype)
    image, out = save(tmp_path / f"a{suffix}", samples, SRGB_PROFILE), tmp_path / f"out{suffix}"
    layer = soft_patch(10, 12, dtype)
    host_for(image, out).place(plan_for(layer, 5, 7, SRGB_PROFILE, recipe='{"seed":7}'))
    written = load(out)
    assert (written.shape, written.dtype) == (samples.shape, np.dtype(dtype))
    kept = np.ones((30, 40), bool)
    kept[7:17, 5:17] = layer[..., 3] == 0
    assert np.array_equal(written[kept], samples[kept])
    covered = np.zeros((30, 40), bool)
    full = layer[..., 3] == np.iinfo(dtype).max
    covered[7:17, 5:17] = full
    assert np.array_equal(written[covered], layer[full][:, :channels])
    data = out.read_bytes()
    if suffix == ".png":
        assert pngchunks.profile(data) == SRGB_PROFILE
        assert pngchunks.text(data, pngchunks.RECIPE_KEY) == '{"seed":7}'
        with Image.open(out) as seen:  # an independent reader agrees on where profile and text are
            assert seen.info["icc_profile"] == SRGB_PROFILE
            assert seen.text["scumble-recipe"] == '{"seed":7}'
    else:
        assert tiff.read_recipe(data) == '{"seed":7}'
        with tifffile.TiffFile(out) as file:
            assert file.pages[0].iccprofile == SRGB_PROFILE


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_float_output_is_tiff_and_exact_outside(tmp_path: Path, dtype: type) -> None:
    samples = (noise(30, 40, 3, dtype) * 4 - 1).astype(dtype)
    layer = soft_patch(10, 12, dtype)
    host_for(save(tmp_path / "a.tif", samples), tmp_path / "out.tif").place(plan_for(layer, 5, 7))
    written = load(tmp_path / "out.tif")
    assert written.dtype == dtype
    kept = np.ones((30, 40), bool)
    kept[7:17, 5:17] = layer[..., 3] == 0
    assert np.array_equal(written[kept], samples[kept])


def test_a_jpeg_to_png_and_an_ora_to_tiff(tmp_path: Path) -> None:
    jpeg = save_pillow(tmp_path / "a.jpg", Image.fromarray(noise(30, 40)), quality=90)
    host_for(jpeg, tmp_path / "a.ora").place(plan_for(soft_patch(10, 12), 5, 7))
    host_for(tmp_path / "a.ora", tmp_path / "a.tif").place(plan_for(soft_patch(3, 3), 0, 0))
    host_for(jpeg, tmp_path / "a.png").place(plan_for(soft_patch(10, 12), 5, 7))
    flat = load(tmp_path / "a.png")
    assert np.array_equal(load(tmp_path / "a.tif")[4:], flat[4:])
    assert flat.shape == (30, 40, 3)


# ---- reading --------------------------------------------------------------------------------------------------------


def test_a_snapshot_holds_picture_and_cues_of_the_crop(tmp_path: Path) -> None:
    samples = noise(30, 40)
    mask = np.zeros((30, 40), np.uint8)
    mask[10:20, 10:20] = 255
    stroke = np.zeros((30, 40, 4), np.uint8)
    stroke[12:14, 12:15] = (9, 8, 7, 200)
    stroke[0, 0] = (255, 255, 255, 0)  # invisible white is no stroke
    cues = CueFiles(
        (PULL,),
        color=save(tmp_path / "c.png", stroke),
        subtract=save(tmp_path / "s.png", stroke),
        mask=save_pillow(tmp_path / "m.png", Image.fromarray(mask)),
    )
    host = host_for(save(tmp_path / "a.png", samples), tmp_path / "o.ora", cues)
    marks = host.marks()
    assert marks.mask == Bounds(10, 10, 10, 10)
    assert marks.color == marks.subtract == Bounds(12, 12, 3, 2)
    assert (marks.add, marks.grab, marks.handles) == (None, None, (PULL,))
    snapshot = host.read(host.canvas(), Bounds(10, 5, 8, 9))
    read = np.frombuffer(snapshot.picture.plane.data, np.uint8).reshape(9, 8, 4)
    assert np.array_equal(read[..., :3], samples[5:14, 10:18])
    assert snapshot.subtract.data == stroke[5:14, 10:18, 3].tobytes()
    assert snapshot.color.data == stroke[5:14, 10:18].tobytes()
    assert snapshot.mask.data == mask[5:14, 10:18].tobytes()


def test_a_16_bit_coloured_mask_with_alpha_counts_by_what_is_seen(tmp_path: Path) -> None:
    mask = np.zeros((4, 4, 4), np.uint16)
    mask[0, 0] = (65535, 65535, 65535, 65535)
    mask[0, 1] = (65535, 65535, 65535, 32768)
    mask[0, 2] = (0, 65535, 0, 65535)
    mask[0, 3] = (65535, 65535, 65535, 0)
    path = save(tmp_path / "m.png", mask)
    host = host_for(save(tmp_path / "a.png", noise(4, 4)), tmp_path / "o.ora", CueFiles((PULL,), mask=path))
    plane = host.read(host.canvas(), Bounds(0, 0, 4, 1)).mask
    assert list(plane.data) == [255, 128, 182, 0]


def test_a_mask_of_another_size_and_strokes_without_alpha_are_refused(tmp_path: Path) -> None:
    image, flat = save(tmp_path / "a.png", noise(30, 40)), save(tmp_path / "s.png", noise(30, 40))
    small = save(tmp_path / "small.png", noise(3, 4, 4))
    with pytest.raises(RequestError, match="4×3 pixels, but the picture is 40×30"):
        host_for(image, tmp_path / "o.ora", CueFiles(mask=small))
    with pytest.raises(RequestError, match="no transparency"):
        host_for(image, tmp_path / "o.ora", CueFiles(subtract=flat))


# ---- where it writes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("o.jpg", "must end in .ora"),
        ("o", "must end in .ora"),
        ("no/o.ora", "does not exist"),
        ("d.ora", "is a folder"),
    ],
)
def test_an_out_that_cant_be_is_refused_before_any_work(tmp_path: Path, out: str, words: str) -> None:
    (tmp_path / "d.ora").mkdir()
    with pytest.raises(RequestError, match=words):
        host_for(save(tmp_path / "a.png", noise(4, 4)), tmp_path / out)


def test_float_samples_can_only_go_to_tiff(tmp_path: Path) -> None:
    image = save(tmp_path / "a.tif", noise(4, 4, 3, np.float32))
    for name in ("o.ora", "o.png"):
        with pytest.raises(RequestError, match=r"write to a \.tif"):
            host_for(image, tmp_path / name)


def test_what_is_there_is_only_replaced_when_forced_or_an_ora_onto_itself(tmp_path: Path) -> None:
    image, other = save(tmp_path / "a.png", noise(30, 40)), tmp_path / "o.ora"
    host_for(image, other).place(plan_for(soft_patch(5, 5), 1, 1))
    for out in (image, other):
        with pytest.raises(RequestError, match="there already"):
            host_for(image, out)
    host_for(other, other).place(plan_for(soft_patch(5, 5), 1, 1))
    host_for(image, other, force=True).place(plan_for(soft_patch(5, 5), 2, 2))
    assert open_source(other).bounds == Bounds(0, 0, 40, 30)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_failing_disk_leaves_what_was_there(tmp_path: Path, number: int) -> None:
    target = tmp_path / "o.ora"
    target.write_bytes(b"before")

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(number, "the disk says no")

    with pytest.raises(RequestError, match="nothing was") as caught:
        atomic.write_whole(target, fail)
    assert (caught.value.code == "disk-full") == (number != errno.EIO)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "o.ora"
    target.write_bytes(b"before")

    def interrupt(file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic.write_whole(target, interrupt)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    atomic.write_whole(tmp_path / "o.png", lambda file: atomic.write_bytes(file, b"x"))
    assert (tmp_path / "o.png").stat().st_mode == (tmp_path / "plain").stat().st_mode
