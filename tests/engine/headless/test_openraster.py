"""OpenRaster in and out: valid archives, layers untouched byte for byte, stacks composited as they say."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from engine.headless.pictures import SRGB_PROFILE, noise, plan_for, save, soft_patch
from PIL import Image
from scumble_engine.headless.atomic import write_whole
from scumble_engine.headless.encode import encode_png
from scumble_engine.headless.imagefile import decode_png
from scumble_engine.headless.openraster import OpenRasterFile
from scumble_engine.headless.raster import Raster, Samples, flattened
from scumble_engine.headless.sources import LayeredSource, PictureSource
from scumble_protocol.client.host import LayerPlan
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds


def make_ora(
    path: Path, stack: str, layers: dict[str, Samples], size: tuple[int, int] = (12, 10), icc: bytes = b""
) -> Path:
    """Write an archive as another program would: only what the format asks for."""
    width, height = size
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", f'<?xml version="1.0"?><image w="{width}" h="{height}">{stack}</image>')
        for name, samples in layers.items():
            opaque = samples.shape[2] == 3
            rgba = np.full((*samples.shape[:2], 4), np.iinfo(samples.dtype).max, samples.dtype)
            rgba[..., : samples.shape[2]] = samples
            archive.writestr(f"data/{name}.png", encode_png(Raster(rgba, "icc" if icc else "srgb", icc, opaque)))
    return path


def add(source: PictureSource | LayeredSource, out: Path, plan: LayerPlan) -> str:
    names: list[str] = []
    write_whole(out, lambda file: names.append(source.write_layered(file, plan)))
    return names[0]


def member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def merged(path: Path) -> Samples:
    return decode_png(member(path, "mergedimage.png")).samples


# ---- valid archives -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_new_archive_is_as_the_format_asks(tmp_path: Path, dtype: type) -> None:
    source = PictureSource(save(tmp_path / "photo.png", noise(300, 700, 3, dtype), SRGB_PROFILE))
    out = tmp_path / "out.ora"
    assert add(source, out, plan_for(soft_patch(20, 30, dtype), 5, 7, SRGB_PROFILE, recipe='{"a":1}')) == "Erase"
    with zipfile.ZipFile(out) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"image/openraster"
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names))
        image = ElementTree.fromstring(archive.read("stack.xml"))
        assert all(layer.get("src") in names for layer in image.iter("layer"))
        with Image.open(io.BytesIO(archive.read("Thumbnails/thumbnail.png"))) as thumbnail:
            assert thumbnail.size == (256, 110)
            assert thumbnail.mode in ("RGB", "RGBA")
    assert out.read_bytes()[30:54] == b"mimetypeimage/openraster"  # where file(1) and desktops look
    assert (image.tag, image.get("w"), image.get("h")) == ("image", "700", "300")
    top, bottom = image.find("stack")
    assert (top.get("name"), top.get("x"), top.get("y")) == ("Erase", "5", "7")
    assert bottom.get("name") == "photo"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_source_layer_is_the_files_own_bytes(tmp_path: Path, dtype: type) -> None:
    path = save(tmp_path / "photo.png", noise(30, 40, 3, dtype), SRGB_PROFILE)
    add(PictureSource(path), tmp_path / "out.ora", plan_for(soft_patch(10, 12, dtype), 5, 7, SRGB_PROFILE))
    assert member(tmp_path / "out.ora", "data/layer0.png") == path.read_bytes()


def test_a_tiff_becomes_a_16_bit_layer_without_loss(tmp_path: Path) -> None:
    samples = noise(30, 40, 4, np.uint16)
    path = save(tmp_path / "photo.tif", samples, SRGB_PROFILE)
    add(PictureSource(path), tmp_path / "out.ora", plan_for(soft_patch(10, 12, np.uint16), 5, 7, SRGB_PROFILE))
    layer = decode_png(member(tmp_path / "out.ora", "data/layer0.png"))
    assert np.array_equal(layer.samples, samples)
    assert layer.icc == SRGB_PROFILE


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_flattened_and_layered_output_show_the_same(tmp_path: Path, dtype: type) -> None:
    source = PictureSource(save(tmp_path / "photo.png", noise(30, 40, 3, dtype)))
    layer = soft_patch(10, 12, dtype)
    add(source, tmp_path / "out.ora", plan_for(layer, 35, 7))
    flat = flattened(source.raster, layer, Bounds(35, 7, 12, 10)).samples
    assert np.array_equal(merged(tmp_path / "out.ora"), flat)
    again = OpenRasterFile(tmp_path / "out.ora").stack.composite()
    assert np.array_equal(again.samples, flat)


def test_consecutive_edits_keep_all_that_was_there_byte_for_byte(tmp_path: Path) -> None:
    out = tmp_path / "out.ora"
    source = PictureSource(save(tmp_path / "photo.png", noise(30, 40)))
    add(source, out, plan_for(soft_patch(10, 12), 5, 7, recipe='{"first":1}'))
    before = {name: member(out, name) for name in zipfile.ZipFile(out).namelist()}
    assert add(LayeredSource(out), out, plan_for(soft_patch(9, 9), 1, 2, recipe='{"second":2}')) == "Erase 2"
    changed = {"stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"}
    for name, content in before.items():
        assert (member(out, name) == content) or name in changed
    file = OpenRasterFile(out)
    assert file.stack.names() == ["Erase 2", "Erase", "photo"]
    assert file.recipe(file.stack.layer("Erase 2")) == '{"second":2}'
    assert file.recipe(file.stack.layer("Erase")) == '{"first":1}'


def test_the_same_edit_gives_the_same_file(tmp_path: Path) -> None:
    source = PictureSource(save(tmp_path / "photo.png", noise(30, 40)))
    for name in ("one.ora", "two.ora"):
        add(source, tmp_path / name, plan_for(soft_patch(10, 12), 5, 7))
    assert (tmp_path / "one.ora").read_bytes() == (tmp_path / "two.ora").read_bytes()


def test_a_rerun_reads_what_lay_beneath_and_takes_the_old_layers_place(tmp_path: Path) -> None:
    out, photo = tmp_path / "out.ora", noise(30, 40)
    add(PictureSource(save(tmp_path / "photo.png", photo)), out, plan_for(soft_patch(10, 12), 5, 7))
    add(LayeredSource(out), out, plan_for(soft_patch(9, 9), 1, 2, name="Drag 1 handle"))
    beneath = LayeredSource(out, "Erase")
    assert np.array_equal(beneath.flat().samples[..., :3], photo)
    assert add(beneath, out, plan_for(soft_patch(10, 12), 5, 7)) == "Erase 2"
    stack = OpenRasterFile(out).stack
    assert stack.names() == ["Drag 1 handle", "Erase 2", "Erase", "photo"]
    assert [layer.get("visibility") for layer in stack.root] == ["visible", "visible", "hidden", "visible"]


# ---- other programs' stacks -----------------------------------------------------------------------------------------

RED, BLUE = np.zeros((10, 12, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)
RED[:] = (200, 0, 0, 255)
BLUE[:] = (0, 0, 100, 255)


def shown(path: Path) -> Samples:
    return LayeredSource(path).flat().samples


def test_offset_opacity_and_visibility(tmp_path: Path) -> None:
    stack = """<stack>
      <layer name="c" src="data/blue.png" visibility="hidden"/>
      <layer name="b" src="data/blue.png" x="10" y="-2" opacity="0.5"/>
      <layer name="a" src="data/red.png"/></stack>"""
    expected = RED.copy()
    expected[:2, 10:] = (100, 0, 50, 255)
    assert np.array_equal(shown(make_ora(tmp_path / "a.ora", stack, {"red": RED, "blue": BLUE})), expected)


def test_a_group_is_composited_before_its_opacity(tmp_path: Path) -> None:
    stack = """<stack><stack opacity="0.5">
        <layer name="b" src="data/blue.png"/><layer name="b2" src="data/blue.png"/></stack>
      <layer name="a" src="data/red.png"/></stack>"""
    expected = RED.copy()
    expected[:4, :4] = (100, 0, 50, 255)  # not 3/4 blue, as two layers of half opacity would give
    assert np.array_equal(shown(make_ora(tmp_path / "a.ora", stack, {"red": RED, "blue": BLUE})), expected)


def test_a_hidden_group_hides_its_layers(tmp_path: Path) -> None:
    stack = """<stack><stack visibility="hidden"><layer name="b" src="data/blue.png"/></stack>
      <layer name="a" src="data/red.png"/></stack>"""
    assert np.array_equal(shown(make_ora(tmp_path / "a.ora", stack, {"red": RED, "blue": BLUE})), RED)


def test_multiply_reaches_through_a_group_unless_that_is_isolated(tmp_path: Path) -> None:
    stack = """<stack><stack{}><layer name="b" src="data/blue.png" composite-op="svg:multiply"/></stack>
      <layer name="a" src="data/red.png"/></stack>"""
    layers = {"red": RED, "blue": BLUE}
    through = shown(make_ora(tmp_path / "a.ora", stack.format(""), layers))
    assert through[0, 0].tolist() == [0, 0, 0, 255]
    isolated = shown(make_ora(tmp_path / "b.ora", stack.format(' isolation="isolate"'), layers))
    assert isolated[0, 0].tolist() == [0, 0, 100, 255]


def test_a_stack_of_two_depths_is_read_at_the_deeper(tmp_path: Path) -> None:
    deep = noise(10, 12, 4, np.uint16)
    deep[..., 3] = 65535
    stack = '<stack><layer name="b" src="data/blue.png"/><layer name="a" src="data/deep.png"/></stack>'
    samples = shown(make_ora(tmp_path / "a.ora", stack, {"deep": deep, "blue": BLUE}))
    assert samples.dtype == np.uint16
    assert samples[0, 0].tolist() == [0, 0, 25700, 65535]
    assert np.array_equal(samples[4:], deep[4:])


def test_what_lies_beneath_a_layer_inside_a_group(tmp_path: Path) -> None:
    stack = """<stack><layer name="top" src="data/blue.png" y="6"/><stack>
        <layer name="edit" src="data/blue.png" x="4"/><layer name="low" src="data/blue.png"/></stack>
      <layer name="a" src="data/red.png"/></stack>"""
    path = make_ora(tmp_path / "a.ora", stack, {"red": RED, "blue": BLUE})
    expected = RED.copy()
    expected[:4, :4] = (0, 0, 100, 255)
    assert np.array_equal(LayeredSource(path, "edit").flat().samples, expected)


def test_a_crop_is_the_same_part_of_the_whole(tmp_path: Path) -> None:
    stack = '<stack><layer name="b" src="data/blue.png" x="3" y="3" opacity="0.3"/><layer name="a" src="data/red.png"/></stack>'
    source = LayeredSource(make_ora(tmp_path / "a.ora", stack, {"red": RED, "blue": BLUE}))
    crop = source.picture(Bounds(2, 1, 7, 5))
    read = np.frombuffer(crop.plane.data, np.uint8).reshape(5, 7, 4)
    assert np.array_equal(read, source.flat().samples[1:6, 2:9])


# ---- what can't be ---------------------------------------------------------------------------------------------------

LAYER = '<layer name="a" src="data/red.png"{}/>'
REFUSED = {
    "no layer stack": "",
    "has no “data/gone.png”": '<stack><layer name="a" src="data/gone.png"/></stack>',
    "blends by “krita:erase”": "<stack>" + LAYER.format(' composite-op="krita:erase"') + "</stack>",
    "visible “text” item": "<stack><text/></stack>",
    "opacity='lots'": "<stack>" + LAYER.format(' opacity="lots"') + "</stack>",
    "x='left'": "<stack>" + LAYER.format(' x="left"') + "</stack>",
    "nested too deeply": "<stack>" * 70 + "</stack>" * 70,
    "can't be read": "<stack>",
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_stack_that_cant_be_drawn_is_refused_in_words(tmp_path: Path, words: str) -> None:
    path = make_ora(tmp_path / "a.ora", REFUSED[words], {"red": RED})
    with pytest.raises(RequestError) as caught:
        shown(path)
    assert words in caught.value.sentence
    assert str(path) in caught.value.sentence


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "utf-8"), ("utf-16", "utf-16"), ("utf-16-be", "utf-16"), ("latin-1", "iso-8859-1")]
)
def test_a_stack_that_declares_entities_is_refused_in_any_encoding(tmp_path: Path, encoding: str, said: str) -> None:
    path, text = (
        tmp_path / "a.ora",
        '<!DOCTYPE image [<!ENTITY a "b">]><image w="12" h="10"><stack name="&a;"/></image>',
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", f'<?xml version="1.0" encoding="{said}"?>{text}'.encode(encoding))
    with pytest.raises(RequestError, match="declares entities"):
        _ = OpenRasterFile(path).stack


def with_bomb(path: Path, name: str, start: bytes = b"") -> Path:
    """Add a member of 96 MiB of zeros that takes 0.1 MB or more in the file."""
    make_ora(path, f"<stack>{LAYER.format('')}</stack>", {} if name == "data/red.png" else {"red": RED})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w") as member,
    ):
        member.write(start)
        for _ in range(96):
            member.write(bytes(2**20))
    return path


def peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_huge_member_is_copied_in_pieces(tmp_path: Path) -> None:
    path, out = with_bomb(tmp_path / "a.ora", "data/other.bin"), tmp_path / "out.ora"
    peak = peak_of(lambda: add(LayeredSource(path), out, plan_for(soft_patch(4, 4), 1, 1)))
    assert peak < 2**24
    with zipfile.ZipFile(out) as archive:
        assert archive.getinfo("data/other.bin").file_size == 96 * 2**20


@pytest.mark.parametrize("start", [b"", encode_png(Raster(np.zeros((2, 2, 4), np.uint8), "srgb", b"", False))])
def test_a_layer_that_is_no_png_or_larger_than_its_pixels_is_not_unpacked(tmp_path: Path, start: bytes) -> None:
    path = with_bomb(tmp_path / "a.ora", "data/red.png", start)

    def refused() -> None:
        with pytest.raises(RequestError, match="is too large" if start else "is no PNG"):
            shown(path)

    assert peak_of(refused) < 2**24


def test_hidden_items_that_are_not_known_do_no_harm(tmp_path: Path) -> None:
    stack = f'<stack><text visibility="hidden"/>{LAYER.format("")}</stack>'
    assert np.array_equal(shown(make_ora(tmp_path / "a.ora", stack, {"red": RED})), RED)


def test_layers_of_different_profiles_are_refused_by_name(tmp_path: Path) -> None:
    stack = '<stack><layer name="b" src="data/blue.png"/><layer name="a" src="data/red.png"/></stack>'
    path = make_ora(tmp_path / "a.ora", stack, {"red": RED}, icc=SRGB_PROFILE)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("data/blue.png", encode_png(Raster(BLUE)))
    with pytest.raises(RequestError, match=r"“b” and “a”.*different colour profiles"):
        shown(path)


@pytest.mark.parametrize("share", [0.1, 0.6, 0.95])
def test_a_truncated_archive_is_refused(tmp_path: Path, share: float) -> None:
    path = make_ora(tmp_path / "a.ora", f"<stack>{LAYER.format('')}</stack>", {"red": RED})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(RequestError, match="damaged or cut short"):
        shown(path)


def test_an_archive_of_a_later_format_is_refused(tmp_path: Path) -> None:
    path = make_ora(tmp_path / "a.ora", f"<stack>{LAYER.format('')}</stack>", {"red": RED})
    changed = bytearray(path.read_bytes())
    changed[changed.index(b"PK\x01\x02") + 6] = 70  # "version needed to extract" of the first file: 7.0
    path.write_bytes(changed)
    with pytest.raises(RequestError, match="damaged or cut short"):
        shown(path)


@pytest.mark.parametrize("encoding", ["UTF-m", "big5", "utf-16"])
def test_a_stack_in_an_encoding_that_cant_be_read_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.ora"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", f'<?xml version="1.0" encoding="{encoding}"?><image/>')
    with pytest.raises(RequestError, match=r"stack\.xml can't be read"):
        shown(path)


def test_a_damaged_layer_is_refused_by_name(tmp_path: Path) -> None:
    path = make_ora(tmp_path / "a.ora", f"<stack>{LAYER.format('')}</stack>", {"blue": BLUE})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("data/red.png", encode_png(Raster(RED))[:60])
    with pytest.raises(RequestError, match="its layer “a” can't be read"):
        shown(path)


def test_another_kind_of_archive_is_not_taken_for_openraster(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.kra", "w") as archive:
        archive.writestr("mimetype", "application/x-krita")
    with pytest.raises(RequestError, match="not an OpenRaster picture"):
        shown(tmp_path / "a.kra")


def test_a_layer_without_recipe_or_of_no_such_name(tmp_path: Path) -> None:
    path = make_ora(tmp_path / "a.ora", f"<stack>{LAYER.format('')}</stack>", {"red": RED})
    with pytest.raises(RequestError, match=r"“a” .* carries no recipe"):
        LayeredSource(path, "a").recipe()
    with pytest.raises(RequestError, match="has no layer “x”; it has “a”"):
        LayeredSource(path, "x").recipe()
