"""Every kind of picture file comes in whole, upright and at its depth, or is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from engine.headless.pictures import SRGB_PROFILE, noise, save, save_pillow
from PIL import Image
from scumble_engine.headless.imagefile import read_raster
from scumble_protocol.errors import RequestError


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_come_in_bit_for_bit_with_their_profile(
    tmp_path: Path, suffix: str, channels: int, dtype: type
) -> None:
    samples = noise(9, 14, channels, dtype)
    raster = read_raster(save(tmp_path / f"a{suffix}", samples, SRGB_PROFILE))
    assert raster.samples.dtype == dtype
    assert np.array_equal(raster.samples[..., :channels], samples)
    assert raster.opaque == (channels == 3)
    assert (raster.samples[..., 3] == np.iinfo(dtype).max).all() or channels == 4
    assert (raster.space, raster.icc) == ("icc", SRGB_PROFILE)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_float_tiff_is_linear_light_and_says_so(tmp_path: Path, dtype: type) -> None:
    samples = noise(5, 6, 3, dtype) * 3 - 1
    raster = read_raster(save(tmp_path / "a.tif", samples.astype(dtype)))
    assert np.array_equal(raster.samples[..., :3], samples.astype(dtype))
    assert (raster.samples[..., 3] == 1).all()
    assert raster.space == "srgb-linear"
    assert "linear light" in raster.notes[0]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_lossless_webp(tmp_path: Path, mode: str) -> None:
    samples = noise(8, 8, len(mode))
    samples[..., -1] |= 1
    path = save_pillow(tmp_path / "a.webp", Image.fromarray(samples, mode), lossless=True, exact=True)
    assert np.array_equal(read_raster(path).samples[..., : len(mode)], samples)


TURNED = {
    1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: np.rot90,
}  # fmt: skip


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    samples = noise(4, 7)
    exif = Image.Exif()
    exif[0x0112] = orientation
    png = save_pillow(tmp_path / "a.png", Image.fromarray(samples), exif=exif)
    jpeg = save_pillow(tmp_path / "a.jpg", Image.fromarray(samples), exif=exif, quality=95)
    tifffile.imwrite(
        tmp_path / "a.tif", samples, photometric="rgb", metadata=None, extratags=[(274, "H", 1, orientation, True)]
    )
    upright = TURNED[orientation](samples)
    for path in (png, tmp_path / "a.tif"):
        assert np.array_equal(read_raster(path).samples[..., :3], upright)
    with Image.open(jpeg) as image:
        assert np.array_equal(read_raster(jpeg).samples[..., :3], TURNED[orientation](np.asarray(image)))


def test_gray_is_converted_with_its_values_kept(tmp_path: Path) -> None:
    gray = noise(6, 5, 1, np.uint16)[..., 0]
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(gray))
    tifffile.imwrite(tmp_path / "a.tif", gray, photometric="minisblack", metadata=None)
    for path in (tmp_path / "a.png", tmp_path / "a.tif"):
        raster = read_raster(path)
        assert (raster.samples[..., :3] == gray[..., None]).all()
        assert "gray picture was converted" in raster.notes[0]


def test_a_bilevel_and_an_inverted_gray_tiff(tmp_path: Path) -> None:
    bits = noise(6, 16, 1)[..., 0] > 127
    tifffile.imwrite(tmp_path / "bits.tif", bits, photometric="minisblack", metadata=None)
    assert np.array_equal(read_raster(tmp_path / "bits.tif").samples[..., 0], bits * np.uint8(255))
    gray = noise(6, 5, 1)[..., 0]
    tifffile.imwrite(tmp_path / "white.tif", gray, photometric="miniswhite", metadata=None)
    assert np.array_equal(read_raster(tmp_path / "white.tif").samples[..., 0], 255 - gray)


def test_a_palette_is_converted_with_its_transparency(tmp_path: Path) -> None:
    image = Image.fromarray(noise(8, 8)).quantize(16)
    expected = np.asarray(image.convert("RGB"))
    path = save_pillow(tmp_path / "a.png", image, transparency=3)
    raster = read_raster(path)
    assert np.array_equal(raster.samples[..., :3], expected)
    assert np.array_equal(raster.samples[..., 3] == 0, np.asarray(image) == 3)
    assert "palette" in raster.notes[0]
    tiff = read_raster(save_pillow(tmp_path / "a.tif", image))
    assert np.array_equal(tiff.samples[..., :3], expected)


def test_a_transparent_colour_of_a_16_bit_png_becomes_alpha(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", noise(4, 4, 3, np.uint16))
    data = path.read_bytes()
    color = noise(4, 4, 3, np.uint16)[1, 2]
    import struct
    import zlib

    content = b"tRNS" + struct.pack(">3H", *color)
    chunk = struct.pack(">I", 6) + content + struct.pack(">I", zlib.crc32(content))
    path.write_bytes(data[:33] + chunk + data[33:])
    alpha = read_raster(path).samples[..., 3]
    assert alpha[1, 2] == 0
    assert (alpha == 65535).sum() == 15


def test_premultiplied_alpha_becomes_straight(tmp_path: Path) -> None:
    straight = np.array([[[200, 100, 50, 128], [10, 20, 30, 255], [0, 0, 0, 0]]], np.uint8)
    premultiplied = straight.copy()
    premultiplied[..., :3] = np.rint(straight[..., :3] * (straight[..., 3:] / 255))
    tifffile.imwrite(tmp_path / "a.tif", premultiplied, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    raster = read_raster(tmp_path / "a.tif")
    assert np.abs(raster.samples.astype(int) - straight).max() <= 1
    assert "premultiplied" in raster.notes[0]


def test_planar_and_tiled_and_many_paged_tiff(tmp_path: Path) -> None:
    samples = noise(40, 50, 3, np.uint16)
    tifffile.imwrite(
        tmp_path / "planar.tif", np.moveaxis(samples, -1, 0), photometric="rgb", planarconfig="separate", metadata=None
    )
    tifffile.imwrite(
        tmp_path / "tiled.tif", samples, photometric="rgb", tile=(16, 16), compression="lzw", metadata=None
    )
    with tifffile.TiffWriter(tmp_path / "pages.tif") as writer:
        writer.write(samples, photometric="rgb", metadata=None)
        writer.write(samples[:3], photometric="rgb", metadata=None)
    for name in ("planar", "tiled", "pages"):
        assert np.array_equal(read_raster(tmp_path / f"{name}.tif").samples[..., :3], samples)
    assert "first page" in read_raster(tmp_path / "pages.tif").notes[0]


@pytest.mark.parametrize("size", [(1, 1), (20_000, 50)])
def test_extreme_sizes_come_in(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save_pillow(tmp_path / "a.png", Image.new("RGB", size, (1, 2, 3)))
    assert read_raster(path).samples.shape == (size[1], size[0], 4)


def refusal(path: Path) -> str:
    with pytest.raises(RequestError) as caught:
        read_raster(path)
    assert str(path) in caught.value.sentence
    assert "\n" not in caught.value.sentence
    return caught.value.sentence


def test_what_is_not_there_or_no_picture(tmp_path: Path) -> None:
    assert "no file" in refusal(tmp_path / "none.png")
    assert "is a folder" in refusal(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    assert "is empty" in refusal(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("hello, this is no picture")
    assert "is not a PNG, JPEG" in refusal(tmp_path / "text.png")
    gif = save_pillow(tmp_path / "a.gif", Image.new("P", (4, 4)))
    assert "is not a PNG, JPEG" in refusal(gif)


@pytest.mark.parametrize("name", ["a.png", "a16.png", "a.jpg", "a.webp", "a.tif", "packed.tif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, share: float) -> None:
    path, samples = tmp_path / name, noise(64, 64)
    if name == "a16.png":
        save(path, noise(64, 64, 3, np.uint16))
    elif name == "packed.tif":
        tifffile.imwrite(path, samples, photometric="rgb", compression="zlib", metadata=None)
    elif name == "a.tif":
        tifffile.imwrite(path, samples, photometric="rgb", metadata=None)
    else:
        Image.fromarray(samples).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: max(20, int(len(data) * share))])
    assert "damaged or cut short" in refusal(path)


def test_cmyk_and_other_models_are_refused_in_words(tmp_path: Path) -> None:
    jpeg = save_pillow(tmp_path / "a.jpg", Image.new("CMYK", (8, 8)))
    tiff = save_pillow(tmp_path / "a.tif", Image.new("CMYK", (8, 8)))
    lab = save_pillow(tmp_path / "lab.tif", Image.new("LAB", (8, 8)))
    assert "CMYK picture; convert it to RGB" in refusal(jpeg)
    assert "CMYK picture; convert it to RGB" in refusal(tiff)
    assert "Lab picture; convert it to RGB" in refusal(lab)


@pytest.mark.parametrize("dtype", [np.float64, np.uint32, np.int16, np.complex64])
def test_samples_of_other_types_are_refused_in_words(tmp_path: Path, dtype: type) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), dtype), metadata=None)
    assert "save it" in refusal(tmp_path / "a.tif")


def test_a_profile_of_another_model_is_left_out_and_said(tmp_path: Path) -> None:
    gray_profile = SRGB_PROFILE[:16] + b"GRAY" + SRGB_PROFILE[20:]
    raster = read_raster(save(tmp_path / "a.png", noise(4, 4), gray_profile))
    assert (raster.space, raster.icc) == ("srgb", b"")
    assert "profile does not fit" in raster.notes[0]
